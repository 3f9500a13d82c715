# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts restored files in the place of the present ones, and back again.

A note says what is moved where, and is on the disk before anything moves. As long as it is there, the present files
can be put back, after a kill or a power cut too. Its removal is the end of the restore: then the old files are deleted.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from mediaserver._core import files
from mediaserver._core.errors import FileProblem, reason
from mediaserver.backup.restic import Entry
from mediaserver.restore import staging
from mediaserver.restore.wanted import Wanted, companions, is_inside

# Below the project folder, so that a move is a rename.
FOLDER = ".mediaserver-restore"
NOTE, NEW, OLD, REJECTED = "note.json", "new", "old", "rejected"


@dataclass(frozen=True)
class Move:
    """One path of the host. ``new``: what takes its place, empty for nothing; ``had``: there was something before.

    ``inside``: a database in a folder that is moved as a whole, before it, and is put back as a whole.
    """

    target: str
    new: str
    old: str
    had: bool
    inside: bool = False


@dataclass(frozen=True)
class Note:
    """A restore that has begun. ``service`` is empty for everything."""

    service: str
    snapshot: str
    moves: tuple[Move, ...]

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Note:
        """Raises FileProblem."""
        try:
            data = json.loads(text)
            moves = tuple(
                Move(str(one["target"]), str(one["new"]), str(one["old"]), bool(one["had"]), bool(one["inside"]))
                for one in data["moves"]
            )
            return cls(str(data["service"]), str(data["snapshot"]), moves)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise FileProblem(f"the note of an interrupted restore cannot be read ({error!r})") from error


@dataclass(frozen=True)
class Places:
    """The folders of a restore below the project folder."""

    root: Path

    @property
    def folder(self) -> Path:
        return self.root / FOLDER

    @property
    def new(self) -> Path:
        return self.folder / NEW

    @property
    def note_file(self) -> Path:
        return self.folder / NOTE

    def note(self) -> Note | None:
        """Return the note of a restore that has not ended; None without one. Raises FileProblem."""
        try:
            text = files.read(self.note_file)
        except OSError as error:
            raise FileProblem(f"{self.note_file} cannot be read: {reason(error)}") from error
        return None if text is None else Note.from_json(text)

    def moves(self, wanted: Wanted) -> tuple[Move, ...]:
        """Return what has to be moved, with the services stopped."""
        pairs = [(path, str(staging.place_of(self.new, path))) for path in wanted.files]
        for one in wanted.databases:
            pairs.append((one.path, str(staging.place_of(self.new, one.copy))))
            pairs += [(path, "") for path in companions(one.path)]
        pairs += [(path, "") for path in wanted.absent]
        made = []
        for target, new in pairs:
            inside = target not in wanted.files and is_inside(target, wanted.files)
            had = os.path.lexists(target) and not inside
            # Else there is nothing to take and nothing to put there.
            if new or had:
                made.append(Move(target, new, str(staging.place_of(self.folder / OLD, target)), had, inside))
        return tuple(made)

    def place(self, note: Note, parents: Iterable[Entry]) -> None:
        """Move the present files aside, and the restored ones in. Raises FileProblem, with the present files back."""
        known = {one.path: one for one in parents}
        try:
            files.write(self.note_file, note.to_json(), mode=0o600)
            for move in note.moves:
                _make_parents(Path(move.target).parent, known)
                if move.had:
                    _move(move.target, move.old)
                if move.new:
                    _move(move.new, move.target)
        except OSError as error:
            self.put_back(note)
            raise FileProblem(f"the restore has failed, and nothing was changed: {reason(error)}") from error
        except BaseException:
            self.put_back(note)
            raise

    def put_back(self, note: Note) -> None:
        """Put the files of before in their places, from wherever it was interrupted. Raises FileProblem."""
        try:
            for move in reversed(note.moves):
                if move.inside:
                    continue
                if move.had:
                    if os.path.lexists(move.old):
                        self._reject(move.target)
                        _move(move.old, move.target)
                elif not move.new or not os.path.lexists(move.new):
                    self._reject(move.target)
            self.end()
        except OSError as error:
            raise FileProblem(
                f"the files of before cannot be put back: {reason(error)}. They are in {self.folder / OLD}. Mend the"
                " disk, then run: sudo mediaserver restore --complete"
            ) from error

    def _reject(self, target: str) -> None:
        if os.path.lexists(target):
            place = staging.place_of(self.folder / REJECTED, target)
            staging.clear(place)
            with suppress(FileNotFoundError):
                place.unlink()
            _move(target, str(place))

    def clear(self) -> None:
        """Remove what a restore has left that moves nothing any more."""
        if not self.note_file.exists():
            staging.clear(self.folder)

    def end(self) -> None:
        """End the restore: first the note, then what was moved aside. Raises OSError."""
        self.note_file.unlink(missing_ok=True)
        if self.folder.exists():
            files.sync_folder(self.folder)
        staging.clear(self.folder)


def _move(source: str, target: str) -> None:
    Path(target).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    files.move(source, target)


def _make_parents(folder: Path, known: dict[str, Entry]) -> None:
    """Make missing folders, with the owner and mode that they had in the snapshot."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        entry = known.get(str(one))
        one.mkdir(mode=0o755)
        if entry is not None:
            os.chown(one, entry.uid, entry.gid)
            one.chmod(entry.mode & 0o777)
