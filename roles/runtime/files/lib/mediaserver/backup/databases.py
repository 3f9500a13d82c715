# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of SQLite databases while their services run, and what is wrong with them.

A copy of the files alone would lack what is still in the -wal. Source: https://www.sqlite.org/backup.html.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from mediaserver._core import files
from mediaserver._core.errors import FileProblem, reason

# Seconds for which a writer in the service is waited for.
BUSY_S = 60.0
# Lines of a check that are kept; a damaged database has thousands.
SHOWN = 5
PART = ".part"
BLOCK = 1024 * 1024


@dataclass(frozen=True)
class Copy:
    """One copy, the attributes of its original, and what the checks of the copy have found (nothing: it is sound)."""

    source: Path
    target: Path
    size: int
    sha256: str
    tables: dict[str, int]
    uid: int
    gid: int
    mode: int
    faults: tuple[str, ...] = ()


def copy(source: Path, target: Path) -> Copy:
    """Copy a database and check the copy. One that SQLite cannot read is copied as a file, with its -wal.

    Raises FileProblem where there is no copy: the source is not a file, or the target cannot be written.
    """
    status = _status(source)
    part = target.with_name(target.name + PART)
    faults: tuple[str, ...] = ()
    try:
        _make_room(target, part)
        try:
            _copy_pages(source, part)
        except sqlite3.Error as error:
            if is_full(error):
                raise FileProblem(f"no space is left for the copy of {source} at {target.parent}") from error
            faults = (f"SQLite cannot copy it: {error}",)
            _copy_file(source, part)
        faults = faults or faults_of(part)
        # The copy has the mode and owner of its original, so that a restore is a plain copy.
        os.chown(part, status.st_uid, status.st_gid)
        part.chmod(status.st_mode & 0o777)
        files.move(part, target)
    except OSError as error:
        raise FileProblem(f"{source} cannot be copied to {target}: {reason(error)}") from error
    finally:
        for one in (part, *_companions(part)):
            with suppress(OSError):
                one.unlink(missing_ok=True)
    return Copy(
        source,
        target,
        target.stat().st_size,
        digest(target),
        tables_of(target),
        status.st_uid,
        status.st_gid,
        status.st_mode & 0o777,
        faults,
    )


def _status(source: Path) -> os.stat_result:
    try:
        status = source.lstat()
    except OSError as error:
        raise FileProblem(f"{source} cannot be copied: {reason(error)}") from error
    if not source.is_file() or source.is_symlink():
        raise FileProblem(f"{source} is not a file, so it is not a database that can be copied")
    return status


def _make_room(target: Path, part: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for one in (part, *_companions(part), *_companions(target)):
        one.unlink(missing_ok=True)


def _copy_pages(source: Path, part: Path) -> None:
    """Copy all pages in one step, so that a service that writes does not make the copy start again."""
    with closing(_open(source, "ro")) as live, closing(_open(part, "rwc")) as made:
        live.backup(made)
        # One file, whatever the original is: a copy in WAL mode would need two more files when it is opened.
        made.execute("PRAGMA journal_mode = DELETE")


def _copy_file(source: Path, part: Path) -> None:
    shutil.copyfile(source, part, follow_symlinks=False)


def _open(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=BUSY_S, isolation_level=None)


def faults_of(path: Path) -> tuple[str, ...]:
    """Return what ``quick_check`` and ``foreign_key_check`` find in a database that no program uses."""
    try:
        with closing(_open(path, "ro")) as opened:
            found = [str(row[0]) for row in opened.execute(f"PRAGMA quick_check({SHOWN})") if row[0] != "ok"]
            orphans: dict[tuple[str, str], int] = {}
            for row in opened.execute("PRAGMA foreign_key_check"):
                orphans[row[0], row[2]] = orphans.get((row[0], row[2]), 0) + 1
    except sqlite3.Error as error:
        return (f"SQLite cannot read it: {error}",)
    rows = [
        f"{number} rows of {table} refer to rows of {parent} that do not exist"
        for (table, parent), number in orphans.items()
    ]
    return tuple(found[:SHOWN] + rows[:SHOWN])


def tables_of(path: Path) -> dict[str, int]:
    """Return the number of rows of each table; nothing for a file that SQLite cannot read."""
    try:
        with closing(_open(path, "ro")) as opened:
            names = [row[0] for row in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            quoted = {name: '"' + name.replace('"', '""') + '"' for name in names}
            return {
                name: int(opened.execute(f"SELECT count(*) FROM {quoted[name]}").fetchone()[0])
                for name in sorted(names)
            }
    except sqlite3.Error:
        return {}


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal. Raises OSError."""
    made = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            made.update(block)
    return made.hexdigest()


def is_full(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_FULL,)


def _companions(path: Path) -> tuple[Path, ...]:
    return tuple(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))
