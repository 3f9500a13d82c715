# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole backup with the real restic, in a temporary folder: what is kept, what is refused, what is left over."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from backup_home import FILES, JELLYFIN, Home, make_home, needs_restic
from mediaserver._core import job_lock
from mediaserver._core.errors import FileProblem, MediaserverError
from mediaserver.backup import databases, repository, run
from mediaserver.backup.manifest import Manifest
from mediaserver.backup.repository import BackupOff, Disks
from mediaserver.backup.restic import Done, Fault, ResticError
from mediaserver.backup.run import BackupIncomplete, Choice, OtherHousehold

pytestmark = needs_restic
DAY = 86400.0


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    return make_home(tmp_path, monkeypatch)


def restored(home: Home, snapshot: str) -> Path:
    target = home.top / "restored"
    home.opened().restore(snapshot, target)
    return target


def test_keeps_files_databases_and_a_manifest(home: Home) -> None:
    with closing(sqlite3.connect(home.root / JELLYFIN)) as service:
        # In the -wal alone, as while Jellyfin runs.
        service.execute("INSERT INTO users VALUES (77, 'new')")
        service.commit()
        result = home.run().run()
    target = restored(home, result.snapshot)
    for path, text in FILES.items():
        assert (target / home.root.relative_to("/") / path).read_text() == text
    copy = target / "databases" / home.root.relative_to("/") / JELLYFIN
    assert databases.tables_of(copy) == {"marks": 0, "users": 4}
    assert not (target / home.root.relative_to("/") / JELLYFIN).exists(), "the live file is not kept"
    found = Manifest.from_json((target / "manifest.json").read_text())
    assert [(one.path, one.tables["users"], one.faults) for one in found.databases] == [
        (str(home.root / JELLYFIN), 4, ()),
        (str(home.root / "config/own/own.db"), 1, ()),
    ]
    assert found.databases[0].sha256 == databases.digest(copy)
    assert [one.service for one in found.sources if one.path.endswith("private.key") or one.kind == "database"] == [
        "jellyfin",
        "own",
    ]
    assert (result.missing, result.faults, result.problems) == ([], [], [])
    assert home.state["backup"] == home.now and home.state["error"] == ""


def test_a_database_inside_a_folder_is_kept_as_its_copy_alone(home: Home) -> None:
    result = home.run().run()
    paths = {one.path for one in home.opened().ls(result.snapshot)}
    own = f"{home.root}/config/own"
    assert f"{own}/own.conf" in paths and f"/databases{own}/own.db" in paths
    assert not paths & {f"{own}/own.db", f"{own}/own.db-wal", f"{own}/own.db-shm"}


def test_leaves_no_copy_in_clear_and_nothing_for_others(home: Home) -> None:
    home.run().run()
    assert not home.settings.staging.exists()
    for folder in (home.settings.work, home.settings.default_repository):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in (home.root / "backup").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_an_absent_source_is_no_fault_until_it_was_kept_once(home: Home) -> None:
    plugins = home.root / "config/jellyfin/plugins"
    assert str(plugins) in home.run().run().absent
    plugins.mkdir()
    assert str(plugins) not in home.run().run().absent
    plugins.rmdir()
    kept = home.state["backup"]
    home.now += DAY
    with pytest.raises(BackupIncomplete, match=r"it lacks .*plugins.*--accept-missing"):
        home.run().run()
    assert home.state["backup"] == kept and "plugins" in home.state["error"]
    newest = home.opened().snapshots()[-1]
    assert not newest.complete, "the rest was kept, and is marked"
    assert home.run().run(choice=Choice(accept_missing=True)).missing == []
    assert home.state["error"] == ""


def test_a_vanished_database_fails_and_keeps_the_rest(home: Home) -> None:
    home.run().run()
    for end in ("", "-wal", "-shm"):
        (home.root / (JELLYFIN + end)).unlink(missing_ok=True)
    with pytest.raises(BackupIncomplete, match=r"jellyfin.db"):
        home.run().run()
    newest = home.opened().snapshots()[-1]
    assert f"{home.root}/config/transmission/settings.json" in {one.path for one in home.opened().ls(newest.id)}


def test_a_source_that_vanishes_in_the_middle_is_found_afterwards(home: Home) -> None:
    """restic 0.18 exits 0 for a source that is not there."""
    home.runner.before["backup"] = lambda: shutil.rmtree(home.root / "config/transmission")
    home.runner.answers["backup"] = []
    with pytest.raises(BackupIncomplete, match="config/transmission"):
        home.run().run()
    assert "backup" not in home.state


