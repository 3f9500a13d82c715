# SPDX-License-Identifier: GPL-3.0-or-later
"""Register of checks, by the recording's file and the line's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jackett_replay import Replay

Line = dict[str, Any]
Check = Callable[[Replay, Line], Any]
CHECKS: dict[tuple[str, str], Check] = {}


def check(file: str, *names: str) -> Callable[[Check], Check]:
    """Register a function as the check of these lines; it raises AssertionError for a difference."""

    def register(found: Check) -> Check:
        for name in names:
            CHECKS[file, name] = found
        return found

    return register


def equals(file: str, name: str, read: Callable[[Replay], Any]) -> None:
    """Register a check that what `read` returns equals the recorded observation."""

    def found(replay: Replay, line: Line) -> None:
        actual = read(replay)
        assert actual == line["observation"], f"{line['observation']!r} recorded, {actual!r} given"

    CHECKS[file, name] = found
