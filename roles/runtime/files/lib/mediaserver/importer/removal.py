# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes torrents with their files and their entries of the library, and restores them within seven days.

What is removed is moved to a hidden folder on the same disk, so that it keeps its inode and a restore costs nothing. A
manifest is written first. A removal, a restore or a deletion that was interrupted is completed by the next run.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mediaserver import journal
from mediaserver._core import files
from mediaserver._core.errors import FileProblem, InvalidValue, reason
from mediaserver.importer.holdings import Choice
from mediaserver.importer.ledger import Ledger, Record
from mediaserver.importer.problem import LibraryProblem, in_words, shown
from mediaserver.importer.settings import Settings
from mediaserver.importer.spool import Entry, Pending
from mediaserver.importer.transmission import Torrents

TRASH = ".mediaserver-removed"
MANIFEST = "manifest.json"
MODE = 0o640
FOLDER_MODE = 0o770
KEPT_S = 7 * 24 * 3600.0
# A Pi without a real-time clock starts in the past. With such a time nothing is deleted (1 January 2026).
PLAUSIBLE_S = 1_767_225_600.0

REMOVING, REMOVED, RESTORING, DELETING = "removing", "removed", "restoring", "deleting"
LIBRARY, DOWNLOADS = "library", "downloads"


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

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest | None:
        """Return a manifest, None for a damaged text."""
        try:
            data: dict[str, Any] = json.loads(text)
            return cls(
                id=str(data["id"]),
                name=str(data["name"]),
                time=float(data["time"]),
                state=str(data["state"]),
                torrents=tuple(RemovedTorrent(**one) for one in data["torrents"]),
                library=tuple(map(str, data[LIBRARY])),
                downloads=tuple(map(str, data[DOWNLOADS])),
                frees=int(data["frees"]),
            )
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None


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

    def list(self) -> list[Manifest]:
        """Return all removals, oldest first. A folder without a readable manifest is left alone."""
        found = []
        with suppress(FileNotFoundError):
            for folder in self.trash.iterdir():
                manifest = Manifest.from_json(files.read(folder / MANIFEST) or "")
                if manifest is not None and manifest.id == folder.name:
                    found.append(manifest)
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
        """Remove what was chosen. Raises LibraryProblem, FileProblem, the errors of TransmissionClient."""
        torrents = tuple(
            RemovedTorrent(one.hash, one.name, one.folder, self._metainfo(one.hash), self._record(one.hash))
            for one in choice.torrents
        )
        number = 0
        while (self.trash / f"{int(now)}-{number}").exists():
            number += 1
        manifest = Manifest(
            f"{int(now)}-{number}",
            choice.name,
            now,
            REMOVING,
            torrents,
            choice.library,
            choice.downloads,
            choice.frees,
        )
        self._write(manifest)
        return self.proceed(manifest)

    def restore(self, manifest: Manifest) -> Manifest:
        """Put everything back. Raises LibraryProblem when another file has the name of one that was removed."""
        taken = list(self._taken(manifest))
        if taken:
            raise LibraryProblem(
                f"{shown(str(taken[0]))} exists again, so {shown(manifest.name)} cannot be restored there. Rename or"
                " remove it first"
            )
        started = replace(manifest, state=RESTORING)
        self._write(started)
        return self.proceed(started)

    def delete(self, manifest: Manifest) -> Manifest:
        """Free the space now."""
        started = replace(manifest, state=DELETING)
        self._write(started)
        return self.proceed(started)

    def complete(self, now: float) -> None:
        """Complete what was interrupted, and delete what is older than seven days."""
        with suppress(OSError):  # mostly, it does not exist
            for folder in list(self.trash.iterdir()):
                self._remove_remains(folder)
            self.trash.rmdir()
        for manifest in self.list():
            old = manifest.state == REMOVED and now > PLAUSIBLE_S and now - manifest.time > KEPT_S
            if old:
                journal.info(f"{shown(manifest.name)} was removed seven days ago and is deleted now")
                self.delete(manifest)
            elif manifest.state != REMOVED:
                self.proceed(manifest)

    def proceed(self, manifest: Manifest) -> Manifest:
        """Carry out what the state says, from wherever it was interrupted; return the manifest afterwards."""
        try:
            if manifest.state == REMOVING:
                return self._remove(manifest)
            if manifest.state == RESTORING:
                self._restore(manifest)
            elif manifest.state == DELETING:
                self._discard(manifest)
        except OSError as error:
            what = f"{shown(manifest.name)} is not complete ({manifest.state})"
            raise LibraryProblem(in_words(error, what)) from error
        return manifest

    def _remove(self, manifest: Manifest) -> Manifest:
        # First Transmission, which would report missing files as an error.
        for torrent in manifest.torrents:
            self.torrents.remove(torrent.hash)
        for root, kept, paths in self._places(manifest):
            _move_all(root, kept, paths)
            _remove_empty(root, paths, keep=1)
        for torrent in manifest.torrents:
            # Downloaded again, it is wanted again.
            self.ledger.remove(torrent.hash)
            self.pending.remove(Entry(torrent.hash, 0.0))
        done = replace(manifest, state=REMOVED)
        self._write(done)
        return done

    def _restore(self, manifest: Manifest) -> None:
        for root, kept, paths in self._places(manifest):
            _move_all(kept, root, paths)
            _remove_empty(kept, paths, keep=0)
        for torrent in manifest.torrents:
            if torrent.record:
                self._put_record(torrent)
            if torrent.metainfo:
                self.torrents.add(torrent.metainfo, torrent.folder)
        self._discard(manifest)

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
        """Remove a folder that has no manifest: its removal has not begun, or is over."""
        if any((folder / name).exists() for name in (MANIFEST, LIBRARY, DOWNLOADS)):
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
