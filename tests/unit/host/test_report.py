# SPDX-License-Identifier: GPL-3.0-or-later
"""What vpn-monitor tells: the state file for programs, and one line in the journal for every change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mediaserver import journal
from mediaserver._core.errors import GatewayError
from mediaserver.monitor import report as reporting
from mediaserver.monitor.decide import Decision, decide
from mediaserver.monitor.hold import Hold
from mediaserver.monitor.monitor_state import MonitorState
from mediaserver.monitor.observation import Observation, Tunnel
from mediaserver.monitor.problems import Code, Problem
from mediaserver.monitor.report import Report, state_of
from mediaserver.monitor.steps import Act, Step

WELL: dict[str, Any] = {"problems": [], "peer": "vpn.example:51820", "endpoint": "198.18.0.20", "leak_attempts": 0}
STOPPED = Problem(Code.CONTAINER_STOPPED, "jellyfin does not run")
DEAD = Problem(Code.TUNNEL_DEAD, "the tunnel carries no traffic")
START = Step(Act.START, STOPPED.text, ("jellyfin",))


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Report:
    clock: Iterator[str] = (f"2026-01-01T00:00:{second:02}+0100" for second in range(60))
    monkeypatch.setattr(reporting, "_stamp", lambda: next(clock))
    return Report(tmp_path / "run" / "vpn.json")


def told(report: Report) -> dict[str, Any]:
    return dict(json.loads(report.path.read_text()))


def test_the_first_observation_is_reported_whole(report: Report) -> None:
    report.update("online", **WELL)
    assert told(report) == {
        "version": 2,
        "state": "online",
        **WELL,
        "steps": 0,
        "last_step": None,
        "since": "2026-01-01T00:00:00+0100",
    }
    assert report.path.stat().st_mode & 0o777 == 0o644


def test_what_the_outer_barrier_had_to_drop_is_an_alarm(report: Report, capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for attempts in (5, 5, 8, 8, None, 9, 2, 0):
        report.update("online", **WELL | {"leak_attempts": attempts})
        said.append(capsys.readouterr().out.partition("dropped ")[2])
    # Neither what was there before the first observation, nor what came while there was no barrier to count.
    words = "{} more on their way past the inner one\n"
    assert said == ["", "", words.format(3), "", "", "", words.format(2), ""]


def test_since_changes_with_the_state_and_with_nothing_else(report: Report) -> None:
    since = []
    for state, facts in (
        ("online", {}),
        ("online", {"leak_attempts": 3}),
        ("healing", {"problems": [STOPPED]}),
        ("healing", {"problems": [DEAD]}),
        ("healing", {"peer": "198.18.0.21:443"}),
        ("online", {}),
    ):
        report.update(state, **WELL | facts)
        since.append(told(report)["since"][-7:-5])
    assert since == ["00", "00", "01", "01", "01", "02"]


def test_the_file_is_written_only_when_something_in_it_changes(report: Report) -> None:
    report.update("online", **WELL)
    report.path.unlink()
    report.update("online", **WELL)
    assert not report.path.exists()
    report.update("online", **WELL | {"leak_attempts": 1})
    assert told(report)["leak_attempts"] == 1


def test_a_step_is_counted_and_the_last_one_described(report: Report) -> None:
    report.update("healing", **WELL | {"problems": [STOPPED]})
    report.step(Step(Act.LOAD_BARRIER, "the outer barrier differs from its file"))
    report.step(START)
    report.update("healing", **WELL | {"problems": [STOPPED]})
    assert told(report)["steps"] == 2
    assert told(report)["last_step"] == {
        "at": "2026-01-01T00:00:02+0100",
        "act": "start",
        "targets": ["jellyfin"],
        "why": STOPPED.text,
    }
    assert told(report)["since"] == "2026-01-01T00:00:00+0100"


def test_the_journal_has_one_line_for_every_change_of_state_or_problem(
    report: Report, capsys: pytest.CaptureFixture[str]
) -> None:
    for state, facts in (
        ("online", {}),
        ("online", {}),
        ("online", {"forwarded_port": 45678}),
        ("healing", {"problems": [STOPPED]}),
        ("healing", {"problems": [STOPPED], "endpoint": "198.18.0.21"}),
        ("healing", {"problems": [STOPPED, DEAD]}),
        ("online", {}),
    ):
        report.update(state, **WELL | facts)
    assert capsys.readouterr().out.splitlines() == [
        "online",
        "healing: jellyfin does not run",
        "healing: jellyfin does not run; the tunnel carries no traffic",
        "online",
    ]


def test_a_step_and_its_failure_have_a_line_each(report: Report, capsys: pytest.CaptureFixture[str]) -> None:
    report.step(START)
    report.failure(GatewayError("docker start failed"))
    assert capsys.readouterr().out.splitlines() == [
        "jellyfin does not run: start jellyfin (to stop the stack by hand: sudo systemctl stop mediaserver.service)",
        "that did not work, it is tried again: docker start failed",
    ]


@pytest.mark.parametrize(
    ("observed", "problems", "alive", "word"),
    [
        (Observation(), (), True, "online"),
        (Observation(), (), False, "waiting"),
        (Observation(), (STOPPED,), True, "online"),
        (Observation(), (STOPPED,), False, "healing"),
        (Observation(online=False), (Problem(Code.OFFLINE, ""),), False, "offline"),
        (Observation(online=True), (DEAD,), False, "healing"),
        (Observation(docker=False), (Problem(Code.DOCKER_SILENT, ""),), False, "healing"),
        (Observation(held=True), (), True, "held"),
        (Observation(held=True, online=False), (Problem(Code.OFFLINE, ""),), False, "held"),
    ],
)
def test_one_word_tells_the_whole(observed: Observation, problems: tuple[Problem, ...], alive: bool, word: str) -> None:
    assert state_of(observed, Decision(None, problems, MonitorState(), alive)) == word


@pytest.mark.parametrize("tunnel", [None, Tunnel()])
def test_the_word_for_a_look_comes_from_what_is_decided(tunnel: Tunnel | None) -> None:
    observed = Observation(tunnel=tunnel)
    assert state_of(observed, decide(observed, MonitorState(), 0.0)) == ("online" if tunnel else "waiting")


def test_a_monitor_that_is_stopped_no_longer_says_that_all_is_well(
    report: Report, capsys: pytest.CaptureFixture[str]
) -> None:
    report.update("healing", **WELL | {"problems": [STOPPED]})
    report.stopped()
    assert told(report) == {
        **{"version": 2, "state": "stopped", **WELL, "problems": [], "forwarded_port": 0},
        **{"steps": 0, "last_step": None, "since": "2026-01-01T00:00:01+0100"},
    }
    assert capsys.readouterr().out.splitlines()[-1] == "stopped"


def test_a_monitor_that_is_stopped_before_its_first_observation_says_so_with_every_key(report: Report) -> None:
    report.stopped()
    assert (told(report)["state"], told(report)["peer"], told(report)["leak_attempts"]) == ("stopped", "", None)
    keys = set(told(report))
    report.update("online", **WELL | {"forwarded_port": 0})
    assert set(told(report)) == keys


def test_a_hold_is_reported_when_it_begins_when_it_ends_and_when_it_is_not_believed(
    report: Report, capsys: pytest.CaptureFixture[str]
) -> None:
    for found in (
        None,
        Hold(True, "by ansible for 30 s more"),
        Hold(True, "by ansible for 29 s more"),
        Hold(False, "by ansible has expired"),
        Hold(False, "by ansible has expired"),
        Hold(False, "is ignored: it is not a file that only root can write"),
        None,
        None,
    ):
        report.hold(found)
    assert capsys.readouterr().out.splitlines() == [
        "hold by ansible for 30 s more",
        "hold by ansible has expired",
        "hold is ignored: it is not a file that only root can write",
        "no hold any more",
    ]


def test_what_goes_wrong_is_logged_as_a_warning_and_the_rest_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that journalctl -p warning shows it."""
    lines: list[tuple[int, str]] = []
    monkeypatch.setattr(journal, "_write", lambda priority, text, stream: lines.append((int(priority), str(text))))
    report = Report(tmp_path / "vpn.json")
    facts: dict[str, object] = {"peer": "a:1", "endpoint": "", "forwarded_port": 0}
    report.update("online", [], **facts, leak_attempts=0)
    report.hold(Hold(True, "by ansible for 30 s more"))
    report.hold(None)
    report.step(Step(Act.RESTART, "jellyfin is in a dead namespace", ("jellyfin",)))
    report.update("healing", [Problem(Code.TUNNEL_DEAD, "the tunnel carries no traffic")], **facts, leak_attempts=0)
    report.failure(OSError("no space left"))
    report.hold(Hold(False, "is ignored: it cannot be read"))
    report.update("online", [], **facts, leak_attempts=3)
    assert [priority for priority, _text in lines] == [6, 6, 6, 5, 4, 4, 4, 6, 3], lines
