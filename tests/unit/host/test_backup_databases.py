# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of SQLite databases: while a service writes, damaged ones, full disks, and the owner of what is left."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from backup_home import Home, make_home, needs_restic
from mediaserver._core.errors import FileProblem
from mediaserver.backup import databases
from mediaserver.backup.restic import Fault, ResticError

SERVICE = 2000
is_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def live(tmp_path: Path) -> Path:
    path = tmp_path / "config" / "live.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as made:
        made.execute("PRAGMA journal_mode = WAL")
        made.execute("CREATE TABLE pairs (one INTEGER, two INTEGER)")
        made.commit()
    return path


def test_a_copy_is_one_moment_of_a_service_that_writes(live: Path, tmp_path: Path) -> None:
    """Each transaction writes both columns alike; a copy of the files alone could hold a half of one."""
    stop = threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(live, timeout=60)) as service:
            number = 0
            while not stop.is_set():
                number += 1
                service.execute("INSERT INTO pairs VALUES (?, 0)", (number,))
                service.execute("UPDATE pairs SET two = one WHERE one = ?", (number,))
                service.commit()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        sizes = []
        for _ in range(5):
            made = databases.copy(live, tmp_path / "copies" / "live.db")
            assert made.faults == ()
            with closing(sqlite3.connect(made.target)) as copy:
                assert copy.execute("SELECT count(*) FROM pairs WHERE one != two").fetchone() == (0,)
            sizes.append(made.tables["pairs"])
    finally:
        stop.set()
        writer.join()
    assert sizes == sorted(sizes)


@is_root
def test_the_service_owns_all_that_is_beside_its_database(live: Path, tmp_path: Path) -> None:
    """Else Jellyfin could not open it any more."""
    for one in (live.parent, *live.parent.iterdir()):
        os.chown(one, SERVICE, SERVICE)
    made = databases.copy(live, tmp_path / "copies" / "live.db")
    assert {one.stat().st_uid for one in live.parent.iterdir()} == {SERVICE}
    status = made.target.stat()
    assert (status.st_uid, status.st_gid, made.uid) == (SERVICE, SERVICE, SERVICE)
    assert [one.name for one in made.target.parent.iterdir()] == ["live.db"]


@pytest.mark.parametrize("content", [b"", b"garbage" * 2000], ids=["empty", "garbage"])
def test_what_is_no_database_is_kept_as_it_is(tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "broken.db"
    source.write_bytes(content)
    made = databases.copy(source, tmp_path / "copies" / "broken.db")
    assert bool(made.faults) is bool(content), "SQLite takes an empty file for an empty database"
    assert made.tables == {} and (not content or made.target.read_bytes() == content)


def test_a_database_that_was_cut_off_is_kept_and_named(live: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(live)) as service:
        service.executemany("INSERT INTO pairs VALUES (?, ?)", [(number, number) for number in range(20000)])
        service.commit()
        service.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    os.truncate(live, live.stat().st_size // 2)
    made = databases.copy(live, tmp_path / "copies" / "live.db")
    assert made.faults and made.size > 0
    assert len(made.faults) <= 2 * databases.SHOWN


@pytest.mark.parametrize("kind", ["missing", "folder", "link"])
def test_only_files_are_copied(tmp_path: Path, kind: str) -> None:
    source = tmp_path / "source.db"
    (tmp_path / "secret.db").write_text("of another account")
    {
        "missing": lambda: None,
        "folder": source.mkdir,
        "link": lambda: source.symlink_to(tmp_path / "secret.db"),
    }[kind]()
    with pytest.raises(FileProblem, match=r"source\.db"):
        databases.copy(source, tmp_path / "copies" / "source.db")
    assert not (tmp_path / "copies").exists()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A filesystem of 3 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], check=False).returncode:
        pytest.skip("filesystems cannot be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@is_root
def test_a_full_disk_in_the_middle_of_a_copy(live: Path, small: Path) -> None:
    with closing(sqlite3.connect(live)) as service:
        service.execute("CREATE TABLE large (content BLOB)")
        service.execute("INSERT INTO large VALUES (zeroblob(5000000))")
        service.commit()
    with pytest.raises(FileProblem, match=r"no space is left|No space left"):
        databases.copy(live, small / "live.db")
    assert list(small.iterdir()) == [], "nothing half is left"


@is_root
@needs_restic
def test_a_repository_on_a_full_disk_stays_whole(tmp_path: Path, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").mkdir()
    home: Home = make_home(tmp_path / "home", monkeypatch)
    home.write_settings(given_repository=True)
    (home.root / "backup").mkdir()
    (home.root / "backup/repository").write_text(f"{small}/repository\n")
    home.run().run()
    large = home.root / "config/transmission/large"
    large.write_bytes(os.urandom(6_000_000))
    with pytest.raises(ResticError, match="Make room there") as caught:
        home.run().run()
    assert caught.value.fault is Fault.FULL
    assert "Make room" in home.state["error"]
    subprocess.run(["mount", "-o", "remount,size=64m", small], check=True)
    assert home.run().run().missing == []
    home.opened().call("check", "--read-data")
    assert home.state["error"] == ""
