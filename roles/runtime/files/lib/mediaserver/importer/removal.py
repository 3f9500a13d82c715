# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes torrents with their files and their entries of the library, and restores them within seven days.

What is removed is moved to a hidden folder on the same disk, so that it keeps its inode and a restore costs nothing. A
manifest is written first. A removal, a restore or a deletion that was interrupted is completed by the next run.

A full disk has no room for that folder. So what is deleted at once is deleted where it is, and restores and deletions
note their beginning in the import's folder of state, which is on another filesystem.
"""

from __future__ import annotations

import base64
import errno
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from mediaserver import journal
from mediaserver._core import files
from mediaserver._core.errors import FileProblem, InvalidValue, reason
from mediaserver._import.selection import is_safe_path
from mediaserver.importer.holdings import Choice
from mediaserver.importer.ledger import Ledger, Record
from mediaserver.importer.library import disk_of
from mediaserver.importer.problem import ImportProblem, LibraryProblem, in_words, shown
from mediaserver.importer.settings import Settings
from mediaserver.importer.spool import HASH, Entry, Pending
from mediaserver.importer.transmission import Torrents

TRASH = ".mediaserver-removed"
MANIFEST = "manifest.json"
MODE = 0o640
FOLDER_MODE = 0o770
KEPT_S = 7 * 24 * 3600.0
# A Pi without a real-time clock starts in the past. With such a time nothing is deleted (1 January 2026).
PLAUSIBLE_S = 1_767_225_600.0

REMOVING, REMOVED, RESTORING, DELETING = "removing", "removed", "restoring", "deleting"
ERASING = "erasing"  # deleted where it is
# Below the import's folder of state: the manifests of restores and deletions that have begun.
BEGUN = "removals"
LIBRARY, DOWNLOADS = "library", "downloads"
FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class RemovedTorrent:
    """A torrent that Transmission has forgotten. ``metainfo``: its .torrent file in base64; empty: none was found."""

    hash: str
    name: str
    folder: str
    metainfo: str = ""
    record: str = ""  # of the ledger, as JSON


@dataclass(frozen=True)
class Manifest:
    """One removal. Paths are relative to the media root and to the downloads."""

    id: str
    name: str
    time: float
    state: str
    torrents: tuple[RemovedTorrent, ...]
    library: tuple[str, ...]
    downloads: tuple[str, ...]
    frees: int
    disk: str

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest | None:
        """Return a manifest, None for a damaged text, and for one that names something outside of its roots."""
        try:
            data: dict[str, Any] = json.loads(text)
            found = cls(
                id=str(data["id"]),
                name=str(data["name"]),
                time=float(data["time"]),
                state=str(data["state"]),
                torrents=tuple(RemovedTorrent(**one) for one in data["torrents"]),
                library=tuple(map(str, data[LIBRARY])),
                downloads=tuple(map(str, data[DOWNLOADS])),
                frees=int(data["frees"]),
                disk=str(data["disk"]),
            )
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None
        # The folder is on the media disk, where other programs of the household may write.
        is_safe = all(map(is_safe_path, (*found.library, *found.downloads)))
        return found if is_safe and all(HASH.fullmatch(str(one.hash)) for one in found.torrents) else None


@dataclass
class Removals:
    """The hidden folder. ``torrents`` is Transmission."""

    settings: Settings
    ledger: Ledger
    torrents: Torrents
    pending: Pending

    @property
    def trash(self) -> Path:
        return self.settings.media / TRASH

    @property
    def begun(self) -> Path:
        return self.settings.state / BEGUN

    def list(self) -> list[Manifest]:
        """Return all removals, oldest first. A folder without a readable manifest is left alone."""
        found = []
        with suppress(FileNotFoundError):
            for folder in self.trash.iterdir():
                found += [one for one in _manifest_in(folder / MANIFEST) if one.id == folder.name]
        return sorted(found, key=lambda one: (one.time, one.id))

    def find(self, name: str) -> Manifest:
        """Return the youngest removal with this name, or with a torrent of this name or hash. Raises InvalidValue."""
        wanted = name.strip().strip("/").casefold()
        found = [one for one in self.list() if wanted in _names(one)]
        if not found:
            known = ", ".join(sorted({shown(one.name) for one in self.list()})) or "nothing"
            raise InvalidValue(f"{shown(name)!r} was not removed within seven days. To be restored: {known}")
        return found[-1]

    def remove(self, choice: Choice, now: float) -> Manifest:
        """Remove what was chosen. Raises ImportProblem, FileProblem, the errors of TransmissionClient."""
        manifest = self._manifest(choice, now, REMOVING)
        try:
            self._prepare(manifest)
        except OSError as error:
            shutil.rmtree(self.trash / manifest.id, ignore_errors=True)
            if error.errno in FULL:
                raise LibraryProblem(
                    "the media disk is full, so nothing can be kept for seven days. `--now` deletes it at once"
                ) from error
            raise LibraryProblem(in_words(error, f"{self.trash} cannot be written")) from error
        return self.proceed(manifest)

    def erase(self, choice: Choice, now: float) -> None:
        """Delete what was chosen at once, which needs no room on the media disk.

        Raises ImportProblem, FileProblem, the errors of TransmissionClient.
        """
        self._begin(self._manifest(choice, now, ERASING))

    def _manifest(self, choice: Choice, now: float, state: str) -> Manifest:
        torrents = tuple(
            RemovedTorrent(one.hash, one.name, one.folder, self._metainfo(one.hash), self._record(one.hash))
            for one in choice.torrents
        )
        number = 0
        while any((folder / f"{int(now)}-{number}").exists() for folder in (self.trash, self.begun)):
            number += 1
        return Manifest(
            f"{int(now)}-{number}",
            choice.name,
            now,
            state,
            torrents,
            choice.library,
            choice.downloads,
            choice.frees,
            disk_of(self.settings.disk_id),
        )

    def _prepare(self, manifest: Manifest) -> None:
        """Make all that a removal needs room for, the manifest last: without it nothing has begun. Raises OSError."""
        for root, kept, paths in self._places(manifest):
            for unit in _units(root, set(paths)):
                (kept / unit).parent.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
        folder = self.trash / manifest.id
        folder.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
        files.write(folder / MANIFEST, manifest.to_json(), mode=MODE)

    def restore(self, manifest: Manifest) -> Manifest:
        """Put everything back. Raises LibraryProblem when another file has the name of one that was removed."""
        taken = list(self._taken(manifest))
        if taken:
            raise LibraryProblem(
                f"{shown(str(taken[0]))} exists again, so {shown(manifest.name)} cannot be restored there. Rename or"
                " remove it first"
            )
        return self._begin(replace(manifest, state=RESTORING))

    def delete(self, manifest: Manifest) -> Manifest:
        """Free the space now."""
        return self._begin(replace(manifest, state=DELETING))

    def _begin(self, manifest: Manifest) -> Manifest:
        path = self.begun / manifest.id
        try:
            files.write(path, manifest.to_json(), mode=MODE)
        except OSError as error:
            raise FileProblem(f"{path} cannot be written: {reason(error)}") from error
        return self.proceed(manifest)

    def complete(self, now: float) -> None:
        """Complete what was interrupted, and delete what is older than seven days.

        One that cannot be completed hinders no other. Raises the errors of TransmissionClient, FileProblem.
        """
        with suppress(OSError):  # mostly, it does not exist
            for folder in list(self.trash.iterdir()):
                self._remove_remains(folder)
            self.trash.rmdir()
        begun: list[Manifest] = []
        with suppress(FileNotFoundError):
            begun = [one for path in sorted(self.begun.iterdir()) for one in _manifest_in(path) if one.id == path.name]
        for manifest in begun:
            self._attempt(self.proceed, manifest)
        for manifest in self.list():
            self._attempt(partial(self._review, now=now), manifest)

    @staticmethod
    def _attempt(action: Callable[[Manifest], object], manifest: Manifest) -> None:
        try:
            action(manifest)
        except ImportProblem as error:
            journal.warning(str(error))

    def _review(self, manifest: Manifest, *, now: float) -> None:
        """Complete an interrupted removal; delete one that is seven days old."""
        if manifest.state == REMOVING:
            self.proceed(manifest)
        elif now > PLAUSIBLE_S and now - manifest.time > KEPT_S and not (self.begun / manifest.id).exists():
            journal.info(f"{shown(manifest.name)} was removed seven days ago and is deleted now")
            self.delete(manifest)

    def proceed(self, manifest: Manifest) -> Manifest:
        """Carry out what the state says, from wherever it was interrupted; return the manifest afterwards."""
        try:
            if manifest.state == REMOVING:
                return self._remove(manifest)
            # With another disk at the mount point, the same paths are other files.
            if disk_of(self.settings.disk_id) == manifest.disk:
                self._carry_out(manifest)
            (self.begun / manifest.id).unlink(missing_ok=True)
        except OSError as error:
            what = f"{shown(manifest.name)} is not complete ({manifest.state})"
            raise LibraryProblem(in_words(error, what)) from error
        return manifest

    def _carry_out(self, manifest: Manifest) -> None:
        if manifest.state == ERASING:
            self._erase(manifest)
        # The manifest on the disk goes last.
        elif (self.trash / manifest.id / MANIFEST).exists():
            if manifest.state == RESTORING:
                self._restore(manifest)
            self._discard(manifest)

    def _remove(self, manifest: Manifest) -> Manifest:
        # First Transmission, which would report missing files as an error.
        for torrent in manifest.torrents:
            self.torrents.remove(torrent.hash)
        for root, kept, paths in self._places(manifest):
            _move_all(root, kept, paths)
            _remove_empty(root, paths, keep=1)
        self._forget(manifest)
        done = replace(manifest, state=REMOVED)
        self._write(done)
        return done

    def _erase(self, manifest: Manifest) -> None:
        for torrent in manifest.torrents:
            self.torrents.remove(torrent.hash)
        for root, _kept, paths in self._places(manifest):
            for path in paths:
                (root / path).unlink(missing_ok=True)
            _remove_empty(root, paths, keep=1)
        self._forget(manifest)

    def _forget(self, manifest: Manifest) -> None:
        """Downloaded again, a removed torrent is wanted again."""
        for torrent in manifest.torrents:
            self.ledger.remove(torrent.hash)
            self.pending.remove(Entry(torrent.hash, 0.0))

    def _restore(self, manifest: Manifest) -> None:
        for root, kept, paths in self._places(manifest):
            _move_all(kept, root, paths)
            _remove_empty(kept, paths, keep=0)
        for torrent in manifest.torrents:
            if torrent.record:
                self._put_record(torrent)
            if torrent.metainfo:
                self.torrents.add(torrent.metainfo, torrent.folder)

    def _put_record(self, torrent: RemovedTorrent) -> None:
        try:
            files.write(self.ledger.folder / torrent.hash, torrent.record, mode=0o644)
        except OSError as error:
            raise FileProblem(f"{self.ledger.folder} cannot be written: {reason(error)}") from error

    def _discard(self, manifest: Manifest) -> None:
        """Delete the removal's folder, the manifest after all else, so that an interruption is noticed."""
        folder = self.trash / manifest.id
        for name in (LIBRARY, DOWNLOADS):
            if not (folder / name).exists():
                continue
            if manifest.state == DELETING:
                shutil.rmtree(folder / name)
            else:
                # Everything was moved back.
                (folder / name).rmdir()
        (folder / MANIFEST).unlink(missing_ok=True)
        self._remove_remains(folder)

    def _remove_remains(self, folder: Path) -> None:
        """Remove a folder that has neither a manifest nor a file: its removal has not begun, or is over."""
        if any(not path.rpartition("/")[2].startswith(files.PREFIX) for path in _files_below(self.trash, folder.name)):
            return
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # others are in it
            self.trash.rmdir()

    def _places(self, manifest: Manifest) -> Iterator[tuple[Path, Path, tuple[str, ...]]]:
        folder = self.trash / manifest.id
        yield self.settings.media, folder / LIBRARY, manifest.library
        yield self.settings.downloads, folder / DOWNLOADS, manifest.downloads

    def _taken(self, manifest: Manifest) -> Iterator[Path]:
        for root, kept, paths in self._places(manifest):
            yield from (root / path for path in paths if os.path.lexists(root / path) and os.path.lexists(kept / path))

    def _metainfo(self, torrent: str) -> str:
        with suppress(OSError):
            return base64.b64encode((self.settings.torrent_files / f"{torrent}.torrent").read_bytes()).decode()
        return ""

    def _record(self, torrent: str) -> str:
        record: Record = self.ledger.get(torrent)
        return record.to_json() if self.ledger.known(torrent) else ""

    def _write(self, manifest: Manifest) -> None:
        folder = self.trash / manifest.id
        try:
            folder.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
            files.write(folder / MANIFEST, manifest.to_json(), mode=MODE)
        except OSError as error:
            raise LibraryProblem(in_words(error, f"{folder} cannot be written")) from error


