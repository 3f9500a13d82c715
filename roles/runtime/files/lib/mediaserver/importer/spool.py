# SPDX-License-Identifier: GPL-3.0-or-later
"""The spool, and the entries that wait: one file for each torrent.

Transmission's container may write into the spool, and nothing else of this. So an entry is a file of this program, in a
folder that no container has, and of what lies in the spool only the name is used.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from mediaserver._core import files
from mediaserver._core.errors import FileProblem, reason
from mediaserver.importer.problem import shown

HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
MODE = 0o644
# Files of the spool that are no torrents, which are kept for a person to look at; the folder is below the state's.
REJECTED = "rejected"
REJECTED_KEPT = 20

NEW, LISTING = "new", "listing"


class SpoolProblem(FileProblem):
    """The spool cannot be read. Transmission is asked all the same, and knows what is finished."""


@dataclass(frozen=True)
class Entry:
    """A torrent on its way into the library. Times are seconds of the system clock, for people and for the backoff."""

    hash: str
    since: float
    name: str = ""
    kind: str = ""  # chosen by a person, else empty
    named: bool = False  # a person wants this torrent, also where another program has labelled it
    again: bool = False  # a person wants also what was deleted from the library
    stage: str = NEW
    tries: int = 0
    not_before: float = 0.0
    waits_for: str = ""
    # What was published, relative to the media root, and the paths of which Jellyfin is informed.
    targets: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    fresh: int = 0  # how many of the targets are new
    published_kind: str = ""
    left_out: tuple[tuple[str, str], ...] = ()  # source and reason, for the arrival
    checks: int = 0

    @property
    def title(self) -> str:
        return self.name or self.hash

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str, name: str) -> Entry | None:
        """Return an entry, None for a damaged text."""
        try:
            data = json.loads(text)
            found = cls(
                hash=name,
                since=float(data["since"]),
                name=str(data["name"]),
                kind=str(data["kind"]),
                named=bool(data["named"]),
                again=bool(data["again"]),
                stage=LISTING if data["stage"] == LISTING else NEW,
                tries=int(data["tries"]),
                not_before=float(data["not_before"]),
                waits_for=str(data["waits_for"]),
                targets=tuple(map(str, data["targets"])),
                changed=tuple(map(str, data["changed"])),
                fresh=int(data["fresh"]),
                published_kind=str(data["published_kind"]),
                left_out=tuple((str(one[0]), str(one[1])) for one in data["left_out"]),
                checks=int(data["checks"]),
            )
        except (ValueError, KeyError, TypeError, IndexError, RecursionError):
            return None
        return found


@dataclass(frozen=True)
class Pending:
    """The folder of entries."""

    folder: Path
    rejected: Path
    _known: dict[str, tuple[tuple[int, int], Entry]] = field(default_factory=dict, compare=False)

    def entries(self, now: float) -> list[Entry]:
        """Return all entries, oldest first. A damaged one is begun again. Raises FileProblem."""
        found = []
        for name in self._names():
            path = self.folder / name
            with suppress(FileNotFoundError):
                status = path.stat()
                stamp = (status.st_ino, status.st_mtime_ns)
                known = self._known.get(name)
                if known is None or known[0] != stamp:
                    entry = Entry.from_json(files.read(path) or "", name) or Entry(name, now)
                    known = self._known[name] = (stamp, entry)
                found.append(known[1])
        return sorted(found, key=lambda entry: (entry.since, entry.hash))

    def get(self, torrent: str) -> Entry | None:
        text = files.read(self.folder / torrent)
        return None if text is None else Entry.from_json(text, torrent)

    def put(self, entry: Entry) -> None:
        """Write an entry. Raises FileProblem."""
        try:
            files.write(self.folder / entry.hash, entry.to_json(), mode=MODE)
        except OSError as error:
            raise FileProblem(f"{self.folder} cannot be written: {reason(error)}") from error

    def remove(self, entry: Entry) -> None:
        """Remove an entry that is complete. Raises FileProblem."""
        self._known.pop(entry.hash, None)
        try:
            (self.folder / entry.hash).unlink(missing_ok=True)
        except OSError as error:
            raise FileProblem(f"{self.folder} cannot be written: {reason(error)}") from error

    def _names(self) -> list[str]:
        try:
            return [path.name for path in self.folder.iterdir() if HASH.fullmatch(path.name)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise FileProblem(f"{self.folder} cannot be read: {reason(error)}") from error

    def take_in(self, spool: Path, now: float) -> Iterator[tuple[str, bool]]:
        """Make an entry of each file in the spool, and remove the file; yield each name, and whether it is a hash.

        What is not a torrent's hash is moved to the folder of rejected files, so that the spool is empty afterwards.
        Raises SpoolProblem, FileProblem.
        """
        try:
            names = sorted(path.name for path in spool.iterdir())
        except FileNotFoundError:
            raise SpoolProblem(f"{spool} does not exist, so downloads arrive late. Run the playbook") from None
        except OSError as error:
            raise SpoolProblem(f"{spool} cannot be read, so downloads arrive late: {reason(error)}") from error
        for name in names:
            torrent = name.lower()
            if HASH.fullmatch(torrent):
                self._begin(torrent, now)
                self._clear(spool / name)
                yield torrent, True
            else:
                self._reject(spool / name)
                yield name, False

    def _begin(self, torrent: str, now: float) -> None:
        """Begin an entry, or begin it again: a torrent that is done once more may have new files."""
        known = self.get(torrent)
        if known is None:
            self.put(Entry(torrent, now))
        else:
            self.put(replace(known, stage=NEW, tries=0, not_before=0.0, checks=0))

    def _clear(self, path: Path) -> None:
        try:
            path.unlink()
        except IsADirectoryError:
            self._reject(path)
        except FileNotFoundError:
            pass
        except OSError as error:
            if path.is_dir() and not path.is_symlink():
                self._reject(path)
            else:
                raise FileProblem(f"{path} cannot be removed: {reason(error)}") from error

    def rejected_names(self) -> set[str]:
        """Return the names of what was moved out of the spool and is still kept, as they are shown."""
        with suppress(OSError):
            return {shown(path.name) for path in self.rejected.iterdir()}
        return set()

    def _reject(self, path: Path) -> None:
        """Move something out of the spool that does not belong there."""
        try:
            self.rejected.mkdir(mode=0o700, parents=True, exist_ok=True)
            kept = sorted(self.rejected.iterdir(), key=lambda one: one.lstat().st_mtime)
            while len(kept) >= REJECTED_KEPT:
                _remove(kept.pop(0))
            target = self.rejected / path.name
            if os.path.lexists(target):
                _remove(target)
            files.move(path, target)
        except OSError as error:
            raise FileProblem(f"{path} cannot be moved out of the spool: {reason(error)}") from error


def _remove(path: Path) -> None:
    """Remove a file, or a folder with its files; links are not followed."""
    if not stat.S_ISDIR(path.lstat().st_mode):
        path.unlink()
        return
    for one in path.iterdir():
        _remove(one)
    path.rmdir()
