# SPDX-License-Identifier: GPL-3.0-or-later
"""What a restore takes from a snapshot, and what lies where afterwards. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mediaserver.backup.manifest import FILE, Database, Manifest
from mediaserver.backup.restic import Entry
from mediaserver.backup.settings import DATABASES
from mediaserver.backup.sources import COMPANIONS

ALL = ""  # in place of a service: everything


@dataclass(frozen=True)
class Wanted:
    """Paths on the host, and where their content is in the snapshot.

    ``files``: files and folders that are replaced as a whole; ``absent``: what was not there when the snapshot was
    made, and so is not there afterwards. ``entries``: all that the snapshot has of this.
    """

    files: tuple[str, ...]
    databases: tuple[Database, ...]
    absent: tuple[str, ...]
    entries: tuple[Entry, ...]
    parents: tuple[Entry, ...]  # folders above, for those that are missing on the host

    @property
    def includes(self) -> tuple[str, ...]:
        return (*self.files, *(one.copy for one in self.databases))

    @property
    def size(self) -> int:
        return sum(one.size for one in self.entries if one.type == "file")


def plan(paths: Sequence[str], databases: Sequence[str], manifest: Manifest, entries: Iterable[Entry]) -> Wanted:
    """Return what belongs to these paths and databases of one service."""
    every = list(entries)
    there = {one.path for one in every}
    chosen = tuple(one for one in manifest.databases if one.path in set(databases))
    files = tuple(path for path in paths if path in there)
    included = (*files, *(one.copy for one in chosen))
    return Wanted(
        files,
        chosen,
        tuple(sorted({*paths, *databases} - set(files) - {one.path for one in chosen})),
        tuple(one for one in every if is_inside(one.path, included)),
        tuple(one for one in every if one.type == "dir"),
    )


def whole(manifest: Manifest, entries: Iterable[Entry]) -> Wanted:
    """Return everything but the manifest. The folder of state files is taken by its content: it may be a mount."""
    every = list(entries)
    below = [one.path for one in every if _parent(one.path) == manifest.state]
    sources = [one.path for one in manifest.sources if one.kind == "files" and one.path != manifest.state]
    there = {one.path for one in every}
    databases = tuple(manifest.databases)
    taken = {one.path for one in databases}
    files = tuple(path for path in (*sources, *below) if path in there and path not in taken)
    included = (*files, *(one.copy for one in databases))
    return Wanted(
        files,
        databases,
        (),
        tuple(one for one in every if is_inside(one.path, included)),
        tuple(one for one in every if one.type == "dir"),
    )


def is_inside(path: str, roots: Iterable[str]) -> bool:
    return any(path == root or path.startswith(f"{root}/") for root in roots)


def companions(database: str) -> tuple[str, ...]:
    """Return what SQLite keeps beside a database, which does not match another one."""
    return tuple(f"{database}{ending}" for ending in COMPANIONS if ending)


def is_content(entry: Entry) -> bool:
    """Say whether an entry of a snapshot is the household's, and not the backup's own."""
    return entry.path != f"/{FILE}" and not is_inside(entry.path, (f"/{DATABASES}",))


def _parent(path: str) -> str:
    return path.rpartition("/")[0]
