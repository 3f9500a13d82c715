# SPDX-License-Identifier: GPL-3.0-or-later
"""Times and sizes in words."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from mediaserver.command import words


@pytest.fixture(autouse=True)
def _zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Vienna")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-50, "less than a minute"),
        (59, "less than a minute"),
        (60, "1 minute"),
        (3599, "59 minutes"),
        (7300, "2 hours"),
        (90000, "1 day"),
        (400 * 86400, "400 days"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1500, "2 kB"),
        (20_000_000, "20 MB"),
        (1_234_000_000, "1.2 GB"),
        (4_000_000_000_000, "4.0 TB"),
        (5e18, "5000.0 PB"),
    ],
)
def test_size(number: float, text: str) -> None:
    assert words.size(number) == text


def test_a_moment_is_in_the_host_s_zone() -> None:
    assert words.moment(1_800_000_000) == "2027-01-15T09:00:00+01:00"
    assert words.readable(1_800_000_000, 1_800_007_300) == "2027-01-15 09:00 (2 hours)"
    assert words.parse("2027-01-15T09:00:00+0100") == 1_800_000_000  # as vpn-monitor writes it


@pytest.mark.parametrize("text", ["", "None", "yesterday", "99999-01-01"])
def test_what_is_no_moment_has_no_timestamp(text: str) -> None:
    assert words.parse(text) is None
