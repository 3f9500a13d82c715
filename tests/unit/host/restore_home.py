# SPDX-License-Identifier: GPL-3.0-or-later
"""A household for tests of the restore: real files and databases, real restic, and containers that are a record."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mediaserver._core.errors import ServiceProblem
from mediaserver.backup import databases, manifest, sources
from mediaserver.backup.manifest import Manifest
from mediaserver.backup.repository import Kind, Repository
from mediaserver.backup.restic import Entry, Restic, Snapshot
from mediaserver.backup.settings import ServiceSources, Settings
from mediaserver.restore.service import Expected, ServiceRestore

NOW = 1_800_000_000.0
HOUSEHOLD = "0123456789abcdef" * 2
# Debian 12's restic has no --retry-lock.
WRAPPER = """#!/bin/sh
for one; do case $one in --retry-lock=*) ;; *) set -- "$@" "$one";; esac; shift; done
exec restic "$@"
"""


@dataclass
class Services:
    """Stands for the containers: what was asked, and whether the service works afterwards."""

    calls: list[str] = field(default_factory=list)
    broken: str = ""
    missing: bool = False
    expected: Expected | None = None
    when_stopped: object = None

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        self.calls.append("pause")
        try:
            yield
        finally:
            self.calls.append("continue")

    def require(self, service: str) -> None:
        if self.missing:
            raise ServiceProblem(f"{service} has no container")

    def stop(self, service: str) -> None:
        self.calls.append(f"stop {service}")

    def start(self, service: str) -> None:
        self.calls.append(f"start {service}")

    def prove(self, service: str, expected: Expected) -> list[str]:
        self.calls.append(f"prove {service}")
        self.expected = expected
        if self.broken:
            raise ServiceProblem(self.broken)
        return ["it answers"]


@dataclass
class Archive:
    """Stands for restic where its own behaviour does not matter: each snapshot is a folder. restic takes seconds."""

    folder: Path
    made: list[Snapshot] = field(default_factory=list)
    clock: float = NOW

    def init(self) -> None:
        self.folder.mkdir(exist_ok=True)
        (self.folder / "config").touch()

    def backup(self, paths: Sequence[str], *, folder: Path, exclude_file: Path, tags: Sequence[str]) -> str:
        name = hashlib.sha256(str(len(list(self.folder.iterdir()))).encode()).hexdigest()
        target = self.folder / name
        target.mkdir()
        for path in paths:
            (target / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "-a", str(folder / path), str(target / path.lstrip("/"))], check=True)
        for line in exclude_file.read_text().splitlines():
            (target / line.lstrip("/")).unlink(missing_ok=True)
        # Parents have the attributes of the real ones.
        for one in target.rglob("*"):
            real = Path("/") / one.relative_to(target)
            if one.is_dir() and real.is_dir() and not one.is_symlink():
                shutil.copystat(real, one)
        self.clock += 60
        self.made.append(Snapshot(name, self.clock, tuple(tags), tuple(paths)))
        return name

    def snapshots(self, household: str = "") -> list[Snapshot]:
        return [one for one in self.made if household in ("", one.household)]

    def ls(self, snapshot: str) -> Iterator[Entry]:
        for path in sorted((self.folder / snapshot).rglob("*")):
            status = path.lstat()
            kind = "symlink" if path.is_symlink() else "dir" if path.is_dir() else "file"
            name = f"/{path.relative_to(self.folder / snapshot)}"
            yield Entry(name, kind, status.st_size, status.st_mode, status.st_uid, status.st_gid, "")

    def dump(self, snapshot: str, path: str) -> str:
        return (self.folder / snapshot / path.lstrip("/")).read_text()

    def restore(self, snapshot: str, target: Path, includes: Sequence[str] = ()) -> None:
        for path in includes:
            source = self.folder / snapshot / path.lstrip("/")
            (target / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "-a", str(source), str(target / path.lstrip("/"))], check=True)


class Household:
    """A Pi below one folder; paths in the snapshots are its real ones."""

    def __init__(self, folder: Path, name: str = "pi", *, real: bool = False) -> None:
        self.folder = folder
        self.double = None if real else Archive(folder / "repository")
        self.root, self.state, self.data = (folder / name / one for one in ("opt", "state", "data"))
        for path in (self.root, self.state, self.data):
            path.mkdir(parents=True)
        self.secrets = self.root / "secrets" / "backup"
        self.secrets.mkdir(parents=True)
        (self.secrets / "password").write_text("a-password\n")
        (self.secrets / "repository").write_text(f"{folder / 'repository'}\n")
        self.services = Services()
        self.kept = 0
        wrapper = folder / "restic.sh"
        wrapper.write_text(WRAPPER)
        wrapper.chmod(0o755)
        self.wrapper = wrapper
        self.now = NOW

    @property
    def settings(self) -> Settings:
        return Settings(
            root=self.root,
            state=self.state,
            data=self.data,
            given_repository=True,
            keep=(),
            media=(),
            disk_uuid="",
            uid=os.geteuid(),
            gid=os.getegid(),
            services=(
                ServiceSources(
                    "jellyfin",
                    "Jellyfin",
                    tuple(
                        self.root / one
                        for one in (
                            "config/jellyfin/config",
                            "config/jellyfin/plugins",
                            "config/jellyfin/data/device.txt",
                            "secrets/jellyfin.key",
                        )
                    ),
                    (self.database,),
                ),
                ServiceSources("transmission", "Transmission", (self.root / "config/transmission",), ()),
                ServiceSources("vpn", "vpn", (), ()),
            ),
        )

    @property
    def database(self) -> Path:
        return self.root / "config/jellyfin/data/jellyfin.db"

    @property
    def repository(self) -> Path:
        return self.folder / "repository"

    @property
    def archive(self) -> Any:
        if self.double is not None:
            return self.double
        place = Repository(
            str(self.repository), Kind.OTHER_DISK, self.secrets / "repository", self.secrets / "password"
        )
        return Restic(place, self.folder / "cache", program=(str(self.wrapper),))

    def fill(self, mark: str = "first") -> None:
        """Write the files of a household that works, with a mark in each."""
        for path in ("config/jellyfin/config/system.xml", "config/jellyfin/data/device.txt", "secrets/jellyfin.key"):
            self.write(path, mark)
        for path in ("config/transmission/settings.json", "config/transmission/torrents/a.torrent", "compose.yml"):
            self.write(path, mark)
        self.write("gateway/private.key", mark)
        with contextlib.suppress(FileExistsError):
            (self.root / "config/transmission/link").symlink_to("settings.json")
        (self.state / "importer").mkdir(exist_ok=True)
        (self.state / "importer" / "ledger.json").write_text(mark)
        self.users(mark)

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o640)

    def users(self, *names: str) -> None:
        with closing(sqlite3.connect(self.database)) as line, line:
            line.execute("CREATE TABLE IF NOT EXISTS Users (Name TEXT)")
            line.execute("DELETE FROM Users")
            line.executemany("INSERT INTO Users VALUES (?)", [(name,) for name in names])

    def user_names(self) -> list[str]:
        with closing(sqlite3.connect(self.database)) as line:
            return [row[0] for row in line.execute("SELECT Name FROM Users")]

    def backup(self, *, household: str = HOUSEHOLD, reason: str = "scheduled") -> str:
        """Make a snapshot in the form of the backup; return its id."""
        staging = self.folder / "staging"
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir()
        every = sources.sources(self.settings)
        there = sources.existing(every)
        plan = sources.plan(every, there, ())
        copies = [
            manifest.database(one, databases.copy(one.path, staging / manifest.copy_in(one.path).lstrip("/")))
            for one in plan.present
            if one.kind is sources.Kind.DATABASE
        ]
        made = Manifest(
            household,
            self.now,
            "old-pi",
            str(self.root),
            str(self.state),
            str(self.data),
            os.geteuid(),
            os.getegid(),
            reason,
            manifest.listed(plan.present),
            tuple(str(one.path) for one in plan.absent),
            tuple(copies),
        )
        (staging / manifest.FILE).write_text(made.to_json())
        (self.folder / "excluded").write_text("\n".join(sources.excluded(every)))
        if not (self.repository / "config").exists():
            self.archive.init()
        paths = [manifest.FILE, *(["databases"] if copies else [])]
        paths += [str(one.path) for one in plan.present if one.kind is sources.Kind.FILES]
        tags = ("mediaserver", f"household={household}", f"reason={reason}")
        made = self.archive.backup(paths, folder=staging, exclude_file=self.folder / "excluded", tags=tags)
        return str(getattr(made, "snapshot", made))

    def keep_present(self) -> str:
        self.kept += 1
        return self.backup(reason="before-restore")

    def restore(self) -> ServiceRestore:
        return ServiceRestore(
            self.settings, self.archive, HOUSEHOLD, self.services, self.keep_present, lambda: self.now
        )

    def content(self) -> dict[str, tuple[str, str]]:
        """Return type and content of all that is on the Pi, but for the databases' pages."""
        found = {}
        for top in (self.root, self.state):
            for path in sorted(top.rglob("*")):
                name = str(path.relative_to(self.folder))
                if path.is_symlink():
                    found[name] = ("link", str(path.readlink()))
                elif path.is_dir():
                    found[name] = ("folder", f"{path.stat().st_mode & 0o777:o}")
                elif path.name.startswith("jellyfin.db"):
                    found[name] = ("database", "")
                else:
                    found[name] = (f"file {path.stat().st_mode & 0o777:o}", path.read_text(errors="replace"))
        return found

    def packs(self) -> list[Path]:
        return sorted(one for one in (self.repository / "data").rglob("*") if one.is_file())


def request(folder: Path, home: Household, **changes: object) -> Path:
    """Write what playbooks/restore.yml gives to the command."""
    folder.mkdir()
    content = {
        "state": str(home.state),
        "work": str(home.folder / "work"),
        "uid": os.geteuid(),
        "gid": os.getegid(),
        "household": "",
        "environment": {},
        "old_pi_is_gone": False,
        **changes,
    }
    (folder / "restore.json").write_text(json.dumps(content))
    for name in ("repository", "password"):
        shutil.copy(home.secrets / name, folder / name)
    return folder
