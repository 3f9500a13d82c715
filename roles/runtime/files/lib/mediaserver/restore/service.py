# SPDX-License-Identifier: GPL-3.0-or-later
"""Restores one service on this Pi: after a snapshot of today, with a proof of function, and with a way back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from mediaserver._core.errors import InvalidValue, MediaserverError
from mediaserver.backup.settings import ServiceSources, Settings
from mediaserver.command import words
from mediaserver.restore import staging, wanted
from mediaserver.restore.chosen import Chosen, Refused, choose, own_snapshots
from mediaserver.restore.placing import Note, Places
from mediaserver.restore.staging import Archive
from mediaserver.restore.wanted import Wanted


class NotProven(MediaserverError):
    """The service does not work with the restored files. The files of before are in place again."""


@dataclass(frozen=True)
class Expected:
    """What the restored service must have, as far as the snapshot says: rows by table, and .torrent files."""

    tables: dict[str, int]
    torrents: int


class Host(Protocol):
    """The services of this host."""

    def paused(self) -> AbstractContextManager[None]:
        """Keep vpn-monitor from starting what is stopped."""

    def require(self, service: str) -> None:
        """Raises MediaserverError when the service could not be started."""

    def stop(self, service: str) -> None: ...

    def start(self, service: str) -> None: ...

    def prove(self, service: str, expected: Expected) -> list[str]:
        """Return what was seen of it. Raises MediaserverError when it does not work."""


@dataclass(frozen=True)
class Restored:
    """``before``: the snapshot of what was there before; ``seen``: the proof, in words."""

    service: str
    snapshot: str
    taken: float
    before: str
    files: int
    size: int
    seen: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass
class ServiceRestore:
    """``keep_present``: makes a snapshot of today and returns its id. ``say``: reports a step."""

    settings: Settings
    archive: Archive
    household: str
    host: Host
    keep_present: Callable[[], str]
    now: Callable[[], float]
    say: Callable[[str], None] = lambda text: None

    @property
    def places(self) -> Places:
        return Places(self.settings.root)

    def run(self, name: str, at: str) -> Restored:
        """Raises MediaserverError, with everything as it was."""
        sources = self._sources(name)
        self.complete()
        self.host.require(name)
        snapshots = own_snapshots(self.archive, self.household)
        chosen = choose(self.archive, snapshots, at, self.now(), services=(name,))
        self._require_same_layout(chosen)
        content = self._plan(sources, chosen)
        staging.require_room(self.places.folder, content.size)
        expected = Expected(
            {table: rows for one in content.databases for table, rows in one.tables.items()},
            sum(one.path.endswith(".torrent") for one in content.entries),
        )
        try:
            self.say(f"fetches snapshot {chosen.title} ({words.size(content.size)})")
            staging.fetch(self.archive, chosen.snapshot.id, content, self.places.new)
            self.say(f"keeps the present state of {sources.title} in a snapshot")
            before = self.keep_present()
            seen = self._swap(name, chosen, content, expected)
        finally:
            self.places.clear()
        return Restored(
            name,
            chosen.snapshot.id,
            chosen.snapshot.time,
            before,
            sum(one.type == "file" for one in content.entries),
            content.size,
            tuple(seen),
            chosen.passed,
        )

    def complete(self) -> bool:
        """Put back what an interrupted restore has moved; say whether there was one. Raises FileProblem."""
        note = self.places.note()
        if note is None:
            self.places.clear()
            return False
        if not note.service:
            raise Refused(
                "the restore of the whole household was interrupted on this Pi. Run playbooks/restore.yml again, which"
                " completes it"
            )
        with self.host.paused():
            self.host.stop(note.service)
            self.places.put_back(note)
            self.host.start(note.service)
        return True

    def _sources(self, name: str) -> ServiceSources:
        known = {one.name: one for one in self.settings.services if one.files or one.databases}
        if name not in known:
            raise InvalidValue(
                f"{name!r} is not a service whose files are in the backup. There are: {', '.join(sorted(known))}"
            )
        return known[name]

    def _require_same_layout(self, chosen: Chosen) -> None:
        root = str(self.settings.root)
        if chosen.manifest.root != root:
            raise Refused(
                f"snapshot {chosen.title} was made with mediaserver_root {chosen.manifest.root}, and here it is {root}."
                " Set mediaserver_root as before, or choose a younger snapshot. Nothing was changed"
            )
        owner = (self.settings.uid, self.settings.gid)
        if (chosen.manifest.uid, chosen.manifest.gid) != owner:
            raise Refused(
                f"the files of snapshot {chosen.title} belong to {chosen.manifest.uid}:{chosen.manifest.gid}, and the"
                f" account mediaserver is {owner[0]}:{owner[1]} here. Choose a younger snapshot. Nothing was changed"
            )

    def _plan(self, sources: ServiceSources, chosen: Chosen) -> Wanted:
        content = wanted.plan(
            [str(path) for path in sources.files],
            [str(path) for path in sources.databases],
            chosen.manifest,
            chosen.entries(self.archive),
        )
        if not content.includes:
            raise Refused(f"snapshot {chosen.title} has nothing of {sources.title}. Choose another one with --at")
        return content

    def _swap(self, name: str, chosen: Chosen, content: Wanted, expected: Expected) -> list[str]:
        with self.host.paused():
            self.say(f"stops {name}, and puts the restored files in place")
            self.host.stop(name)
            note = Note(name, chosen.snapshot.id, self.places.moves(content))
            try:
                self.places.place(note, content.parents)
                self.host.start(name)
                self.say(f"waits for {name} to work")
                seen = self.host.prove(name, expected)
            except BaseException as error:
                self._go_back(name, note)
                if isinstance(error, MediaserverError):
                    raise NotProven(
                        f"{name} does not work with snapshot {chosen.title}: {error}. The files of before are in place"
                        " again. Choose an older snapshot with --at"
                    ) from error
                raise
            self.places.end()
        return seen

    def _go_back(self, name: str, note: Note) -> None:
        self.host.stop(name)
        # Where the move itself has failed, that is done already.
        if self.places.note() is not None:
            self.places.put_back(note)
        self.host.start(name)
