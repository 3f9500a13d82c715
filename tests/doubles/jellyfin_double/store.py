# SPDX-License-Identifier: GPL-3.0-or-later
"""data/jellyfin.db, a SQLite file with its own schema. Only the migration lock has the server's table."""

from __future__ import annotations

import json
import shutil
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

LOCK = "__EFMigrationsLock"


class Broken(Exception):
    """The database cannot be opened; the start fails."""


class Store:
    """The whole state as one document, written at each change, so that a kill loses no acknowledged change."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state: dict[str, Any] = {}

    def load(self, version: str) -> None:
        """Open or create the database. Raises Broken."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with closing(self._connect()) as database, database:
                database.execute("CREATE TABLE IF NOT EXISTS State (Id INTEGER PRIMARY KEY, Body TEXT NOT NULL)")
                database.execute(
                    f'CREATE TABLE IF NOT EXISTS "{LOCK}" (Id INTEGER PRIMARY KEY, Timestamp TEXT NOT NULL)'
                )
                row = database.execute("SELECT Body FROM State WHERE Id = 1").fetchone()
        except sqlite3.DatabaseError as error:
            raise Broken(f"{self.path}: {error}") from error
        self.state = json.loads(row[0]) if row else _new(version)
        if not row:
            self.save()

    def save(self) -> None:
        body = json.dumps(self.state, ensure_ascii=False)
        with closing(self._connect()) as database, database:
            database.execute("INSERT OR REPLACE INTO State (Id, Body) VALUES (1, ?)", (body,))

    def locked(self) -> bool:
        """Return whether the migration lock is held or abandoned."""
        with closing(self._connect()) as database:
            return database.execute(f'SELECT COUNT(*) FROM "{LOCK}"').fetchone()[0] > 0

    def lock(self, stamp: str) -> None:
        with closing(self._connect()) as database, database:
            database.execute(f'INSERT INTO "{LOCK}" (Id, Timestamp) VALUES (1, ?)', (stamp,))

    def unlock(self) -> None:
        with closing(self._connect()) as database, database:
            database.execute(f'DELETE FROM "{LOCK}"')

    def copy_before_migration(self, stamp: str) -> None:
        """Copy the database, as the server does before each migration; copies are never removed."""
        folder = self.path.parent / "SQLiteBackups"
        folder.mkdir(exist_ok=True)
        shutil.copy2(self.path, folder / f"{stamp.replace(':', '-')}_jellyfin.db")

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=10)
        # Without fsync: the double need not survive a power cut, and tests would wait for the disk.
        database.execute("PRAGMA synchronous = OFF")
        return database


def _new(version: str) -> dict[str, Any]:
    return {
        "schema": version,
        "server_id": uuid.uuid4().hex,
        "users": [],
        "devices": [],
        "keys": [],
        "folders": {},
        "locations": {},
        "items": {},
        "played": {},
        "last_scan": None,
    }
