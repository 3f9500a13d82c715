# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole household onto a blank Pi, and the drill: what is the same afterwards, and what is refused."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from backup_home import needs_restic
from command_host import make_context, run
from mediaserver._core import files, job_lock
from mediaserver._core.errors import FileProblem, InvalidValue
from mediaserver.backup.restic import Fault, ResticError
from mediaserver.backup.state import StateFile
from mediaserver.command import restore as command
from mediaserver.health import backup
from mediaserver.health.backup import DRILL
from mediaserver.health.model import State
from mediaserver.restore import placing, staging
from mediaserver.restore.chosen import Refused
from mediaserver.restore.drill import Drill
from mediaserver.restore.placing import FOLDER
from mediaserver.restore.staging import NotSound
from mediaserver.restore.whole import WholeRestore
from restore_home import HOUSEHOLD, Household, request


@pytest.fixture
def home(tmp_path: Path) -> Household:
    made = Household(tmp_path)
    made.fill()
    made.backup()
    return made


def blank(home: Household) -> dict[str, tuple[str, str]]:
    """Take the Pi away, and return what was on it. A new one has the programs of the playbook, and nothing else."""
    before = home.content()
    for folder in (home.root, home.state):
        shutil.rmtree(folder)
        folder.mkdir()
    (home.root / "lib").mkdir()
    (home.root / "command.json").write_text("{}")
    (home.state / "health").mkdir()
    return before


def whole(home: Household, **changes: Any) -> WholeRestore:
    owner = (os.geteuid(), os.getegid())
    return WholeRestore(home.root, home.state, owner, home.archive, lambda: home.now, **changes)


def restored(home: Household) -> dict[str, tuple[str, str]]:
    """Return what is on the Pi, but for what the playbook has made."""
    own = ("pi/opt/lib", "pi/opt/command.json", "pi/state/health")
    return {path: one for path, one in home.content().items() if path not in own}


def test_a_blank_pi_is_the_old_one_row_by_row(home: Household) -> None:
    times = {path: path.stat().st_mtime_ns for path in home.root.rglob("*.torrent")}
    before = blank(home)
    done = whole(home).run("newest")
    assert restored(home) == before
    assert home.user_names() == ["first"]
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert (done.host, done.household) == ("old-pi", HOUSEHOLD)
    assert not (home.root / FOLDER).exists()


def test_a_pi_that_is_not_blank_is_refused(home: Household) -> None:
    home.fill("second")
    before = home.content()
    for name in ("compose.yml", "config", "gateway/private.key"):
        expected = rf"this Pi is not blank: .*/{name} exists.* sudo mediaserver restore SERVICE"
        with pytest.raises(Refused, match=expected):
            whole(home).run("newest")
        assert home.content() == before
        path = home.root / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        before = home.content()
    # The control: without any of them it is blank.
    whole(home).run("newest")
    assert home.user_names() == ["first"]


def test_a_repository_of_several_households_needs_the_one_of_the_card(home: Household) -> None:
    home.fill("other")
    home.backup(household="f" * 32)
    blank(home)
    with pytest.raises(InvalidValue, match=f"2 households: {HOUSEHOLD}, {'f' * 32}.*restore_household"):
        whole(home).run("newest")
    with pytest.raises(Refused, match="no snapshot of household abc"):
        whole(home).run("newest", "abc")
    whole(home).run("newest", HOUSEHOLD)
    assert home.user_names() == ["first"]


def test_an_empty_repository_is_refused(tmp_path: Path) -> None:
    home = Household(tmp_path)
    home.archive.init()
    with pytest.raises(Refused, match="no snapshot of a household"):
        whole(home).run("newest")


def test_other_folders_or_accounts_than_then_are_refused(home: Household) -> None:
    blank(home)
    before = home.content()
    restore = whole(home)
    restore.owner = (4711, 4712)
    restore.state = home.folder / "elsewhere"
    with pytest.raises(Refused, match=r"mediaserver_state was .*; mediaserver_uid was 0, and is 4711"):
        restore.run("newest")
    assert home.content() == before


