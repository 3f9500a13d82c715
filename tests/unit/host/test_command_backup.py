# SPDX-License-Identifier: GPL-3.0-or-later
"""``mediaserver backup``, ``mediaserver card``, and what status says of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from backup_home import Home, make_home, needs_restic
from command_host import NOW, make_context
from command_host import run as run_command
from mediaserver._core import job_lock
from mediaserver._core.errors import AccessDenied, FileProblem, MediaserverError
from mediaserver.backup import card as recovery_card
from mediaserver.backup import repository, state
from mediaserver.backup.repository import Disks
from mediaserver.command import backup, backup_state, card, words
from mediaserver.command.frame import Context, Exit, WrongArgument

LOCATION = "rest:https://house:s3cr3t@backup.example/repository"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    made = make_home(tmp_path, monkeypatch)
    monkeypatch.setattr(backup, "BackupRun", lambda root: made.run())
    monkeypatch.setattr(card, "StateFile", lambda path: state.StateFile(path, made.top / "run/state.lock"))
    return made


def context(home: Home, **changes: Any) -> Context:
    made = make_context(home.root, **{"now": lambda: home.now, **changes})
    settings = json.loads((home.root / "command.json").read_text())
    (home.root / "command.json").write_text(json.dumps({**settings, "state": str(home.top / "state")}))
    return made


@needs_restic
def test_a_backup_says_what_it_survives(home: Home) -> None:
    outcome = run_command(backup, context(home))
    assert outcome.exit_code == Exit.OK
    assert "2 databases" in outcome.lines[0]
    assert "it survives: a dead card: yes; a dead disk or theft: no" in outcome.lines
    assert run_command(backup, context(home), "--quiet").lines == []


@needs_restic
def test_a_damaged_database_needs_attention(home: Home) -> None:
    (home.root / "config/own/own.db").write_bytes(b"garbage" * 99)
    outcome = run_command(backup, context(home), "--quiet")
    assert outcome.exit_code == Exit.ATTENTION
    assert outcome.lines and "own.db" in outcome.lines[0]


def test_without_a_place_it_needs_attention(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "observe", lambda settings, given: Disks("card", "card"))
    outcome = run_command(backup, context(home))
    assert (outcome.exit_code, outcome.data["made"]) == (Exit.ATTENTION, False)
    assert "attach a media disk" in outcome.lines[0]


def test_only_root_may(home: Home) -> None:
    for command in (backup, card):
        with pytest.raises(AccessDenied):
            run_command(command, context(home, uid=lambda: 1000))


def test_a_failure_of_the_night_is_an_error_in_the_journal(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    with job_lock.held("site.yml", path=home.top / "run/lock"), pytest.raises(MediaserverError):
        run_command(backup, context(home), "--quiet")
    assert "another job works on this host: site.yml" in capsys.readouterr().err


def given(home: Home) -> None:
    home.write_settings(given_repository=True)
    (home.root / "backup").mkdir()
    (home.root / "backup/repository").write_text(LOCATION + "\n")
    (home.root / "backup/password").write_text("correct-horse\n")
    (home.root / "backup/environment.json").write_text('{"AWS_SECRET_ACCESS_KEY": "s3cr3t-key"}')


def test_the_card_has_all_that_a_restore_needs(home: Home) -> None:
    given(home)
    text = "\n".join(run_command(card, context(home)).lines)
    for needed in (LOCATION, "correct-horse", "s3cr3t-key", recovery_card.BLANK, "theft and fire: yes"):
        assert needed in text, needed
    assert max(map(len, text.splitlines())) <= 120 and len(text.splitlines()) < 40, "one page"


def test_the_card_can_be_shown_without_secrets(home: Home) -> None:
    given(home)
    text = "\n".join(run_command(card, context(home), "--without-password").lines)
    assert "s3cr3t" not in text and "correct-horse" not in text
    assert "rest:https://backup.example/repository" in text


def test_the_card_leaves_no_copy(home: Home) -> None:
    given(home)
    run_command(card, context(home))
    before = {
        path for path in home.top.rglob("*") if path.is_file() and "correct-horse" in path.read_text(errors="ignore")
    }
    assert before == {home.root / "backup/password"}


def test_a_card_without_a_repository(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "observe", lambda settings, given: Disks("card", "card"))
    with pytest.raises(FileProblem, match="there is no card"):
        run_command(card, context(home))


def test_confirm_silences_status_for_a_quarter(home: Home) -> None:
    file = state.StateFile(home.settings.state_file, home.top / "run/state.lock")
    file.update(backup=home.now)
    due = backup_state.observe(context(home))
    assert due["backup"]["card_due"] and backup_state.attention(due) == [backup_state.CONFIRM]
    assert run_command(card, context(home), "--confirm").data["confirmed"] is True
    assert not backup_state.observe(context(home))["backup"]["card_due"]
    home.now += 92 * 86400
    assert backup_state.observe(context(home))["backup"]["card_due"]
    with pytest.raises(WrongArgument):
        run_command(card, context(home), "--confirm", "--without-password")


@pytest.mark.parametrize(
    ("noted", "expected"),
    [
        ({}, False),
        ({"backup": NOW}, True),
        ({"backup": NOW, "card": NOW - 86400}, False),
        ({"backup": NOW, "card": NOW + 9e9}, True),
        ({"backup": NOW, "card": "yes"}, True),
    ],
)
def test_when_the_card_is_asked_for(noted: dict[str, Any], expected: bool) -> None:
    assert recovery_card.is_due(noted, NOW) is expected


@pytest.mark.parametrize(
    ("noted", "lines"),
    [
        (None, ["backup        off (upkeep_backup)"]),
        ({}, [f"backup        {backup_state.NEVER}"]),
        ({"off": "no second disk"}, ["backup        off: no second disk"]),
        (
            {
                **{"backup": NOW - 7200, "drill": NOW - 86400 * 3, "card": NOW, "error": "restic has failed"},
                "repository": {"survives": "a dead card: yes"},
            },
            [
                "backup        made 2 hours ago",
                "  the last one failed: restic has failed",
                "  it survives: a dead card: yes",
                "  restore drill: 3 days ago",
            ],
        ),
    ],
)
def test_what_status_says(tmp_path: Path, noted: dict[str, Any] | None, lines: list[str]) -> None:
    made = make_context(tmp_path)
    (tmp_path / "state").mkdir()
    if noted is not None:
        (tmp_path / "backup.json").write_text("{}")
        (tmp_path / "state/backup.json").write_text(json.dumps(noted))
    found = backup_state.observe(made)
    assert backup_state.lines(found, NOW) == lines
    assert found["backup"]["last"] is None or words.parse(found["backup"]["last"]) == NOW - 7200
