# SPDX-License-Identifier: GPL-3.0-or-later
"""What vpn-monitor knows that must survive a start of the program, but not one of the host: a file in /run.

A file that is lost or cannot be believed costs nothing but this knowledge, which is had again.
"""

from __future__ import annotations

import contextlib
import json
import math
from dataclasses import replace
from pathlib import Path

from mediaserver._core import files
from mediaserver._core.names import MONITOR_STATE
from mediaserver.monitor.decide import LONGEST_PAUSE_S, Act, Memory

# Its pauses grow, whoever is started anew by it.
DOCKER: tuple[str, ...] = (Act.RESTART_DOCKER,)


def to_json(memory: Memory) -> str:
    kept = {
        "trusted": memory.trusted,
        "asked": list(memory.asked),
        "network_seen": memory.network_seen,
        "swarm_pending": memory.swarm_pending,
        "docker_restarts": list(memory.tries.get(DOCKER, (0.0, 0))),
    }
    return json.dumps(kept) + "\n"


def from_json(text: str | None, now: float) -> Memory:
    """Return what is known at ``now``, in seconds since boot; it never raises."""
    try:
        kept = json.loads(text or "{}")
        after, times = kept["docker_restarts"]
        # Never further away than a pause can be, whatever is written there.
        after, times = min(float(after), now + LONGEST_PAUSE_S), max(0, int(times))
        asked = tuple(map(str, kept["asked"]))
        trusted, seen, pending = (kept[name] is True for name in ("trusted", "network_seen", "swarm_pending"))
        known = Memory(trusted=trusted, asked=asked, network_seen=seen, swarm_pending=pending)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return Memory()
    if times == 0 or math.isnan(after):
        return known
    return replace(known, tries={DOCKER: (after, times)})


def load(now: float, path: Path = MONITOR_STATE) -> Memory:
    try:
        return from_json(files.read(path), now)
    except OSError:
        return Memory()


def save(memory: Memory, path: Path = MONITOR_STATE) -> None:
    """Write what differs; a disk that takes nothing must not keep the monitor from its work."""
    text = to_json(memory)
    with contextlib.suppress(OSError):
        if files.read(path) != text:
            files.write(path, text, mode=0o600)
