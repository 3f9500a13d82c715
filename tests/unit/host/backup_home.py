# SPDX-License-Identifier: GPL-3.0-or-later
"""A household for the tests of the backup: its folders, databases, settings, and restic where it is installed."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from mediaserver.backup import repository
from mediaserver.backup.repository import Disks, Repository
from mediaserver.backup.restic import Done, Restic, run_program
from mediaserver.backup.run import BackupRun
from mediaserver.backup.settings import Settings

needs_restic = pytest.mark.skipif(not shutil.which("restic"), reason="restic is not installed")
JELLYFIN = "config/jellyfin/data/jellyfin.db"
FILES = {
    "config/jellyfin/data/device.txt": "0123456789abcdef",
    "config/jellyfin/config/system.xml": "<system/>",
    "config/transmission/settings.json": "{}",
    "config/transmission/resume/one.resume": "resume",
    "secrets/jellyfin.key": "key-of-jellyfin",
    "gateway/private.key": "key-of-the-tunnel",
    "compose.yml": "services: {}",
}


@dataclass
class Runner:
    """Runs restic, notes its command lines, and can answer in its place. Versions before 0.16 lack --retry-lock."""

    calls: list[list[str]] = field(default_factory=list)
    answers: dict[str, list[Done]] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)

    def __call__(self, command: Sequence[str], environment: Any, folder: Path | None, limit_s: float) -> Done:
        self.calls.append(list(command))
        verb = command[command.index("restic") + 1]
        if verb in self.before:
            self.before.pop(verb)()
        if self.answers.get(verb):
            return self.answers[verb].pop(0)
        return run_program([one for one in command if one != "--retry-lock=5m"], environment, folder, limit_s)

    def verbs(self) -> list[str]:
        return [call[call.index("restic") + 1] for call in self.calls]


@dataclass
class Home:
    """Its repository is on a disk of its own, unless a test says otherwise."""

    top: Path
    runner: Runner = field(default_factory=Runner)
    now: float = field(default_factory=time.time)

    @property
    def root(self) -> Path:
        return self.top / "opt"

    @property
    def settings(self) -> Settings:
        return Settings.read(self.root)

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.top / "state" / "backup.json").read_text())
        return found

    def restic(self, opened: Repository, cache: Path) -> Restic:
        return Restic(opened, cache, self.runner)

    def run(self, **changes: Any) -> BackupRun:
        made = BackupRun(
            self.root,
            lock=self.top / "run" / "lock",
            patience_s=0,
            now=lambda: self.now,
            restic=self.restic,
            state_lock=self.top / "run" / "state.lock",
        )
        for name, value in changes.items():
            setattr(made, name, value)
        return made

    def opened(self) -> Restic:
        """Return restic on the repository as it is, for what a test compares."""
        return Restic(repository.open_repository(self.settings), self.settings.cache, self.runner)

    def write_settings(self, **changes: Any) -> None:
        settings = {
            "state": str(self.top / "state"),
            "data": str(self.top / "mnt"),
            "given_repository": False,
            "keep": ["--keep-within-daily=14d", "--keep-within-monthly=1y"],
            "media": [],
            "disk_uuid": "",
            "uid": 2000,
            "gid": 2000,
            "services": [
                {
                    "name": "jellyfin",
                    "title": "Jellyfin",
                    "files": ["config/jellyfin/config", "config/jellyfin/data/device.txt", "config/jellyfin/plugins"],
                    "databases": [JELLYFIN],
                },
                {
                    "name": "transmission",
                    "title": "Transmission",
                    "files": ["config/transmission"],
                    "databases": [],
                },
                {"name": "own", "title": "own", "files": ["config/own"], "databases": ["config/own/own.db"]},
            ],
        }
        (self.root / "backup.json").write_text(json.dumps({**settings, **changes}))

    def database(self, path: str = JELLYFIN, rows: int = 3) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(file)) as made:
            made.execute("PRAGMA journal_mode = WAL")
            made.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)")
            made.execute("CREATE TABLE marks (id INTEGER PRIMARY KEY, user INTEGER REFERENCES users(id))")
            made.executemany("INSERT INTO users VALUES (?, ?)", [(number, f"user {number}") for number in range(rows)])
            made.commit()
        return file


def make_home(top: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    home = Home(top)
    for name in ("opt", "state", "mnt", "run"):
        (top / name).mkdir()
    for path, text in FILES.items():
        file = home.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (top / "state" / "vpn").mkdir()
    (top / "state" / "vpn" / "endpoints.json").write_text("{}")
    home.database()
    home.database("config/own/own.db", rows=1)
    (home.root / "config" / "own" / "own.conf").write_text("conf")
    home.write_settings()
    monkeypatch.setattr(repository, "observe", lambda settings, given: Disks("card", "disk", "disk"))
    return home