def test_a_file_that_goes_away_meanwhile_is_no_loss(home: Home) -> None:
    home.runner.before["backup"] = (home.root / "config/transmission/resume/one.resume").unlink
    assert home.run().run().missing == []


def test_a_damaged_database_is_kept_and_reported(home: Home) -> None:
    (home.root / JELLYFIN).write_bytes(b"garbage" * 1000)
    result = home.run().run()
    assert [(one["service"], one["path"]) for one in result.faults] == [("jellyfin", str(home.root / JELLYFIN))]
    assert home.state["faults"] == result.faults and home.state["backup"] == home.now
    copy = restored(home, result.snapshot) / "databases" / home.root.relative_to("/") / JELLYFIN
    assert copy.read_bytes() == b"garbage" * 1000


def test_rows_without_parents_are_reported(home: Home) -> None:
    with closing(sqlite3.connect(home.root / JELLYFIN)) as service:
        service.execute("INSERT INTO marks VALUES (1, 99)")
        service.commit()
    (fault,) = home.run().run().faults
    assert fault["text"] == "1 rows of marks refer to rows of users that do not exist"


def test_off_without_a_second_device(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "observe", lambda settings, given: Disks("card", "card"))
    with pytest.raises(BackupOff, match="attach a media disk"):
        home.run().run()
    assert "same disk" in home.state["off"]
    assert not home.settings.default_repository.exists()


def test_the_repository_that_has_gone_is_not_begun_again(home: Home) -> None:
    home.run().run()
    shutil.rmtree(home.settings.default_repository)
    with pytest.raises(ResticError, match=r"is not there.*--new-repository"):
        home.run().run()
    assert not (home.settings.default_repository / "config").exists()
    home.run().run(choice=Choice(new_repository=True))
    assert (home.settings.default_repository / "config").exists()


def test_a_share_that_is_not_mounted_is_named(home: Home) -> None:
    home.write_settings(given_repository=True)
    (home.root / "backup").mkdir(parents=True)
    (home.root / "backup/repository").write_text(f"{home.top}/nas/gone/repository\n")
    with pytest.raises(FileProblem, match="nas/gone does not exist; mount"):
        home.run().run()


def test_the_media_disk_is_not_mounted(home: Home) -> None:
    home.write_settings(disk_uuid="0ab1-23cd")
    with pytest.raises(FileProblem, match="the media disk is not mounted"):
        home.run().run()
    assert not home.settings.default_repository.exists()


def test_the_repository_of_another_household(home: Home) -> None:
    home.run().run()
    before = home.opened().snapshots()
    (home.root / "backup/household").write_text("f" * 32 + "\n")
    with pytest.raises(OtherHousehold, match="none is of this household"):
        home.run().run()
    assert home.opened().snapshots() == before


def test_a_wrong_password(home: Home) -> None:
    home.run().run()
    (home.root / "backup/password").write_text("another\n")
    with pytest.raises(ResticError, match="another password than this host") as caught:
        home.run().run()
    assert caught.value.fault is Fault.WRONG_PASSWORD


def test_a_moved_disk_is_not_given_a_new_password(home: Home) -> None:
    home.run().run()
    shutil.rmtree(home.root / "backup")
    with pytest.raises(FileProblem, match=r"has a repository already.*recovery card"):
        home.run().run()
    assert not (home.root / "backup/password.made").exists()


def test_two_at_once(home: Home) -> None:
    with (
        job_lock.held("mediaserver restore", path=home.top / "run/lock"),
        pytest.raises(job_lock.Busy, match="mediaserver restore"),
    ):
        home.run().run()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"state": 1}'])
def test_damaged_settings(home: Home, text: str) -> None:
    (home.root / "backup.json").write_text(text)
    with pytest.raises(FileProblem, match=r"backup.json cannot be used.*run the playbook again"):
        home.run().run()


def test_without_settings(home: Home) -> None:
    (home.root / "backup.json").unlink()
    with pytest.raises(FileProblem, match="no backup is set up"):
        home.run().run()


def test_a_damaged_state_file_is_written_again(home: Home) -> None:
    (home.top / "state/backup.json").write_text("{")
    home.run().run()
    assert home.state["backup"] == home.now


def test_a_clock_that_was_never_set(home: Home) -> None:
    home.now = 3600.0
    with pytest.raises(MediaserverError, match="no backup is made: the clock of this host says 1970"):
        home.run().run()
    assert home.runner.calls == []


