# SPDX-License-Identifier: GPL-3.0-or-later
"""What vpn-monitor keeps from one observation to the next, and the part that survives its restart: a file in /run.

A missing or damaged file costs only this knowledge, which vpn-monitor collects again.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mediaserver._core import files
from mediaserver._core.names import MONITOR_STATE
from mediaserver.monitor.steps import Act

# The longest backoff.
MAX_PAUSE_S = 300.0
# Its backoff must continue even when the restart of Docker restarts vpn-monitor.
DOCKER: tuple[str, ...] = (Act.RESTART_DOCKER,)


@dataclass(frozen=True)
class MonitorState:
    """Times are seconds since boot."""

    # By step and targets: when the next attempt is due, and the number of attempts in a row.
    attempts: Mapping[tuple[str, ...], tuple[float, int]] = field(default_factory=dict)
    unanswered: int = 0  # queries through the tunnel, in a row
    received: int | None = None  # packets out of the tunnel at the last unanswered observation
    traffic_until: float = 0.0  # the tunnel counts as alive although no resolver answers
    trusted: bool = False  # a query through the tunnel was answered since boot, with these resolvers, peers and keys:
    asked: tuple[str, ...] = ()
    # By container that Docker restarts: when that was observed first, and last.
    restarts: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    unhealthy: Mapping[str, float] = field(default_factory=dict)  # services, and since when
    in_use: Mapping[str, float] = field(default_factory=dict)  # services, and when they were last seen in use
    network_seen: bool = False  # Docker's side of the VPN network existed since boot
    network_missing_since: float | None = None  # missing in every observation since then
    swarm_pending: bool = False  # the tunnel failed, and the torrents' peers have not been checked since
    repair_index: int = 0  # of TUNNEL_REPAIRS, the next one
    repair_after: float = 0.0
    repair_rounds: int = 0  # of all tunnel repairs, without success


def to_json(state: MonitorState) -> str:
    kept = {
        "trusted": state.trusted,
        "asked": list(state.asked),
        "network_seen": state.network_seen,
        "swarm_pending": state.swarm_pending,
        "docker_restarts": list(state.attempts.get(DOCKER, (0.0, 0))),
    }
    return json.dumps(kept) + "\n"


def from_json(text: str | None, now: float) -> MonitorState:
    """Return the state that a file holds. It never raises; an empty state stands for a damaged file."""
    try:
        kept = json.loads(text or "{}")
        after, times = kept["docker_restarts"]
        # Never further away than the longest backoff, whatever the file holds.
        after, times = min(float(after), now + MAX_PAUSE_S), max(0, int(times))
        asked = tuple(map(str, kept["asked"]))
        trusted, seen, pending = (kept[name] is True for name in ("trusted", "network_seen", "swarm_pending"))
        known = MonitorState(trusted=trusted, asked=asked, network_seen=seen, swarm_pending=pending)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return MonitorState()
    if times == 0 or math.isnan(after):
        return known
    return replace(known, attempts={DOCKER: (after, times)})


def load(now: float, path: Path = MONITOR_STATE) -> MonitorState:
    try:
        return from_json(files.read(path), now)
    except OSError:
        return MonitorState()


def save(state: MonitorState, path: Path = MONITOR_STATE) -> None:
    """Write the file when it differs. A full disk must not stop the repairs."""
    text = to_json(state)
    with contextlib.suppress(OSError):
        if files.read(path) != text:
            files.write(path, text, mode=0o600)
