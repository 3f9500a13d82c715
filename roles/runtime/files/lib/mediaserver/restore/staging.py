# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetches a part of a snapshot into a folder, and compares what has arrived with what the snapshot lists."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from mediaserver._core.errors import FileProblem, MediaserverError, reason
from mediaserver.backup import databases
from mediaserver.backup.manifest import Database
from mediaserver.backup.restic import Entry, Snapshot
from mediaserver.command import words
from mediaserver.restore.wanted import Wanted

# Beyond what is restored, so that the services can still work.
RESERVE = 300_000_000
SHOWN = 5
TYPES = {"file": stat.S_ISREG, "dir": stat.S_ISDIR, "symlink": stat.S_ISLNK}


class Archive(Protocol):
    """What a restore needs of a repository: backup/restic.py, or a double."""

    def snapshots(self, household: str = "") -> list[Snapshot]: ...

    def ls(self, snapshot: str) -> Iterator[Entry]: ...

    def dump(self, snapshot: str, path: str) -> str: ...

    def restore(self, snapshot: str, target: Path, includes: Sequence[str] = ()) -> None: ...


class NotSound(MediaserverError):
    """What has come out of the repository is not what the snapshot lists. Nothing was changed.

    ``summary``: the same without names of files, which may be titles.
    """

    def __init__(self, message: str, summary: str) -> None:
        super().__init__(message)
        self.summary = summary


def require_room(folder: Path, size: int) -> None:
    """Raises FileProblem."""
    try:
        free = shutil.disk_usage(next(one for one in (folder, *folder.parents) if one.exists())).free
    except OSError as error:
        raise FileProblem(f"{folder} cannot be used: {reason(error)}") from error
    if free < size + RESERVE:
        raise FileProblem(
            f"the restore needs {words.size(size + RESERVE)} at {folder}, and {words.size(free)} are free. Make room"
            " there, then run this again. Nothing was changed"
        )


def fetch(archive: Archive, snapshot: str, wanted: Wanted, folder: Path) -> None:
    """Restore into an empty folder, and compare. Raises ResticError, NotSound, FileProblem; then the folder is gone."""
    try:
        clear(folder)
        folder.mkdir(mode=0o700, parents=True)
        require_room(folder, wanted.size)
        archive.restore(snapshot, folder, wanted.includes)
        faults = [*differences(folder, wanted.entries), *database_faults(folder, wanted.databases)]
        if faults:
            raise NotSound(
                f"snapshot {snapshot[:8]} is not whole: {'; '.join(faults[:SHOWN])}. Nothing was changed. Choose"
                " another snapshot with --at, and run: sudo mediaserver backup --check",
                f"snapshot {snapshot[:8]} is not whole, with {len(faults)} differences",
            )
    except OSError as error:
        clear(folder)
        raise FileProblem(f"{folder} cannot be used: {reason(error)}. Nothing was changed") from error
    except BaseException:
        clear(folder)
        raise


def clear(folder: Path) -> None:
    """Remove a folder with all that is in it; links are not followed."""
    shutil.rmtree(folder, ignore_errors=True)


def place_of(folder: Path, path: str) -> Path:
    """Return where a path of the host lies below the folder of a restore."""
    return folder / path.lstrip("/")


def differences(folder: Path, entries: Iterable[Entry]) -> list[str]:
    """Compare files, folders and links with the snapshot's list: each is there with its attributes, and no other."""
    listed = {one.path: one for one in entries}
    found = []
    for entry in listed.values():
        try:
            status = place_of(folder, entry.path).lstat()
        except OSError:
            found.append(f"{entry.path} is missing")
            continue
        found += [f"{entry.path} {words_}" for words_ in _of_status(entry, status)]
    # Folders above what was asked for belong to the path, not to the content.
    above = {str(parent) for path in listed for parent in Path(path).parents}
    for top, folders, names in os.walk(folder):
        at = f"/{os.path.relpath(top, folder)}" if top != str(folder) else ""
        for name in (*folders, *names):
            if f"{at}/{name}" not in listed and f"{at}/{name}" not in above:
                found.append(f"{at}/{name} is not in the snapshot's list")
    return found


def _of_status(entry: Entry, status: os.stat_result) -> list[str]:
    is_type = TYPES.get(entry.type)
    if is_type is not None and not is_type(status.st_mode):
        return [f"is not a {entry.type}"]
    found = []
    if entry.type == "file" and status.st_size != entry.size:
        found.append(f"has {status.st_size} bytes, and {entry.size} are listed")
    if entry.type != "symlink" and status.st_mode & 0o777 != entry.mode & 0o777:
        found.append(f"has mode {status.st_mode & 0o777:o}, and {entry.mode & 0o777:o} is listed")
    if os.geteuid() == 0 and (status.st_uid, status.st_gid) != (entry.uid, entry.gid):
        found.append(f"belongs to {status.st_uid}:{status.st_gid}, and {entry.uid}:{entry.gid} is listed")
    return found


def database_faults(folder: Path, found: Iterable[Database]) -> list[str]:
    """Open each copy, and compare digest and rows with the manifest."""
    return [text for one in found for text in _database_faults(place_of(folder, one.copy), one)]


def _database_faults(path: Path, one: Database) -> list[str]:
    try:
        digest = databases.digest(path)
    except OSError as error:
        return [f"the copy of {one.path} cannot be read: {reason(error)}"]
    if digest != one.sha256:
        return [f"the copy of {one.path} is another one than the manifest lists"]
    if databases.tables_of(path) != one.tables:
        return [f"the copy of {one.path} has other rows than the manifest lists"]
    faults = databases.faults_of(path)
    # A database that was damaged before is not the repository's fault; the caller has chosen it.
    return [] if one.faults else [f"the copy of {one.path}: {fault}" for fault in faults]