def _manifest_in(path: Path) -> Iterator[Manifest]:
    """Yield the manifest in a file, nothing for one that cannot be read."""
    with suppress(OSError):
        manifest = Manifest.from_json(files.read(path) or "")
        if manifest is not None:
            yield manifest


def _names(manifest: Manifest) -> set[str]:
    names = {manifest.name, manifest.id, *(name for one in manifest.torrents for name in (one.name, one.hash))}
    folded = {name.casefold() for name in names}
    return folded | {name.partition("/")[2] for name in folded if "/" in name}


def _move_all(source: Path, target: Path, paths: Iterable[str]) -> None:
    """Move files from one root to another; a folder that has no other file is moved as a whole.

    What is there already was moved before an interruption. A name that is taken is never overwritten.
    """
    wanted = set(paths)
    units = _units(source, wanted)
    while units:
        path = units.pop()
        if not os.path.lexists(source / path):
            continue
        if os.path.lexists(target / path):
            if not (source / path).is_dir():
                raise LibraryProblem(f"{shown(str(target / path))} exists; rename or remove it")
            units.extend(_files_below(source, path))
            continue
        (target / path).parent.mkdir(FOLDER_MODE if TRASH in target.parts else 0o775, parents=True, exist_ok=True)
        files.move(source / path, target / path)


