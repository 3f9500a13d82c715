# SPDX-License-Identifier: GPL-3.0-or-later
"""Torrents that are being added to Transmission again: a note of each, so that an interrupted run loses none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from mediaserver._core import files
from mediaserver._core.errors import FileProblem, reason
from mediaserver.importer.spool import HASH
from mediaserver.importer.transmission import Torrents

# Below the import's folder of state.
FOLDER = "refetch"
# A .torrent file may hold the key of a private tracker.
MODE = 0o600


@dataclass(frozen=True)
class Note:
    """What a torrent needs to be added again. ``unwanted``: indexes of files."""

    hash: str
    name: str
    folder: str
    metainfo: str
    unwanted: tuple[int, ...]
    labels: tuple[str, ...]
    ratio_limit: float
    ratio_mode: int

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Note | None:
        """Return a note, None for a damaged text."""
        try:
            data = json.loads(text)
            found = cls(
                str(data["hash"]),
                str(data["name"]),
                str(data["folder"]),
                str(data["metainfo"]),
                tuple(map(int, data["unwanted"])),
                tuple(map(str, data["labels"])),
                float(data["ratio_limit"]),
                int(data["ratio_mode"]),
            )
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None
        return found if HASH.fullmatch(found.hash) and found.metainfo else None


@dataclass(frozen=True)
class Notes:
    """The notes in a folder."""

    folder: Path
    torrents: Torrents

    def add_again(self, note: Note) -> None:
        """Write the note, and remove and add the torrent. Raises FileProblem, the errors of TransmissionClient."""
        path = self.folder / note.hash
        try:
            files.write(path, note.to_json(), mode=MODE)
        except OSError as error:
            raise FileProblem(f"{path} cannot be written: {reason(error)}") from error
        self._carry_out(note)

    def complete(self) -> None:
        """Complete what was interrupted. Raises the errors of TransmissionClient."""
        for note in self._all():
            self._carry_out(note)

    def _carry_out(self, note: Note) -> None:
        """Each step may be made twice."""
        self.torrents.remove(note.hash)
        self.torrents.add(note.metainfo, note.folder, unwanted=note.unwanted)
        options = {"labels": list(note.labels), "seedRatioLimit": note.ratio_limit, "seedRatioMode": note.ratio_mode}
        self.torrents.change(note.hash, options)
        (self.folder / note.hash).unlink(missing_ok=True)

    def _all(self) -> Iterator[Note]:
        with suppress(FileNotFoundError):
            for path in sorted(self.folder.iterdir()):
                note = Note.from_json(files.read(path) or "") if HASH.fullmatch(path.name) else None
                if note is not None:
                    yield note
