# SPDX-License-Identifier: GPL-3.0-or-later
"""What is on the media disk: torrents, entries of the library, and which files they share by their inodes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mediaserver._core.errors import InvalidValue, ProtocolError
from mediaserver._import.selection import is_safe_path
from mediaserver.importer.library import Library
from mediaserver.importer.problem import ImportProblem, shown
from mediaserver.importer.settings import Settings
from mediaserver.importer.sources import Identity, Sources
from mediaserver.importer.spool import HASH
from mediaserver.importer.transmission import host_folder

# Depth of the folder that is one entry: movies/Film, tv/Show/Season 01.
SEASONS = "tv"
BLOCK = 512
# Names that are listed when a name fits several.
CHOICES = 8


@dataclass(frozen=True)
class Seed:
    """A torrent of Transmission with its files on the disk, by path relative to the downloads."""

    hash: str
    name: str
    folder: str  # as Transmission's container sees it
    done: bool
    ratio: float
    limit: float | None  # None: seeds without an end
    files: Mapping[str, Identity]


@dataclass(frozen=True)
class Choice:
    """What is removed together: torrents with their files, and files of the library, by paths below their roots."""

    name: str
    torrents: tuple[Seed, ...]
    library: tuple[str, ...]
    downloads: tuple[str, ...]
    stays: tuple[str, ...]  # files of these torrents that stay in the library, under another name
    frees: int


@dataclass
class Holdings:
    """A snapshot of library and torrents."""

    settings: Settings
    library: Library
    seeds: tuple[Seed, ...]
    _entries: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, settings: Settings, torrents: Iterable[Mapping[str, Any]], limit: float | None) -> Holdings:
        """Raises LibraryProblem, ProtocolError."""
        library = Library.scan(settings.media)
        seeds = [seed for one in torrents if (seed := _seed(one, settings.downloads, limit))]
        found = cls(settings, library, tuple(seeds))
        for path in library.files:
            for entry in _entries_of(path):
                found._entries.setdefault(entry, []).append(path)
        return found

    def choose(self, name: str) -> Choice:
        """Return what a name stands for: a torrent's name or hash, or an entry of the library. Raises InvalidValue.

        Upper and lower case count alike. A name that fits several things is refused.
        """
        wanted = name.strip().strip("/").casefold()
        torrents = [one for one in self.seeds if wanted in (one.hash, one.name.casefold())]
        entries = [one for one in self._entries if wanted in _names_of(one)]
        found = {self._key(one): one for one in [*map(self.of_torrent, torrents), *map(self.of_entry, entries)]}
        if len(found) == 1:
            return next(iter(found.values()))
        # A show and its only season are one thing.
        all_files = {path for one in found.values() for path in one.library}
        whole = [one for one in found.values() if all_files == set(one.library)]
        if len(whole) == 1 and whole[0].library:
            return whole[0]
        if found:
            names = ", ".join(sorted(shown(one.name) for one in found.values())[:CHOICES])
            raise InvalidValue(f"{shown(name)!r} fits {len(found)} things: {names}. Name one of them")
        raise InvalidValue(
            f"{shown(name)!r} is neither a torrent nor an entry of the library. `mediaserver space` lists names; a"
            " folder of the library is named like `movies/Film (2020)`"
        )

    @staticmethod
    def _key(choice: Choice) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return choice.library, choice.downloads

    def of_torrent(self, seed: Seed) -> Choice:
        """Return a torrent with its links."""
        inodes = set(seed.files.values())
        library = [path for path, identity in self.library.files.items() if identity in inodes]
        return self._choice(seed.name, [seed], library)

    def of_entry(self, entry: str) -> Choice:
        """Return an entry of the library with the torrents that have a file of it."""
        library = [path for path in self._entries[entry] if self.library.files[path] is not None]
        inodes = {self.library.files[path] for path in library}
        return self._choice(entry, [one for one in self.seeds if not inodes.isdisjoint(one.files.values())], library)

    @property
    def entries(self) -> list[str]:
        return sorted(self._entries)

    def _choice(self, name: str, torrents: list[Seed], library: list[str]) -> Choice:
        chosen = {one.hash for one in torrents}
        # A file that another torrent has, too, stays where that torrent needs it.
        others = {path for one in self.seeds if one.hash not in chosen for path in one.files}
        downloads = sorted({path for one in torrents for path in one.files} - others)
        inodes = {identity for one in torrents for identity in one.files.values()}
        taken = set(library)
        stays = [path for path, one in self.library.files.items() if one in inodes and path not in taken]
        paths = [self.settings.media / one for one in library] + [self.settings.downloads / one for one in downloads]
        return Choice(name, tuple(torrents), tuple(sorted(library)), tuple(downloads), tuple(stays), freed(paths))


def freed(paths: Iterable[Path]) -> int:
    """Return the bytes that are free without these names: a file with another hard link keeps its space."""
    counts: dict[Identity, tuple[int, os.stat_result]] = {}
    for path in paths:
        try:
            status = path.lstat()
        except OSError:
            continue
        key = (status.st_dev, status.st_ino)
        counts[key] = (counts.get(key, (0, status))[0] + 1, status)
    return sum(status.st_blocks * BLOCK for count, status in counts.values() if count >= status.st_nlink)


def _seed(answer: Mapping[str, Any], downloads: Path, limit: float | None) -> Seed | None:
    """Return a torrent; None for one outside of the downloads. Raises ProtocolError."""
    try:
        torrent, folder = str(answer["hashString"]).lower(), str(answer["downloadDir"])
        names = [str(one["name"]) for one in answer["files"]]
        mode, own, ratio = int(answer["seedRatioMode"]), float(answer["seedRatioLimit"]), float(answer["uploadRatio"])
        done = not int(answer["leftUntilDone"]) and bool(int(answer["sizeWhenDone"]))
        name = str(answer["name"])
    except (KeyError, ValueError, TypeError) as error:
        raise ProtocolError(f"Transmission's answer about a torrent is incomplete: {error!r}") from error
    if not HASH.fullmatch(torrent):
        return None
    try:
        parts = host_folder(folder, downloads)
    except ImportProblem:
        return None
    sources = Sources(downloads, parts)
    sources.find(path for path in names if is_safe_path(path))
    files = {"/".join((*parts, path)): identity for path, identity in sources.identities.items()}
    # Mode 0: the daemon's limit; 1: its own; 2: none (rpc-spec.md, section 3.2).
    return Seed(torrent, name, folder, done, ratio, {0: limit, 1: own}.get(mode), files)


def _entries_of(path: str) -> list[str]:
    """Return the entries that a file of the library is part of: a film's folder, a show's and a season's."""
    parts = path.split("/")
    depths = [2, 3] if parts[0] == SEASONS and len(parts) > 3 else [2]
    return ["/".join(parts[:depth]) for depth in depths if len(parts) >= depth]


def _names_of(entry: str) -> tuple[str, ...]:
    """Return the names of an entry: movies/Film (2020), and Film (2020)."""
    folded = entry.casefold()
    return folded, folded.partition("/")[2]
