# SPDX-License-Identifier: GPL-3.0-or-later
"""What was published of each torrent, on which disk: one file for each torrent.

A file that was published on this disk and is nowhere in the library now was deleted by a person, and stays deleted.
With another disk at the mount point nothing is known about deletions, and the file is published again.
"""

from __future__ import annotations

import json
from collections.abc import Container, Hashable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from mediaserver._core import files
from mediaserver._core.errors import FileProblem, reason
from mediaserver._import.model import Link
from mediaserver.importer.sources import Identity
from mediaserver.importer.spool import HASH, MODE


@dataclass(frozen=True)
class Record:
    """One torrent. ``files``: target and inode by source. ``refused``: why nothing of it is imported.

    ``announced``: how many of the files were part of an arrival. ``former``: targets by source on an earlier disk,
    which the same files get again.
    """

    hash: str
    name: str = ""
    disk: str = ""
    size: int = 0  # bytes of the wanted files; another value means that a person wants other files
    kind: str = ""
    refused: str = ""
    files: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    announced: int = 0
    former: Mapping[str, str] = field(default_factory=dict)

    @property
    def fresh(self) -> int:
        """The number of files that were published since the last arrival."""
        return max(len(self.files) - self.announced, 0)

    def published_before(
        self, links: Iterable[Link], identities: Mapping[str, Identity], disk: str, library: Container[Hashable]
    ) -> dict[str, bool]:
        """Return the sources that were published on this disk before, and whether that file is still in the library.

        None of ``links`` is in the library now. A file that is there is that of an earlier download of this torrent.
        """
        if self.disk != disk:
            return {}
        sources = {inode: source for source, (_target, inode) in self.files.items()}
        found: dict[str, bool] = {}
        for link in links:
            device, inode = identities[link.source]
            known = self.files.get(link.source) or self.files.get(sources.get(inode, ""))
            if known:
                found[link.source] = (device, known[1]) in library
        return found

    def former_targets(self, disk: str) -> dict[str, str]:
        """Return the target that each source had on another disk than this one."""
        if self.disk in ("", disk):
            return dict(self.former)
        return {**self.former, **{source: target for source, (target, _inode) in self.files.items()}}

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True) + "\n"


@dataclass(frozen=True)
class Ledger:
    """The folder of the records, and the torrents that were finished before the import existed."""

    folder: Path

    @property
    def _baseline(self) -> Path:
        return self.folder / "baseline.json"

    def get(self, torrent: str) -> Record:
        """Return what is known; a damaged record counts as none."""
        try:
            data = json.loads(files.read(self.folder / torrent) or "{}")
            published = {str(source): (str(one[0]), int(one[1])) for source, one in data.get("files", {}).items()}
            return Record(
                torrent,
                str(data.get("name", "")),
                str(data.get("disk", "")),
                int(data.get("size", 0)),
                str(data.get("kind", "")),
                str(data.get("refused", "")),
                published,
                int(data.get("announced", 0)),
                {str(source): str(target) for source, target in data.get("former", {}).items()},
            )
        except (ValueError, TypeError, AttributeError, IndexError, KeyError, RecursionError):
            return Record(torrent)
        except OSError as error:
            raise FileProblem(f"{self.folder} cannot be read: {reason(error)}") from error

    def put(self, record: Record) -> None:
        """Raises FileProblem."""
        self._write(self.folder / record.hash, record.to_json())

    def remove(self, torrent: str) -> None:
        """Raises FileProblem."""
        try:
            (self.folder / torrent).unlink(missing_ok=True)
        except OSError as error:
            raise FileProblem(f"{self.folder} cannot be written: {reason(error)}") from error

    def records(self) -> list[Record]:
        """Return all records. Raises FileProblem."""
        try:
            names = sorted(path.name for path in self.folder.iterdir() if HASH.fullmatch(path.name))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise FileProblem(f"{self.folder} cannot be read: {reason(error)}") from error
        return [self.get(name) for name in names]

    def known(self, torrent: str) -> bool:
        return (self.folder / torrent).exists()

    def baseline(self) -> set[str] | None:
        """Return the torrents that were finished before the first import; None when that is not known yet."""
        text = files.read(self._baseline)
        if text is None:
            return None
        try:
            return {str(one) for one in json.loads(text) if HASH.fullmatch(str(one))}
        except (ValueError, TypeError, RecursionError):
            # Imported again, none of them would be lost; left alone, a new one would be missed.
            return set()

    def put_baseline(self, torrents: Iterable[str]) -> None:
        """Raises FileProblem."""
        self._write(self._baseline, json.dumps(sorted(torrents)) + "\n")

    def _write(self, path: Path, text: str) -> None:
        try:
            files.write(path, text, mode=MODE)
        except OSError as error:
            raise FileProblem(f"{self.folder} cannot be written: {reason(error)}") from error
