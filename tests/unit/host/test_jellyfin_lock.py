# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of a migration that was cut off goes, and nothing else: as the program that runs before Docker does it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from mediaserver import jellyfin_lock
from mediaserver._core.names import JELLYFIN_LOCKED

PROGRAM = Path(jellyfin_lock.__file__).parents[2] / "scripts" / "jellyfin-unlock"
LOCKED = f'SELECT COUNT(*) FROM "{jellyfin_lock.TABLE}"'
OWNER = 2000

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A database as Jellyfin's: the lock's table, with or without a row, and something to lose."""

    def build(*, locked: bool = True, journal: str = "DELETE") -> Path:
        path = tmp_path / "data" / "jellyfin.db"
        path.parent.mkdir()
        with closing(sqlite3.connect(path)) as line, line:
            line.execute(f"PRAGMA journal_mode = {journal}")
            line.execute(f'CREATE TABLE "{jellyfin_lock.TABLE}" (Id INTEGER PRIMARY KEY, Timestamp TEXT NOT NULL)')
            line.execute("CREATE TABLE Users (Name TEXT)")
            line.execute("INSERT INTO Users VALUES ('family')")
            if locked:
                line.execute(f"INSERT INTO \"{jellyfin_lock.TABLE}\" VALUES (1, '2026-01-01 00:00:00')")
        return path

    return build


def run(path: Path) -> tuple[int, str]:
    # By the interpreter of the tests, because the controller's own may be another than /usr/bin/python3.
    done = subprocess.run([sys.executable, PROGRAM, path], capture_output=True, text=True, check=False, timeout=30)
    return done.returncode, done.stderr


def ask(path: Path, question: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as line:
        return line.execute(question).fetchall()


def copies(path: Path) -> list[Path]:
    return sorted(path.parent.glob("jellyfin.db.locked-*"))


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_an_abandoned_lock_is_removed_and_all_else_stays(make: Make, journal: str) -> None:
    path = make(journal=journal)
    status, said = run(path)
    assert status == 0
    assert ask(path, LOCKED) == [(0,)]
    assert ask(path, "SELECT Name FROM Users") == [("family",)]
    (copy,) = copies(path)
    assert (ask(copy, LOCKED), ask(copy, "SELECT Name FROM Users")) == ([(1,)], [("family",)])
    assert copy.stat().st_mode & 0o777 == 0o600
    assert "its lock is removed" in said
    assert str(copy) in said


def test_a_lock_that_only_the_log_of_changes_has_is_found(make: Make) -> None:
    """A power cut leaves the write-ahead log; SQLite reads the database through it."""
    path = make(locked=False, journal="WAL")
    writer = (
        "import os, sqlite3, sys; d = sqlite3.connect(sys.argv[1]);"
        f"d.execute('INSERT INTO {jellyfin_lock.TABLE} VALUES (1, 1)'); d.commit(); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", writer, path], check=True)
    assert path.with_name("jellyfin.db-wal").stat().st_size > 0
    assert run(path)[0] == 0
    assert ask(path, LOCKED) == [(0,)]


@pytest.mark.parametrize("what", ["no lock", "no table", "no database"])
def test_where_there_is_no_lock_nothing_changes(make: Make, tmp_path: Path, what: str) -> None:
    path = make(locked=False)
    if what == "no table":
        with closing(sqlite3.connect(path)) as line, line:
            line.execute(f'DROP TABLE "{jellyfin_lock.TABLE}"')
    if what == "no database":
        path.unlink()
    before = {one: one.read_bytes() for one in path.parent.iterdir()}
    assert run(path) == (0, "")
    assert {one: one.read_bytes() for one in path.parent.iterdir()} == before


def test_a_lock_stays_while_a_process_has_the_database_open(make: Make) -> None:
    path = make()
    with path.open("rb"):
        status, said = run(path)
        assert jellyfin_lock.holders(path) == [os.getpid()]
    assert (status, copies(path)) == (0, [])
    assert f"is in use (process {os.getpid()})" in said
    assert ask(path, LOCKED) == [(1,)]
    assert jellyfin_lock.holders(path) == []


@pytest.mark.parametrize("contents", [b"", b"SQLite format 3\0" + b"x" * 5000, b"something else"])
def test_what_is_no_database_stays_as_it_is(make: Make, contents: bytes) -> None:
    path = make()
    path.write_bytes(contents)
    status, said = run(path)
    assert (status, "stays as it is" in said) == ((1, True) if contents else (0, False))
    assert path.read_bytes() == contents
    assert copies(path) == []


def test_without_room_for_a_copy_the_lock_stays(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make()

    def full(line: object, copy: Path) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(jellyfin_lock, "_copy", full)
    with pytest.raises(sqlite3.OperationalError, match="full"):
        jellyfin_lock.unlock(path, "20260101T000000Z")
    assert ask(path, LOCKED) == [(1,)]


def test_a_copy_that_was_cut_off_does_not_stay(make: Make, tmp_path: Path) -> None:
    path = make()
    copy = tmp_path / "copy"
    line = sqlite3.connect(path)
    line.close()
    with pytest.raises(sqlite3.ProgrammingError):
        jellyfin_lock._copy(line, copy)
    assert not copy.exists()


def test_few_copies_are_kept(make: Make) -> None:
    path = make()
    for day in range(1, 6):
        path.with_name(f"jellyfin.db.locked-2026010{day}T000000Z").touch()
    assert run(path)[0] == 0
    assert [copy.name[-16:-8] for copy in copies(path)[:-1]] == ["20260104", "20260105"]
    assert ask(copies(path)[-1], LOCKED) == [(1,)]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, as at boot")
def test_root_goes_on_with_the_rights_of_the_folders_owner(make: Make, tmp_path: Path) -> None:
    path = make()
    for one in (path.parent, path):
        os.chown(one, OWNER, OWNER)
    # pytest creates the folders above for root alone; pytest-xdist adds one of each worker.
    for folder in path.parents:
        if folder == Path(tempfile.gettempdir()):
            break
        folder.chmod(folder.stat().st_mode | 0o755)
    status, said = run(path)
    assert status == 0, said
    assert {one.stat().st_uid for one in path.parent.iterdir()} == {OWNER}

    secret = tmp_path / "secret.db"
    path.rename(secret)
    with closing(sqlite3.connect(secret)) as line, line:
        line.execute(f'INSERT INTO "{jellyfin_lock.TABLE}" VALUES (1, 1)')
    os.chown(secret, 0, 0)
    secret.chmod(0o600)
    path.symlink_to(secret)
    status, said = run(path)
    assert status == 1, said
    assert ask(secret, LOCKED) == [(1,)]


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
@pytest.mark.parametrize("locked", [True, False])
def test_asking_says_whether_there_is_a_lock_and_changes_nothing(make: Make, locked: bool, journal: str) -> None:
    path = make(locked=locked, journal=journal)
    # As Jellyfin has it open while it migrates.
    with closing(sqlite3.connect(path)) as line:
        line.execute("SELECT * FROM Users").fetchall()
        before = path.read_bytes()
        done = subprocess.run([sys.executable, PROGRAM, "--ask", path], capture_output=True, check=False, timeout=30)
    assert done.returncode == (JELLYFIN_LOCKED if locked else 0)
    assert (path.read_bytes(), copies(path)) == (before, [])
    assert ask(path, LOCKED) == [(int(locked),)]


@pytest.mark.parametrize("content", [None, b"", b"no database" * 100])
def test_asking_a_damaged_database_says_that_no_lock_is_known(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "jellyfin.db"
    if content is not None:
        path.write_bytes(content)
    done = subprocess.run([sys.executable, PROGRAM, "--ask", path], capture_output=True, check=False, timeout=30)
    assert done.returncode == (0 if content == b"" else 1)
    assert path.exists() is (content is not None)
