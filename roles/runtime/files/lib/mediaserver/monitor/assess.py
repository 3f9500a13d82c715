# SPDX-License-Identifier: GPL-3.0-or-later
"""Updates what vpn-monitor knows with one observation: tunnel, Docker's network, crash loops. Pure.

Times are seconds since boot.
"""

from __future__ import annotations

from dataclasses import replace

from mediaserver.monitor.monitor_state import MonitorState
from mediaserver.monitor.observation import ContainerState, Observation

# WireGuard refuses to send with keys older than this (WireGuard whitepaper, section 6.1: Reject-After-Time).
HANDSHAKE_LIFE_S = 180.0
# Unanswered queries through the tunnel, in a row, after which it counts as dead.
MAX_UNANSWERED = 3
# While the resolvers are silent, a packet that came out of the tunnel proves for this time that it carries traffic.
TRAFFIC_PROOF_S = 20.0
# A container that restarts for CRASH_LOOP_S is crash-looping; after RECOVERED_S without a restart it has recovered,
# as Docker itself counts it.
CRASH_LOOP_S, RECOVERED_S = 10.0, 10.0


def assess_tunnel(observed: Observation, state: MonitorState, now: float) -> tuple[MonitorState, bool]:
    """Return the new state, and whether the tunnel is alive.

    It is alive while it answers; before its first answer, while its handshake is fresh. Handshake ages are wrong after
    a step of the clock, and stay fresh for minutes after the connection is cut. So after the first answer only answers
    count, until other resolvers, peers or keys are used. Without an answer, packets that come out of the tunnel show
    that only its resolvers are dead.
    """
    if observed.tunnel is None:
        return state, False
    state = replace(state, trusted=state.trusted and state.asked == observed.asked, asked=observed.asked)
    if observed.tunnel.answered:
        return replace(_repaired(state), unanswered=0, received=None, traffic_until=0.0, trusted=True), True
    before, after = state.received, observed.tunnel.received
    # Compared between two unanswered observations: packets before the first of them may be from before the failure.
    carried = before is not None and after is not None and after > before
    state = replace(
        state,
        unanswered=state.unanswered + 1,
        received=after,
        traffic_until=now + TRAFFIC_PROOF_S if carried else state.traffic_until,
    )
    if now < state.traffic_until:
        return _repaired(state), True
    if state.trusted:
        return state, state.unanswered < MAX_UNANSWERED
    age = observed.tunnel.handshake_age
    if age is None or not 0 <= age < HANDSHAKE_LIFE_S:
        return state, False
    return _repaired(state), True


def _repaired(state: MonitorState) -> MonitorState:
    """Begin with the first tunnel repair at the next failure."""
    return replace(state, repair_index=0, repair_after=0.0, repair_rounds=0)


def assess_network(observed: Observation, state: MonitorState, now: float) -> MonitorState:
    """Note since when Docker's side of the VPN network is missing. One that never existed is not missing."""
    if not observed.docker or observed.network is None:
        return replace(state, network_missing_since=None)
    if observed.network:
        return replace(state, network_seen=True, network_missing_since=None)
    if not state.network_seen:
        return state
    return replace(
        state, network_missing_since=now if state.network_missing_since is None else state.network_missing_since
    )


def assess_restarts(observed: Observation, state: MonitorState, now: float) -> MonitorState:
    """Note since when Docker restarts a container. It may run briefly between two restarts."""
    if not observed.docker:
        return state
    known = {name: times for name, times in state.restarts.items() if now < times[1] + RECOVERED_S}
    found = [name for name, container in observed.containers.items() if container.state is ContainerState.RESTARTING]
    return replace(state, restarts=known | {name: (known.get(name, (now, now))[0], now) for name in found})


def crash_loops(observed: Observation, state: MonitorState) -> list[str]:
    """Return the containers that are in a crash loop."""
    restarts = state.restarts if observed.docker else {}
    return [name for name, (first, last) in restarts.items() if last - first >= CRASH_LOOP_S]


def resolvers_are_dead(state: MonitorState, now: float) -> bool:
    """Say whether the tunnel carries traffic although no resolver in it answers."""
    return state.unanswered >= MAX_UNANSWERED and now < state.traffic_until
