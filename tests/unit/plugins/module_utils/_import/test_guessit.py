# SPDX-License-Identifier: GPL-3.0-or-later
"""Use of guessit for titles without year and tags."""

from __future__ import annotations

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._import.model import ExistingFiles, ImportPlan
from ansible_collections.household.mediaserver.plugins.module_utils._import.plan import plan
from ansible_collections.household.mediaserver.plugins.module_utils._import.titles import GUESSES, title_of
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._import.torrents import make


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        ({}, ""),
        ({"title": ["Adam", "12"]}, "Adam"),
        ({"title": "A\nB"}, "A B"),
        ({"title": []}, ""),
        ({"title": 1984}, ""),
    ],
)
def test_title_of_guessit_is_one_line(answer: dict[str, object], title: str) -> None:
    assert title_of(answer) == title


def test_guessit_is_called_for_unclear_titles_only_and_at_most_twenty_times() -> None:
    calls: list[str] = []

    def guess(name: str) -> dict[str, object]:
        calls.append(name)
        return {"title": "Fight Club"}

    plan(make("Fight Club UNKNOWNTAG.mkv"), ExistingFiles(), guess=guess, this_year=2026)
    assert calls == ["Fight Club UNKNOWNTAG"]
    plan(make("Fight.Club.1999.mkv"), ExistingFiles(), guess=guess, this_year=2026)
    plan(
        make("Box Collection", [f"Some Film {number} of ours.mkv" for number in range(GUESSES + 1)]),
        ExistingFiles(),
        guess=guess,
    )
    assert len(calls) == 1
    plan(
        make("Box Collection", [f"Some Film {number} of ours.mkv" for number in range(GUESSES)]),
        ExistingFiles(),
        guess=guess,
    )
    assert len(calls) == 1 + GUESSES


def test_title_of_guessit_is_used_only_as_the_beginning_of_the_name() -> None:
    torrent = make("Spider Man Returns UNKNOWNTAG.mkv")
    wrong = plan(torrent, ExistingFiles(), guess=lambda name: {"title": "Man Returns"}, this_year=2026)
    right = plan(torrent, ExistingFiles(), guess=lambda name: {"title": "Spider Man Returns"}, this_year=2026)
    assert isinstance(wrong, ImportPlan)
    assert isinstance(right, ImportPlan)
    assert wrong.links[0].target.startswith("movies/Spider Man Returns UNKNOWNTAG/")
    assert right.links[0].target.startswith("movies/Spider Man Returns/")