def test_locks_of_all_machines_are_removed_only_for_a_pi_that_is_gone(
    home: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    blank(home)
    calls: list[str] = []
    snapshots = home.archive.snapshots

    def locked(household: str = "") -> Any:
        if not calls:
            raise ResticError("restic snapshots has failed: already locked", Fault.LOCKED)
        return snapshots(household)

    monkeypatch.setattr(home.double, "snapshots", locked)
    with pytest.raises(Refused, match="-e old_pi_is_gone=true"):
        whole(home, unlock=lambda: calls.append("remove all")).run("newest")
    assert calls == []
    whole(home, unlock=lambda: calls.append("remove all"), old_pi_is_gone=True).run("newest")
    assert calls == ["remove all"]
    assert home.user_names() == ["first"]


@pytest.mark.parametrize("moment", range(1, 8))
def test_killed_at_any_move_the_next_run_restores(home: Household, moment: int) -> None:
    before = blank(home)
    child = os.fork()
    if child == 0:
        count = 0
        move = placing._move

        def killed(source: str, target: str) -> None:
            nonlocal count
            count += 1
            if count == moment:
                os._exit(9)
            move(source, target)

        placing._move = killed
        try:
            whole(home).run("newest")
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert (home.root / FOLDER / "note.json").exists()
    whole(home).run("newest")
    assert restored(home) == before
    assert home.user_names() == ["first"]


def test_interrupted_fetch_is_begun_again(home: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    before = blank(home)
    monkeypatch.setattr(staging, "fetch", lambda *_arguments: os._exit(9))
    child = os.fork()
    if child == 0:
        (home.root / FOLDER / "new").mkdir(parents=True)
        (home.root / FOLDER / "new" / "half").write_text("x")
        whole(home).run("newest")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    monkeypatch.undo()
    whole(home).run("newest")
    assert restored(home) == before


def test_interrupted_restore_of_a_service_comes_first(home: Household) -> None:
    blank(home)
    (home.root / FOLDER).mkdir()
    (home.root / FOLDER / "note.json").write_text(placing.Note("jellyfin", "a", ()).to_json())
    with pytest.raises(Refused, match="sudo mediaserver restore --complete"):
        whole(home).run("newest")


# The drill.


def drill(home: Household) -> Drill:
    return Drill(home.settings, home.archive, HOUSEHOLD, lambda: home.now, state_file(home))


def state_file(home: Household) -> StateFile:
    return StateFile(home.state / "backup.json", home.folder / "state.lock")


def noted(home: Household) -> dict[str, Any]:
    return state_file(home).read()


def test_drill_compares_everything_and_changes_nothing(home: Household) -> None:
    home.users("a", "b", "c")
    home.backup()
    before = home.content()
    done = drill(home).run()
    assert (done.databases, done.rows) == (1, 3)
    assert done.files == 11
    assert noted(home) == {"drill": home.now, "drill_error": ""}
    (home.state / "backup.json").unlink()
    assert home.content() == before
    assert not (home.settings.scratch / "drill").exists()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda top: next(top.rglob("settings.json")).unlink(), "settings.json is missing"),
        (lambda top: next(top.rglob("device.txt")).write_text("other"), "device.txt has 5 bytes|is not whole"),
        (lambda top: next(top.rglob("a.torrent")).write_text("more than before"), "a.torrent has 16 bytes"),
        (lambda top: next(top.rglob("private.key")).chmod(0o666), "private.key has mode 666"),
        (lambda top: os.chown(next(top.rglob("private.key")), 7, 7), "private.key belongs to 7:7"),
        (
            lambda top: next(top.rglob("jellyfin.db")).write_bytes(b"SQLite format 3"),
            "is another one than the manifest",
        ),
    ],
    ids=["missing", "content", "size", "mode", "owner", "database"],
)
def test_drill_finds_what_is_not_as_listed(
    home: Household, monkeypatch: pytest.MonkeyPatch, change: Any, text: str
) -> None:
    restore = type(home.archive).restore

    def tampered(archive: Any, snapshot: str, target: Path, includes: tuple[str, ...] = ()) -> None:
        restore(archive, snapshot, target, includes)
        change(target)

    if text.startswith("device.txt"):
        # Of the same length, restic's own check of each block finds it; a drill compares sizes.
        (home.root / "config/jellyfin/data/device.txt").write_text("a longer one")
        home.backup()
    monkeypatch.setattr(type(home.archive), "restore", tampered)
    with pytest.raises(NotSound, match=text):
        drill(home).run()
    assert "is not whole" in noted(home)["drill_error"]
    assert "drill" not in noted(home)
    assert not (home.settings.scratch / "drill").exists()


