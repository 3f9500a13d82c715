# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes the lock that a power cut has left in Jellyfin's database. Entry point: ``jellyfin-unlock DATABASE``.

A row of the table ``__EFMigrationsLock`` marks a migration. After an interrupted one, every later start waits for that
row to go, without an end or a message (Entity Framework Core, SQLite provider, limitations: it may have to be removed
by hand). The lock is abandoned when no process has the database open. So this runs before Docker starts, and checks.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import sqlite3
import stat
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from mediaserver import journal
from mediaserver._core.names import JELLYFIN_LOCKED

TABLE = "__EFMigrationsLock"
# Copies of the database as it was, the youngest.
KEEP = 3
BUSY_TIMEOUT_S = 10


def holders(database: Path, processes: Path = Path("/proc")) -> list[int]:
    """Return the ids of the processes that have the file open, in whatever namespace."""
    wanted = database.stat()
    found = []
    for folder in processes.glob("[0-9]*"):
        # A process may end meanwhile.
        with contextlib.suppress(OSError):
            if any(os.path.samestat(wanted, entry.stat()) for entry in _open_files(folder)):
                found.append(int(folder.name))
    return sorted(found)


def _open_files(process: Path) -> list[os.DirEntry[str]]:
    """Return the open regular files; one may be closed meanwhile."""
    found = []
    for entry in os.scandir(process / "fd"):
        with contextlib.suppress(OSError):
            if stat.S_ISREG(entry.stat().st_mode):
                found.append(entry)
    return found


def is_locked(database: Path) -> bool:
    """Say whether a migration's lock is in the database. Raises sqlite3.Error."""
    with closing(sqlite3.connect(f"file:{quote(str(database))}?mode=ro", uri=True, timeout=0)) as line:
        if not line.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (TABLE,)).fetchone():
            return False
        return line.execute(f'SELECT 1 FROM "{TABLE}"').fetchone() is not None


def unlock(database: Path, stamp: str) -> Path | None:
    """Remove the lock; return the copy of the database as it was, or None where there was no lock.

    Raises sqlite3.DatabaseError when the file is no database or no copy can be made; it is then as it was.
    """
    # A database that vanishes meanwhile must not be created.
    with closing(sqlite3.connect(f"file:{quote(str(database))}?mode=rw", uri=True, timeout=BUSY_TIMEOUT_S)) as line:
        if not line.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (TABLE,)).fetchone():
            return None
        if not line.execute(f'SELECT 1 FROM "{TABLE}"').fetchone():
            return None
        copy = database.with_name(f"{database.name}.locked-{stamp}")
        _copy(line, copy)
        with line:
            line.execute(f'DELETE FROM "{TABLE}"')
    for old in sorted(database.parent.glob(f"{database.name}.locked-[0-9]*"))[:-KEEP]:
        old.unlink()
    return copy


def _copy(line: sqlite3.Connection, path: Path) -> None:
    # As private as the database may be.
    path.touch(mode=0o600)
    try:
        with closing(sqlite3.connect(path)) as copy:
            line.backup(copy)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def become_owner(folder: Path) -> None:
    """Continue with the rights of the folder's owner: a link that a service has put there would mislead root."""
    owner = folder.lstat()
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(owner.st_gid)
        os.setuid(owner.st_uid)


def main(arguments: Sequence[str]) -> int:
    """Return 0 when no lock is left, else 1 with the reason on standard error."""
    parser = argparse.ArgumentParser(
        prog="jellyfin-unlock",
        description="Removes the lock that an interrupted migration has left in Jellyfin's database, after a copy. "
        "A database that is in use stays as it is.",
    )
    parser.add_argument("database", type=Path, metavar="DATABASE", help="path of jellyfin.db")
    parser.add_argument(
        "--ask", action="store_true", help=f"change nothing; exit code {JELLYFIN_LOCKED} where there is a lock"
    )
    given = parser.parse_args(arguments)
    database: Path = given.database
    if given.ask:
        return _ask(database)
    # One at a time, because each makes a copy. The folder is locked: an open database would count as in use.
    with contextlib.ExitStack() as stack, contextlib.suppress(FileNotFoundError, NotADirectoryError):
        folder = os.open(database.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        stack.callback(os.close, folder)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            journal.warning(f"jellyfin-unlock: another process works on {database}", stream=sys.stderr)
            return 1
        return _unlock(database)
    return 0


def _ask(database: Path) -> int:
    try:
        become_owner(database.parent)
        return JELLYFIN_LOCKED if is_locked(database) else 0
    except (OSError, sqlite3.Error) as error:
        journal.error(f"jellyfin-unlock: {database}: {error}")
        return 1


def _unlock(database: Path) -> int:
    try:
        if not database.is_file():
            return 0
        others = holders(database)
        if others:
            journal.warning(
                f"jellyfin-unlock: {database} is in use (process {others[0]}), it stays as it is", stream=sys.stderr
            )
            return 0
        become_owner(database.parent)
        copy = unlock(database, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
    except (OSError, sqlite3.Error) as error:
        journal.error(f"jellyfin-unlock: {database} stays as it is: {error}")
        return 1
    if copy:
        journal.warning(
            f"jellyfin-unlock: a migration of {database} was interrupted; its lock is removed, so Jellyfin continues."
            f" A copy of the database from before: {copy}",
            stream=sys.stderr,
        )
    return 0