def test_a_clock_that_was_stepped_back_removes_nothing(home: Home) -> None:
    home.run().run()
    home.runner.calls.clear()
    home.now -= 30 * DAY
    (problem,) = home.run().run().problems
    assert problem.startswith("no old snapshot is removed: the newest backup is of")
    assert not {"forget", "prune", "unlock", "check"} & set(home.runner.verbs())
    assert len(home.opened().snapshots()) == 2


def test_a_stale_lock_is_removed_once(home: Home) -> None:
    locked = Done(11, "", "repository is already locked")
    home.runner.answers["forget"] = [locked]
    home.run().run()
    verbs = home.runner.verbs()
    assert verbs[verbs.index("forget") :][:3] == ["forget", "unlock", "forget"]
    home.runner.answers["forget"] = [locked, locked]
    with pytest.raises(ResticError, match="Another program works with it"):
        home.run().run()


def test_old_snapshots_are_removed_and_others_are_not(home: Home) -> None:
    home.write_settings(keep=["--keep-last=1"])
    first = home.run().run()
    other = home.opened()
    other.call("backup", "--tag=household=other", "--host=mediaserver", str(home.root / "compose.yml"))
    second = home.run().run()
    kept = {one.id[:8] for one in home.opened().snapshots()}
    assert second.snapshot[:8] in kept and first.snapshot[:8] not in kept and len(kept) == 2
    assert second.removed == 1


def test_what_could_not_be_removed_is_noticed(home: Home) -> None:
    """restic 0.18 exits 0."""
    result = home.run().run()
    full = home.opened().snapshots()[0].id
    assert full.startswith(result.snapshot)
    home.runner.answers["forget"] = [Done(0, json.dumps([{"remove": [{"id": full}]}]), "")]
    with pytest.raises(ResticError, match="1 snapshots could not be removed"):
        home.run().run()


def test_an_empty_keep_removes_nothing(home: Home) -> None:
    home.write_settings(keep=[])
    for _ in range(2):
        home.run().run()
    assert not {"forget", "prune"} & set(home.runner.verbs())


def test_checks_another_part_each_week(home: Home) -> None:
    assert home.run().run().checked == "1/10"
    home.now += DAY
    assert home.run().run().checked == ""
    home.now += 6 * DAY
    assert home.run().run().checked == "2/10"
    assert home.run().run(choice=Choice(check=True)).checked == "3/10"
    assert home.state["check"] == home.now


def test_a_truncated_pack_fails_the_check_and_the_backup_stays(home: Home) -> None:
    home.run().run()
    pack = max((home.settings.default_repository / "data").rglob("*"), key=lambda one: one.stat().st_size)
    assert pack.is_file()
    pack.chmod(0o600)
    os.truncate(pack, pack.stat().st_size - 10)
    shutil.rmtree(home.settings.cache)
    with pytest.raises(ResticError) as caught:
        home.run().run(choice=Choice(check=True))
    assert caught.value.fault is Fault.DAMAGED, caught.value
    assert home.state["error"] and home.state["check"] < home.now + 1


def test_every_exit_code_but_zero_is_a_failure(home: Home) -> None:
    home.runner.answers["backup"] = [Done(77, "", "something new")]
    with pytest.raises(ResticError, match="something new"):
        home.run().run()
    assert "backup" not in home.state and "something new" in home.state["error"]


def test_an_incomplete_snapshot_is_made_again(home: Home) -> None:
    summary = json.dumps({"message_type": "summary", "snapshot_id": "abc"})
    home.runner.answers["backup"] = [Done(3, summary, "cannot read")] * 2
    home.run().run()
    assert home.runner.verbs().count("backup") == 3
    assert [call[-1] for call in home.runner.calls if "tag" in call] == ["abc", "abc"]


def test_a_full_repository_is_named(home: Home) -> None:
    home.runner.answers["backup"] = [Done(1, "", "Fatal: write: no space left on device")]
    with pytest.raises(ResticError, match="Make room there") as caught:
        home.run().run()
    assert caught.value.fault is Fault.FULL
    assert not home.settings.staging.exists()


def test_no_room_for_the_copies(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 1000))
    with pytest.raises(FileProblem, match="0 MB free, and the copies of the databases need"):
        home.run().run()
    assert "backup" not in home.runner.verbs()


def test_a_state_file_that_cannot_be_written_hinders_no_backup(home: Home) -> None:
    """As on a full card; a folder is in its place here, because root may write everywhere."""
    (home.top / "state/backup.json").mkdir()
    with pytest.raises(FileProblem, match=r"backup\.json cannot be written"):
        home.run().run()
    assert len(home.opened().snapshots()) == 1, "and yet it was made"
