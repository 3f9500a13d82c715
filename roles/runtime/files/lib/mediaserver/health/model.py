# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check finds. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """``unknown``: it could not be measured, which is neither good nor bad."""

    BAD = "bad"
    WARNING = "warning"
    UNKNOWN = "unknown"
    OK = "ok"

    @property
    def is_problem(self) -> bool:
        return self in (State.BAD, State.WARNING)


WORST_FIRST = tuple(State)
# How people are shown a problem.
SIGNS = {State.BAD: "BAD", State.WARNING: "warning"}


@dataclass(frozen=True)
class Value:
    """One number for metrics, which also the next run can compare with. ``metric``: a key of metrics.METRICS."""

    metric: str
    number: float
    labels: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        return self.metric + "".join(f",{name}={value}" for name, value in self.labels)


@dataclass(frozen=True)
class Finding:
    """What one check has found, and what a person can do. Neither text holds titles or names of users.

    ``private``: what may be added where the household wants titles in messages.
    """

    check: str
    state: State
    text: str
    remedy: str = ""
    values: tuple[Value, ...] = ()
    private: str = ""


def worst(states: Iterable[State]) -> State:
    """Return the worst of these states, ok without any."""
    return min(states, key=WORST_FIRST.index, default=State.OK)


def ok(check: str, text: str, *values: Value) -> Finding:
    return Finding(check, State.OK, text, values=values)


def warning(check: str, text: str, remedy: str, *values: Value) -> Finding:
    return Finding(check, State.WARNING, text, remedy, values)


def bad(check: str, text: str, remedy: str, *values: Value) -> Finding:
    return Finding(check, State.BAD, text, remedy, values)


def unknown(check: str, text: str, remedy: str = "") -> Finding:
    return Finding(check, State.UNKNOWN, text, remedy)
