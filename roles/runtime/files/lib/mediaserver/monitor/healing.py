# SPDX-License-Identifier: GPL-3.0-or-later
"""When an unhealthy service is restarted. Pure; times are seconds since boot.

A restart costs a playback, and kills a migration of Jellyfin's database. So a service is restarted only after a time,
one that is in use later, and one that migrates not at all. The tunnel is no such service: it is restarted at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mediaserver._core.names import HOLDER, TUNNEL
from mediaserver.monitor.monitor_state import MonitorState
from mediaserver.monitor.observation import ContainerState, Observation, Use

# Docker has already waited for several failed checks.
UNHEALTHY_S = 30.0
# The longest that a service in use is left as it is.
IN_USE_S = 900.0
# A playback vanishes from Jellyfin's list for some seconds, after its restart for instance.
PLAYBACK_S = 60.0
# The first pause after a restart that has not helped.
PAUSE_S = 60.0


def unhealthy(observed: Observation) -> Iterator[str]:
    """Yield the services that are restarted because of their health. The holder is never one of them."""
    for name, found in observed.containers.items():
        if name in (HOLDER, TUNNEL) or name not in observed.restarted_when_unhealthy:
            continue
        if found.state is ContainerState.RUNNING and found.unhealthy:
            yield name


def assess_health(observed: Observation, state: MonitorState, now: float) -> MonitorState:
    """Note since when services are unhealthy, and when they were last seen in use."""
    if not observed.docker:
        return state
    ill = {name: min(state.unhealthy.get(name, now), now) for name in unhealthy(observed)}
    seen = {name: at for name, at in state.in_use.items() if at + PLAYBACK_S > now >= at}
    seen |= {name: now for name, use in observed.uses.items() if use in (Use.IN_USE, Use.UNKNOWN)}
    return replace(state, unhealthy=ill, in_use=seen)


def obstacle(name: str, observed: Observation, state: MonitorState, now: float) -> str:
    """Return why a service is not restarted now, as the end of a sentence; empty where it may be."""
    if observed.uses.get(name) is Use.MIGRATES:
        return "not restarted, because it starts or migrates its database"
    since = state.unhealthy.get(name, now)
    if name in state.in_use and now < since + IN_USE_S:
        return f"restarted when no playback runs, and {IN_USE_S / 60:.0f} minutes after it became so at the latest"
    if now < since + UNHEALTHY_S:
        return f"restarted unless it recovers within {UNHEALTHY_S:.0f} seconds"
    return ""
