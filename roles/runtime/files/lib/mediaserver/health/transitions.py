# SPDX-License-Identifier: GPL-3.0-or-later
"""When a change of state is reported: damped, once for each change, with reminders. Pure.

Everything is counted in runs, not in time: a clock that is wrong or is set delays no message, and repeats none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from mediaserver.health.model import Finding, State
from mediaserver.health.table import Check

# Runs in which a state must be found before it is reported.
CONFIRM_RUNS = 2
# After so many reported changes in WINDOW_RUNS (six hours), a state must last CALM_RUNS (an hour) to be reported.
FLAPS, WINDOW_RUNS, CALM_RUNS = 4, 72, 12
RUNS_PER_HOUR = 12


class Kind(StrEnum):
    """What is new."""

    PROBLEM = "problem"
    OTHER_PROBLEM = "other problem"
    SOLVED = "solved"
    REMINDER = "reminder"


@dataclass(frozen=True)
class Track:
    """What is known of one check. ``state``, ``since``: as found, with the time of that run; ``reported``: the state
    of the last message; ``runs``: how many runs in a row have contradicted it; ``silence``: runs since that message;
    ``changes``: the numbers of the runs that reported a change.
    """

    state: State = State.OK
    since: float = 0.0
    reported: State = State.OK
    runs: int = 0
    silence: int = 0
    changes: tuple[int, ...] = ()


@dataclass(frozen=True)
class News:
    """``flapping``: the next message about this check waits until it has been stable for an hour."""

    kind: Kind
    finding: Finding
    since: float
    flapping: bool = False


def advance(
    tracks: Mapping[str, Track],
    findings: Sequence[Finding],
    checks: Mapping[str, Check],
    *,
    run: int,
    now: float,
    reminder_hours: int,
    held: bool = False,
) -> tuple[dict[str, Track], list[News]]:
    """Return the tracks after this run, and what is reported. A check that is gone is forgotten.

    ``held``: a program works on the services, which are down for a while; only what is urgent is reported then.
    """
    after: dict[str, Track] = {}
    news = []
    for finding in findings:
        track = observed(tracks.get(finding.check, Track(finding.state, now)), finding.state, now)
        check = checks[finding.check]
        if check.silent or (held and not check.urgent):
            after[finding.check] = replace(track, runs=0)
            continue
        track, kind = step(track, run=run, urgent=check.urgent, reminder_runs=reminder_hours * RUNS_PER_HOUR)
        after[finding.check] = track
        if kind is not None:
            news.append(News(kind, finding, track.since, len(track.changes) >= FLAPS))
    return after, news


def observed(track: Track, state: State, now: float) -> Track:
    """Return the track with the state of this run."""
    return track if track.state is state and track.since else replace(track, state=state, since=now)


def step(track: Track, *, run: int, urgent: bool, reminder_runs: int) -> tuple[Track, Kind | None]:
    """Decide on one check by ``track.state``, the state of this run."""
    track = replace(
        track, silence=track.silence + 1, changes=tuple(one for one in track.changes if run - WINDOW_RUNS < one <= run)
    )
    # What could not be measured neither contradicts nor confirms.
    if track.state is State.UNKNOWN:
        return track, None
    if track.state is track.reported:
        track = replace(track, runs=0)
        if track.reported.is_problem and 0 < reminder_runs <= track.silence:
            return replace(track, silence=0), Kind.REMINDER
        return track, None
    track = replace(track, runs=track.runs + 1)
    if track.runs < needed(track, urgent=urgent):
        return track, None
    kind = _kind(track)
    return replace(track, reported=track.state, runs=0, silence=0, changes=(*track.changes, run)), kind


def needed(track: Track, *, urgent: bool) -> int:
    """Return the runs that a new state must last. A leak is reported at once, however often it comes."""
    if urgent and track.state is State.BAD:
        return 1
    return CALM_RUNS if len(track.changes) >= FLAPS else CONFIRM_RUNS


def _kind(track: Track) -> Kind:
    if track.state is State.OK:
        return Kind.SOLVED
    return Kind.OTHER_PROBLEM if track.reported.is_problem else Kind.PROBLEM
