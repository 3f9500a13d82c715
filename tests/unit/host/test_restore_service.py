# SPDX-License-Identifier: GPL-3.0-or-later
"""The restore of one service: what it brings back, what it refuses, and that an interrupted one can be put back."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from backup_home import needs_restic
from mediaserver._core.errors import FileProblem, InvalidValue, ServiceProblem
from mediaserver.backup.restic import Fault, ResticError
from mediaserver.restore import placing, staging
from mediaserver.restore.chosen import Refused
from mediaserver.restore.placing import FOLDER
from mediaserver.restore.service import NotProven
from mediaserver.restore.staging import NotSound
from restore_home import Household


@pytest.fixture
def home(tmp_path: Path) -> Household:
    return filled(Household(tmp_path))


@pytest.fixture
def real(tmp_path: Path) -> Household:
    """With restic itself."""
    return filled(Household(tmp_path, real=True))


def filled(made: Household) -> Household:
    made.fill("first")
    made.backup()
    made.fill("second")
    return made


@needs_restic
def test_restic_itself_brings_a_service_back_and_again(real: Household) -> None:
    done = real.restore().run("jellyfin", "newest")
    assert real.user_names() == ["first"]
    assert (real.root / "config/jellyfin/data/device.txt").read_text() == "first"
    assert (real.root / "config/transmission/settings.json").read_text() == "second"
    real.restore().run("jellyfin", done.before[:8])
    assert real.user_names() == ["second"]


def test_brings_files_and_database_of_one_service_back(home: Household) -> None:
    home.write("config/jellyfin/config/new.xml", "not in the snapshot")
    home.write("config/jellyfin/plugins/bad.dll", "was not there then")
    done = home.restore().run("jellyfin", "newest")
    assert home.user_names() == ["first"]
    assert (home.root / "config/jellyfin/data/device.txt").read_text() == "first"
    assert (home.root / "secrets/jellyfin.key").read_text() == "first"
    assert not (home.root / "config/jellyfin/config/new.xml").exists()
    assert not (home.root / "config/jellyfin/plugins").exists()
    # The others stay.
    assert (home.root / "config/transmission/settings.json").read_text() == "second"
    assert (home.root / "gateway/private.key").read_text() == "second"
    assert home.services.calls == [
        *("pause", "stop jellyfin", "start jellyfin", "prove jellyfin", "continue"),
    ]
    assert home.services.expected is not None
    assert home.services.expected.tables == {"Users": 1}
    assert (done.files, done.seen, home.kept) == (4, ("it answers",), 1)
    assert not (home.root / FOLDER).exists()


def test_the_snapshot_before_is_the_way_back(home: Household) -> None:
    done = home.restore().run("jellyfin", "newest")
    assert home.user_names() == ["first"]
    home.restore().run("jellyfin", done.before[:8])
    assert home.user_names() == ["second"]
    assert (home.root / "config/jellyfin/data/device.txt").read_text() == "second"


def test_files_beside_a_database_are_not_left_for_another_one(home: Household) -> None:
    for ending in ("-wal", "-shm"):
        home.write(f"config/jellyfin/data/jellyfin.db{ending}", "of the database of now")
    home.restore().run("jellyfin", "newest")
    left = sorted(path.name for path in home.database.parent.iterdir())
    assert left == ["device.txt", "jellyfin.db"]
    assert home.user_names() == ["first"]


def test_modes_owners_links_and_times_are_those_of_then(home: Household) -> None:
    before = (home.root / "config/transmission/torrents/a.torrent").stat()
    home.backup()
    shutil.rmtree(home.root / "config/transmission")
    done = home.restore().run("transmission", "newest")
    after = (home.root / "config/transmission/torrents/a.torrent").stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert after.st_mtime_ns == before.st_mtime_ns
    assert (home.root / "config/transmission/link").readlink() == Path("settings.json")
    assert home.services.expected is not None
    assert home.services.expected.torrents == 1
    assert done.files == 2


def test_a_service_that_does_not_work_gets_its_files_of_before(home: Household) -> None:
    before = home.content()
    home.services.broken = "it lists no library"
    with pytest.raises(NotProven, match=r"it lists no library\. The files of before are in place again"):
        home.restore().run("jellyfin", "newest")
    assert home.content() == before
    assert home.user_names() == ["second"]
    assert home.services.calls[-4:] == ["prove jellyfin", "stop jellyfin", "start jellyfin", "continue"]


def test_a_damaged_database_is_brought_back(home: Household) -> None:
    home.database.write_bytes(b"x" * 100)
    done = home.restore().run("jellyfin", "newest")
    assert home.user_names() == ["first"]
    # The damaged one was kept, too, and is never chosen by itself.
    assert home.kept == 1
    assert done.snapshot != done.before
    home.restore().run("jellyfin", "newest")
    assert home.user_names() == ["first"]


def test_a_snapshot_of_a_damaged_database_is_passed_over(home: Household) -> None:
    home.database.write_bytes(b"x" * 100)
    bad = home.backup()
    done = home.restore().run("jellyfin", "newest")
    assert [bad[:8] in text and "damaged when it was made" in text for text in done.notes] == [True]
    assert home.user_names() == ["first"]


@pytest.mark.parametrize("name", ["", "vpn", "jelly", "../x"])
def test_what_is_no_service_with_files_is_refused(home: Household, name: str) -> None:
    with pytest.raises(InvalidValue, match="There are: jellyfin, transmission"):
        home.restore().run(name, "newest")


def refused(home: Household, kind: type[Exception], text: str, at: str = "newest") -> None:
    """A restore that is refused changes nothing, stops nothing, and leaves nothing behind."""
    before = home.content()
    with pytest.raises(kind, match=text):
        home.restore().run("jellyfin", at)
    assert home.content() == before
    assert not [one for one in home.services.calls if one.startswith("stop")]


def test_repository_of_another_household_is_refused(tmp_path: Path) -> None:
    home = Household(tmp_path)
    home.fill()
    home.backup(household="f" * 32)
    refused(home, Refused, "has 1 snapshots of 1 other household, and none of this one")


@needs_restic
def test_wrong_password_is_refused(real: Household) -> None:
    (real.secrets / "password").write_text("another\n")
    with pytest.raises(ResticError) as raised:
        real.restore().run("jellyfin", "newest")
    assert raised.value.fault is Fault.WRONG_PASSWORD
    assert real.user_names() == ["second"]


@needs_restic
def test_repository_that_is_not_there_is_refused(real: Household) -> None:
    real.repository.rename(real.folder / "away")
    refused(real, ResticError, "restic snapshots has failed")


@needs_restic
def test_tampered_repository_is_refused(real: Household) -> None:
    for pack in real.packs():
        content = bytearray(pack.read_bytes())
        content[len(content) // 3] ^= 0xFF
        pack.chmod(0o600)
        pack.write_bytes(content)
    shutil.rmtree(real.folder / "cache", ignore_errors=True)
    # The manifest, the list or the content: whatever is read first.
    refused(real, Exception, "restic|no snapshot")


# restic itself tries for minutes to read a pack that is not whole.
@pytest.mark.parametrize("step", ["snapshots", "dump", "ls", "restore"])
@pytest.mark.parametrize("fault", [Fault.DAMAGED, Fault.UNREACHABLE, Fault.LOCKED, Fault.KILLED])
def test_restic_that_fails_at_any_step_changes_nothing(
    home: Household, monkeypatch: pytest.MonkeyPatch, step: str, fault: Fault
) -> None:
    def failing(*_arguments: object, **_more: object) -> None:
        raise ResticError(f"restic {step} has failed", fault)

    monkeypatch.setattr(home.double, step, failing)
    refused(home, Exception, f"restic {step} has failed")
    assert not (home.root / FOLDER).exists()


def test_content_that_is_not_the_listed_one_is_refused(home: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    restore = type(home.archive).restore

    def tampered(archive: object, snapshot: str, target: Path, includes: tuple[str, ...] = ()) -> None:
        restore(archive, snapshot, target, includes)  # type: ignore[arg-type]
        copy = next(target.rglob("databases/**/jellyfin.db"))
        copy.write_bytes(copy.read_bytes()[:-1] + b"x")
        next(target.rglob("device.txt")).unlink()
        (next(target.rglob("system.xml")).parent / "more.xml").write_text("x")

    monkeypatch.setattr(type(home.archive), "restore", tampered)
    before = home.content()
    with pytest.raises(NotSound) as raised:
        home.restore().run("jellyfin", "newest")
    for text in ("device.txt is missing", "more.xml is not in the snapshot's list", "is another one than the manifest"):
        assert text in str(raised.value)
    assert home.content() == before


def test_full_disk_is_refused_before_anything_is_fetched(home: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "RESERVE", 10**18)
    refused(home, FileProblem, "are free. Make room there")
    assert home.kept == 0


def test_failed_snapshot_of_today_stops_the_restore(home: Household) -> None:
    restore = home.restore()

    def full() -> str:
        raise ResticError("no space left", Fault.FULL)

    restore.keep_present = full
    with pytest.raises(ResticError, match="no space left"):
        restore.run("jellyfin", "newest")
    assert home.user_names() == ["second"]
    assert home.services.calls == []


def test_service_without_a_container_is_refused(home: Household) -> None:
    home.services.missing = True
    refused(home, ServiceProblem, "jellyfin has no container")


def test_snapshot_of_another_layout_is_refused(home: Household, tmp_path: Path) -> None:
    other = Household(tmp_path, "moved")
    other.double = home.double
    other.fill("third")
    other.backup()
    refused(home, Refused, r"made with mediaserver_root .*/moved/opt")


def test_a_snapshot_without_the_service_is_refused(tmp_path: Path) -> None:
    home = Household(tmp_path)
    home.write("config/transmission/settings.json", "x")
    home.backup()
    refused(home, Refused, "has nothing of Jellyfin")


def test_yesterday_with_a_clock_of_the_past_is_refused(home: Household) -> None:
    home.now = 1000.0
    refused(home, Refused, "the clock of this host says 1970", at="yesterday")


@pytest.mark.parametrize("moment", range(1, 12))
def test_killed_at_any_move_it_is_put_back(home: Household, monkeypatch: pytest.MonkeyPatch, moment: int) -> None:
    before = home.content()
    count = 0
    move = placing._move

    def killed(source: str, target: str) -> None:
        nonlocal count
        count += 1
        if count == moment:
            # As SIGKILL: not even the clean-up runs.
            monkeypatch.setattr(placing.Places, "put_back", lambda self, note: os._exit(9))
            raise KeyboardInterrupt
        move(source, target)

    child = os.fork()
    if child == 0:
        monkeypatch.setattr(placing, "_move", killed)
        try:
            home.restore().run("jellyfin", "newest")
        finally:
            os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    interrupted = (home.root / FOLDER / "note.json").exists()
    assert interrupted == (status == 9)
    assert home.restore().complete() == interrupted
    if interrupted:
        assert home.content() == before
        assert home.user_names() == ["second"]
        assert home.services.calls == ["pause", "stop jellyfin", "start jellyfin", "continue"]
    # The next one works.
    home.restore().run("jellyfin", "newest")
    assert home.user_names() == ["first"]


@pytest.mark.parametrize("moment", range(1, 8))
def test_full_or_broken_disk_in_the_middle_changes_nothing(
    home: Household, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    before = home.content()
    count = 0
    move = placing._move

    def broken(source: str, target: str) -> None:
        nonlocal count
        count += 1
        if count == moment:
            raise OSError(28, "No space left on device")
        move(source, target)

    monkeypatch.setattr(placing, "_move", broken)
    with pytest.raises((NotProven, FileProblem), match="No space left on device"):
        home.restore().run("jellyfin", "newest")
    assert home.content() == before
    assert home.services.calls[-2:] == ["start jellyfin", "continue"]


def test_note_that_cannot_be_read_stops_everything(home: Household) -> None:
    (home.root / FOLDER).mkdir()
    (home.root / FOLDER / "note.json").write_text("{")
    refused(home, FileProblem, "the note of an interrupted restore cannot be read")