def test_drill_that_fails_keeps_the_time_of_the_last_good_one(home: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    drill(home).run()
    monkeypatch.setattr(staging, "RESERVE", 10**18)
    with pytest.raises(FileProblem, match="are free"):
        drill(home).run()
    assert noted(home)["drill"] == home.now
    assert "are free" in noted(home)["drill_error"]


# The command.


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "run" / "lock"
    held = job_lock.held
    monkeypatch.setattr(job_lock, "held", lambda name, patience_s=0.0: held(name, patience_s=patience_s, path=path))
    return path


@needs_restic
def test_everything_with_restic_itself(tmp_path: Path, lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Household(tmp_path, real=True)
    home.fill()
    home.backup()
    folder = request(tmp_path / "request", home)
    before = blank(home)
    restic = command.Restic
    monkeypatch.setattr(command, "Restic", lambda place, cache: restic(place, cache, program=(str(home.wrapper),)))
    context = replace(make_context(tmp_path), root=home.root, now=lambda: home.now)
    found = run(command, context, "--everything", str(folder))
    assert (found.data["done"], found.data["files"]) == ("whole", 11)
    assert " old-pi are restored" in found.lines[0]
    assert restored(home) == before
    (folder / "password").write_text("another\n")
    shutil.rmtree(home.root)
    home.root.mkdir()
    with pytest.raises(ResticError) as raised:
        run(command, context, "--everything", str(folder))
    assert raised.value.fault is Fault.WRONG_PASSWORD
    assert list(home.root.iterdir()) == []


@pytest.mark.parametrize("arguments", [[], ["jellyfin", "--drill"], ["--drill", "--complete"]])
def test_exactly_one_thing_is_asked_for(tmp_path: Path, arguments: list[str]) -> None:
    with pytest.raises(command.WrongArgument, match="give either a SERVICE"):
        run(command, make_context(tmp_path), *arguments)


def test_a_second_job_is_refused_by_name(tmp_path: Path, lock: Path) -> None:
    with job_lock.held("mediaserver backup"), pytest.raises(job_lock.Busy, match="mediaserver backup"):
        run(command, make_context(tmp_path), "--drill")


def test_without_a_backup_it_says_how_to_have_one(tmp_path: Path, lock: Path) -> None:
    with pytest.raises(FileProblem, match="Set upkeep_backup to true"):
        run(command, make_context(tmp_path), "jellyfin")


@pytest.mark.parametrize("argument", ["--complete", "--put-back"])
def test_nothing_was_interrupted(tmp_path: Path, lock: Path, argument: str) -> None:
    assert run(command, make_context(tmp_path), argument).data["done"] == "nothing"


def test_a_start_of_docker_puts_files_back_without_docker(home: Household, lock: Path) -> None:
    note = home.root / FOLDER / "note.json"
    target, old = home.root / "compose.yml", home.root / FOLDER / "old" / "compose.yml"
    move = placing.Move(str(target), "", str(old), had=True)
    files.write(note, placing.Note("jellyfin", "a", (move,)).to_json(), mode=0o600)
    old.parent.mkdir()
    target.rename(old)
    assert run(command, replace(make_context(home.folder), root=home.root), "--put-back").data["done"] == "completed"
    assert target.read_text() == "first"
    assert not note.parent.exists()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"state": "/x"}'])
def test_request_that_cannot_be_read_is_named(tmp_path: Path, lock: Path, text: str) -> None:
    files.write(tmp_path / "request" / "restore.json", text, mode=0o600)
    with pytest.raises(FileProblem, match=r"written by playbooks/restore\.yml"):
        run(command, make_context(tmp_path), "--everything", str(tmp_path / "request"))


def test_a_failed_drill_is_bad_although_an_earlier_one_was_good(home: Household) -> None:
    noted_ = {"backup": home.now, "check": home.now, "drill": home.now, "drill_error": ""}
    found = {one.check: one.state for one in backup.judge(noted_, home.now)}
    assert set(found.values()) == {State.OK}
    failed = next(one for one in backup.judge({**noted_, "drill_error": "it is full"}, home.now) if one.check == DRILL)
    assert (failed.state, failed.text) == (State.BAD, "the last restore drill has failed: it is full")


def test_what_every_account_may_read_names_no_file(home: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(home.archive), "restore", lambda *_arguments: None)
    with pytest.raises(NotSound, match="is missing"):
        drill(home).run()
    assert "missing" not in noted(home)["drill_error"]
