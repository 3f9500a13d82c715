# SPDX-License-Identifier: GPL-3.0-or-later
"""When a change of state is reported: damped, once, with reminders; a clock has no part in it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mediaserver.health.model import Finding, State
from mediaserver.health.table import Check
from mediaserver.health.transitions import CALM_RUNS, CONFIRM_RUNS, FLAPS, WINDOW_RUNS, Kind, Track, advance

OK, WARNING, BAD, UNKNOWN = State.OK, State.WARNING, State.BAD, State.UNKNOWN
LETTERS = {"o": OK, "w": WARNING, "b": BAD, "u": UNKNOWN}
CHECKS = {
    "disk": Check("disk", "disk", "disk"),
    "leak": Check("leak", "VPN", "leak", urgent=True),
    "playback": Check("playback", "playback", "playback", silent=True),
}


def reported(states: Iterable[State], check: str = "disk", *, reminder_hours: int = 0) -> list[tuple[int, Kind]]:
    """Return in which run, counted from 1, what was reported."""
    tracks: dict[str, Track] = {}
    made = []
    for run, state in enumerate(states, start=1):
        finding = Finding(check, state, "text")
        tracks, news = advance(tracks, [finding], CHECKS, run=run, now=run * 300.0, reminder_hours=reminder_hours)
        made += [(run, one.kind) for one in news]
    return made


def run(text: str, check: str = "disk", **more: int) -> list[tuple[int, Kind]]:
    return reported((LETTERS[letter] for letter in text), check, **more)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("oooo", []),
        # A service that is restarted, once.
        ("obooo", []),
        ("obbbb", [(3, Kind.PROBLEM)]),
        ("bbbb", [(2, Kind.PROBLEM)]),
        ("obboo", [(3, Kind.PROBLEM), (5, Kind.SOLVED)]),
        ("obbobb", [(3, Kind.PROBLEM)]),
        # Around a mark: it is not well, whichever of both it is.
        ("owbwbw", [(3, Kind.PROBLEM)]),
        ("wwbb", [(2, Kind.PROBLEM), (4, Kind.OTHER_PROBLEM)]),
        ("bbww", [(2, Kind.PROBLEM), (4, Kind.OTHER_PROBLEM)]),
        # What cannot be measured is no end of a problem, and none of itself.
        ("uuuu", []),
        ("bbuuub", [(2, Kind.PROBLEM)]),
        ("bbuuoo", [(2, Kind.PROBLEM), (6, Kind.SOLVED)]),
        ("buub", [(4, Kind.PROBLEM)]),
    ],
)
def test_a_change_is_reported_once_when_it_lasts(text: str, expected: list[tuple[int, Kind]]) -> None:
    assert run(text) == expected


def test_a_leak_is_reported_at_once() -> None:
    assert run("ob", "leak") == [(2, Kind.PROBLEM)]
    assert run("obbo", "leak") == [(2, Kind.PROBLEM)]
    assert run("obboo", "leak") == [(2, Kind.PROBLEM), (5, Kind.SOLVED)]


def test_a_silent_check_is_never_reported() -> None:
    assert run("wwwwoowwww", "playback", reminder_hours=1) == []


def test_a_state_that_changes_often_is_damped() -> None:
    flapping = "bboo" * (WINDOW_RUNS // 4)
    assert len(run(flapping)) == FLAPS
    # Later, as many in each six hours.
    assert len(run(flapping * 4)) == FLAPS * 4
    # Once it is stable, the last state is reported.
    stable = run(flapping[: 4 * FLAPS] + "b" * (CALM_RUNS + 1))
    assert [kind for _run, kind in stable[FLAPS:]] == [Kind.PROBLEM]
    assert stable[-1][0] == 4 * FLAPS + CALM_RUNS


def test_after_hours_without_a_change_damping_ends() -> None:
    text = "bboo" * (FLAPS // 2) + "o" * WINDOW_RUNS + "bb"
    assert run(text)[-1] == (len(text), Kind.PROBLEM)


@pytest.mark.parametrize(("hours", "number"), [(0, 0), (1, 4), (24, 0)])
def test_reminders(hours: int, number: int) -> None:
    found = run("b" * (2 + 4 * 12), reminder_hours=hours)
    assert [kind for _run, kind in found] == [Kind.PROBLEM, *[Kind.REMINDER] * number]


def test_a_day_has_one_reminder() -> None:
    found = run("b" * (2 + 24 * 12), reminder_hours=24)
    assert found == [(2, Kind.PROBLEM), (2 + 24 * 12, Kind.REMINDER)]


def test_while_a_program_works_on_the_services_nothing_counts() -> None:
    tracks: dict[str, Track] = {}
    news = []
    for number in range(1, 5):
        findings = [Finding("disk", BAD, "x"), Finding("leak", BAD, "x")]
        tracks, made = advance(tracks, findings, CHECKS, run=number, now=1.0, reminder_hours=0, held=True)
        news += made
    assert [one.finding.check for one in news] == ["leak"]
    assert (tracks["disk"].state, tracks["disk"].reported) == (BAD, OK)


def test_what_was_found_first_when_is_kept() -> None:
    tracks, _news = advance({}, [Finding("disk", OK, "x")], CHECKS, run=1, now=100.0, reminder_hours=0)
    for number, state in enumerate((BAD, BAD, UNKNOWN, UNKNOWN), start=2):
        finding = Finding("disk", state, "x")
        tracks, _news = advance(tracks, [finding], CHECKS, run=number, now=number * 100.0, reminder_hours=0)
    assert (tracks["disk"].state, tracks["disk"].since, tracks["disk"].reported) == (UNKNOWN, 400.0, BAD)


def test_a_check_that_is_gone_is_forgotten() -> None:
    tracks, news = advance({"disk": Track(BAD, 1.0, BAD)}, [], CHECKS, run=9, now=1.0, reminder_hours=1)
    assert (tracks, news) == ({}, [])


@given(st.lists(st.sampled_from(list(State)), max_size=200), st.sampled_from(["disk", "leak"]))
def test_problems_and_their_ends_alternate(states: list[State], check: str) -> None:
    kinds = [kind for _run, kind in reported(states, check)]
    known = False
    for kind in kinds:
        assert kind is not Kind.REMINDER
        assert (kind is Kind.PROBLEM) is not known
        known = kind is not Kind.SOLVED
    # What lasts for an hour is reported, whatever was before.
    settled = reported([*states, *[BAD] * CALM_RUNS], check)
    assert settled and settled[-1][1] is not Kind.SOLVED


@given(st.lists(st.sampled_from([OK, BAD, UNKNOWN]), max_size=100))
def test_every_reported_change_has_lasted(states: list[State]) -> None:
    for number, kind in reported(states):
        measured = [one for one in states[:number] if one is not UNKNOWN]
        wanted = OK if kind is Kind.SOLVED else BAD
        assert measured[-CONFIRM_RUNS:] == [wanted] * CONFIRM_RUNS