def _units(root: Path, wanted: set[str]) -> list[str]:
    """Return the topmost folders below the first level that hold nothing but wanted files, and the other files."""
    cache: dict[str, bool] = {}

    def is_whole(folder: str) -> bool:
        if folder not in cache:
            inside = _files_below(root, folder)
            cache[folder] = bool(inside) and wanted.issuperset(inside)
        return cache[folder]

    found: dict[str, None] = {}
    for path in sorted(wanted):
        parts = path.split("/")
        # The first folder is a library's own, or that of finished downloads.
        tops = ("/".join(parts[:end]) for end in range(2, len(parts)))
        found[next((top for top in tops if is_whole(top)), path)] = None
    return list(found)


def _files_below(root: Path, folder: str) -> list[str]:
    """Return all files in a folder, hidden ones too, relative to the root."""
    return [os.path.relpath(Path(path, name), root) for path, _dirs, names in os.walk(root / folder) for name in names]


def _remove_empty(root: Path, paths: Iterable[str], *, keep: int) -> None:
    """Remove the folders of moved files that are empty now, but for the topmost ``keep`` parts."""
    folders = {"/".join(path.split("/")[:end]) for path in paths for end in range(keep + 1, path.count("/") + 1)}
    for folder in sorted(folders, key=lambda one: -one.count("/")):
        with suppress(OSError):  # another file is in it, or it was moved
            (root / folder).rmdir()
