# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls in a child process: one that hangs or ends its process costs its own answer only."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mediaserver import bounded
from mediaserver._core import files
from mediaserver.bounded import Job, Result


def jobs(**calls: Callable[[], Any]) -> list[Job]:
    return [Job(name, call, 5) for name, call in calls.items()]


def hang() -> None:
    time.sleep(60)


def test_values_come_in_order_from_one_child() -> None:
    found = list(bounded.each(jobs(a=os.getpid, b=os.getpid, c=lambda: {"x": [1]}), total_s=10))
    assert [one.name for one in found] == ["a", "b", "c"]
    assert found[2] == Result("c", {"x": [1]})
    assert found[0].value == found[1].value != os.getpid()


def test_a_call_that_hangs_is_late_and_the_rest_is_made() -> None:
    begun = time.monotonic()
    found = list(bounded.each([Job("a", hang, 0.3), *jobs(b=lambda: 7)], total_s=10))
    assert found == [Result("a", late=True), Result("b", 7)]
    assert time.monotonic() - begun < 5


def test_an_error_is_that_of_its_call_alone() -> None:
    found = list(bounded.each(jobs(a=lambda: 1 / 0, b=lambda: 7), total_s=10))
    assert [found[0].ok, found[0].error] == [False, "ZeroDivisionError: division by zero"]
    assert found[1] == Result("b", 7)


@pytest.mark.parametrize(
    "way", [lambda: os._exit(3), lambda: os.kill(os.getpid(), signal.SIGSEGV), lambda: sys.exit(1)]
)
def test_a_child_that_ends_costs_one_answer(way: Callable[[], Any]) -> None:
    found = list(bounded.each(jobs(a=way, b=lambda: 7), total_s=10))
    assert found == [Result("a", error="its process ended"), Result("b", 7)]


def test_a_value_that_cannot_be_sent_is_an_error() -> None:
    found = list(bounded.each(jobs(a=lambda: lambda: None, b=lambda: 7), total_s=10))
    assert (found[0].ok, found[1].value) == (False, 7)


def test_a_large_value_arrives_whole() -> None:
    assert bounded.one(lambda: "x" * 3_000_000, 10).value == "x" * 3_000_000


def test_after_the_total_time_the_rest_is_late_without_a_try(tmp_path: Path) -> None:
    found = list(bounded.each([Job("a", hang, 60), Job("b", (tmp_path / "tried").touch, 60)], total_s=0.3))
    assert found == [Result("a", late=True), Result("b", late=True)]
    assert not (tmp_path / "tried").exists()


def test_what_a_hanging_call_has_started_is_ended(tmp_path: Path) -> None:
    def start() -> None:
        os.system(f"sh -c 'echo $$ > {tmp_path}/pid; exec sleep 60'")

    assert bounded.one(start, 0.7).late
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":
            return
        time.sleep(0.05)
    pytest.fail("it still runs")


def test_a_child_that_stays_keeps_no_lock_of_its_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that waits for a dead disk, which no signal ends."""
    monkeypatch.setattr(bounded.os, "killpg", lambda pid, number: None)
    monkeypatch.setattr(bounded.os, "kill", lambda pid, number: None)
    monkeypatch.setattr(bounded, "END_S", 0.1)
    with files.locked(tmp_path / "lock", patience=0):
        assert bounded.one(lambda: time.sleep(3), 0.2).late
        with pytest.raises(TimeoutError), files.locked(tmp_path / "lock", patience=0):
            pass
    with files.locked(tmp_path / "lock", patience=0):
        pass
