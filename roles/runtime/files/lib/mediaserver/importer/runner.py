# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the import: takes entries from the spool, imports each, and follows it until Jellyfin lists it.

One entry that fails delays no other. Each step leaves files from which the next run continues.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from mediaserver import journal
from mediaserver._core import files
from mediaserver._core.errors import FileProblem, MediaserverError
from mediaserver.importer import refetch_notes
from mediaserver.importer.access import NotNow, Service
from mediaserver.importer.jellyfin import Jellyfin
from mediaserver.importer.ledger import Ledger
from mediaserver.importer.lister import Listed, Lister
from mediaserver.importer.problem import ImportProblem, shown
from mediaserver.importer.removal import Removals
from mediaserver.importer.retry import is_due, pause
from mediaserver.importer.settings import Settings
from mediaserver.importer.spool import LISTING, NEW, Entry, Pending, SpoolProblem
from mediaserver.importer.state import LEFT_OUT_KEPT, Arrival, State, StateFile, Waiting, with_arrival
from mediaserver.importer.torrent_import import Ignored, Planned, Published, TorrentImport
from mediaserver.importer.transmission import Torrents
from mediaserver.notify.message import news_of
from mediaserver.notify.outbox import Outbox

# The program ends when nothing is due within this time; the timer starts it again.
STAY_S = 45.0
TICK_S = 0.5
# After so many tries (about two hours), a torrent that Transmission does not have is given up.
UNKNOWN_TRIES = 14
# Links of one torrent that the journal names.
JOURNAL_LINES = 40
UMASK = 0o002
# A temporary file is replaced within milliseconds.
TEMPORARY_S = 60.0


class Clock(Protocol):
    """The module time, or a double."""

    def time(self) -> float: ...

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float, /) -> None: ...


@dataclass
class Runner:
    """One run. ``settings``: the household's; ``torrents`` and ``jellyfin`` are None where the household has none."""

    settings: Settings
    torrents: Torrents
    jellyfin: Jellyfin | None
    importer: TorrentImport
    pending: Pending
    ledger: Ledger
    state_file: StateFile
    transmission_service: Service
    jellyfin_service: Service
    clock: Clock
    lister: Lister = field(init=False)
    recent: tuple[Arrival, ...] = field(init=False)
    rejected: tuple[str, ...] = field(init=False)
    troubles: dict[str, str] = field(default_factory=dict)
    outbox: Outbox | None = None

    def __post_init__(self) -> None:
        before = self.state_file.read()
        kept = self.pending.rejected_names()
        self.recent, self.rejected = before.recent, tuple(one for one in before.rejected if one in kept)
        self.lister = Lister(self.settings)

    @property
    def removals(self) -> Removals:
        return Removals(self.settings, self.ledger, self.torrents, self.pending)

    @property
    def notes(self) -> refetch_notes.Notes:
        return refetch_notes.Notes(self.settings.state / refetch_notes.FOLDER, self.torrents)

    def run(self, *, stay: float = STAY_S) -> None:
        """Work until nothing is due soon. Raises FileProblem when this program cannot write its own files."""
        os.umask(UMASK)
        self._clean()
        self._complete_removals()
        self._complete_refetch()
        self.step(sweep=True)
        while (wait := self._next_in()) is not None and wait <= stay:
            self.clock.sleep(max(min(wait, TICK_S), 0.05))
            self.step()
        self._notify(lambda outbox: outbox.deliver(self.clock.time()))

    def step(self, *, sweep: bool = False) -> None:
        """Take in the spool, and carry each entry that is due one step further."""
        self._attempt("spool", self._take_in)
        if sweep:
            self._attempt("transmission", self._sweep)
        for entry in self.pending.entries(self.clock.time()):
            if entry.stage == NEW and is_due(entry.not_before, self.clock.time()):
                self._import(entry)
        self._follow()
        self._write_state()

    def _complete_removals(self) -> None:
        """Complete removals that were interrupted, and delete what was removed seven days ago."""
        try:
            self.transmission_service.ask(lambda: self.removals.complete(self.clock.time()), self.clock.monotonic())
        except (NotNow, ImportProblem) as error:
            journal.warning(f"a removal is not complete yet: {error}")

    def _complete_refetch(self) -> None:
        """Add torrents again that an interrupted `mediaserver refetch` has removed."""
        if not self.notes.folder.is_dir():
            return
        try:
            self.transmission_service.ask(self.notes.complete, self.clock.monotonic())
        except NotNow as error:
            journal.warning(f"a torrent is not added again yet: {error}")

    def _clean(self) -> None:
        """Remove files that a killed run was about to put in place. A younger one may be another process's."""
        for folder in (self.settings.state, self.pending.folder, self.ledger.folder, self.removals.begun):
            for path in folder.glob(f"{files.PREFIX}*"):
                with contextlib.suppress(FileNotFoundError):
                    if self.clock.time() - path.lstat().st_mtime > TEMPORARY_S:
                        path.unlink()

    # The spool, and torrents whose script did not run.

    def _take_in(self) -> None:
        baseline = self.ledger.baseline()
        for name, is_hash in self.pending.take_in(self.settings.spool, self.clock.time()):
            if not is_hash:
                journal.warning(
                    f"{shown(name)!r} in {self.settings.spool} is not the hash of a torrent; it is moved to"
                    f" {self.pending.rejected}"
                )
                self.rejected = (shown(name), *(one for one in self.rejected if one != shown(name)))[:10]
            elif baseline and name in baseline:
                # It was finished before the import existed, for example when it is verified again.
                self._drop(Entry(name, 0.0))

    def _sweep(self) -> None:
        """Find finished torrents that are missing in the ledger. Raises NotNow."""
        known = self.transmission_service.ask(self.torrents.known, self.clock.monotonic())
        if not known and self._has_metainfo():
            raise NotNow("Transmission has not loaded its torrents yet")
        finished = [one for one in known if one.done]
        now = self.clock.time()
        waiting = {entry.hash for entry in self.pending.entries(now)}
        baseline = self.ledger.baseline()
        if baseline is None:
            baseline = {one.hash for one in finished} - waiting
            self.ledger.put_baseline(baseline)
            if baseline:
                journal.info(
                    f"{len(baseline)} torrents were finished before the import was set up and are left alone;"
                    " `mediaserver import --existing` imports them, too"
                )
        elif gone := {one for one in baseline - {one.hash for one in known} if not self._has_metainfo(one)}:
            # Added again, such a torrent is a new download.
            baseline -= gone
            self.ledger.put_baseline(baseline)
        for one in finished:
            if one.hash in baseline or one.hash in waiting or self.ledger.get(one.hash).size == one.size:
                continue
            self.pending.put(Entry(one.hash, now, name=one.name))

    def _has_metainfo(self, torrent: str = "") -> bool:
        """Say whether Transmission keeps the .torrent file of a torrent, or of any: it answers before it loads them."""
        # Transmission 3 names them by the torrent's name and the first 16 digits of its hash.
        return any(self.settings.torrent_files.glob(f"*{torrent[:16]}*.torrent"))

    # One entry.

    def _import(self, entry: Entry) -> None:
        """Import one entry; whatever happens to it, the others go on."""
        try:
            answer = self.transmission_service.ask(lambda: self.torrents.by_hash(entry.hash), self.clock.monotonic())
            if answer is None:
                self._unknown(entry)
                return
            entry = replace(entry, name=str(answer.get("name") or entry.name))
            done = self.importer.publish(answer, kind=entry.kind, again=entry.again, named=entry.named)
        except NotNow as error:
            self.troubles["transmission"] = str(error)
            # All entries wait for the service, which has its own backoff.
            self._keep(entry, str(error), counts=False)
            return
        except FileProblem:
            raise
        except MediaserverError as error:
            self._keep(entry, str(error), counts=True)
            return
        except Exception as error:  # a defect met by one torrent must not stop the others
            journal.error(f"{shown(entry.title)}: {type(error).__name__}: {error}")
            self._keep(entry, f"an unexpected error ({type(error).__name__}); see `journalctl`", counts=True)
            return
        self.troubles.pop("transmission", None)
        if isinstance(done, Ignored):
            journal.info(f"{shown(entry.title)} is left alone: {done.text}")
            self._drop(entry)
        else:
            self._published(entry, done)

    def _published(self, entry: Entry, done: Published) -> None:
        planned = done.planned
        _log(planned)
        entry = replace(
            entry,
            targets=done.targets,
            changed=done.changed or entry.changed,
            fresh=done.fresh,
            published_kind=planned.kind,
            left_out=tuple((shown(source), reason) for source, reason in planned.left_out[:LEFT_OUT_KEPT]),
        )
        self.lister.forget(entry)
        if planned.incomplete:
            count = len(planned.torrent.files)
            verb = "is" if planned.incomplete == 1 else "are"
            text = f"{planned.incomplete} of {count} files {verb} not complete yet"
            self._keep(entry, text, counts=True)
        elif self.jellyfin is None or not self.lister.concerns(entry):
            self._arrived(entry)
        else:
            self.pending.put(replace(entry, stage=LISTING, tries=0, not_before=0.0, checks=0, waits_for=""))

    def _unknown(self, entry: Entry) -> None:
        text = "Transmission does not have this torrent. It may have been removed there before it was imported"
        if entry.tries + 1 < UNKNOWN_TRIES:
            self._keep(entry, text, counts=True)
            return
        journal.warning(f"{shown(entry.title)}: {text}; it is given up")
        self._arrived(entry, warning=text)

    def _keep(self, entry: Entry, text: str, *, counts: bool) -> None:
        if entry.waits_for != text:
            journal.warning(f"{shown(entry.title)} waits: {text}")
        tries = entry.tries + 1 if counts else entry.tries
        not_before = self.clock.time() + pause(tries) if counts else entry.not_before
        kept = replace(entry, tries=tries, not_before=not_before, waits_for=text)
        if kept != entry:
            self.pending.put(kept)

    # Jellyfin.

    def _follow(self) -> None:
        listing = [entry for entry in self.pending.entries(self.clock.time()) if entry.stage == LISTING]
        jellyfin = self.jellyfin
        if not listing:
            return
        if jellyfin is None:
            for entry in listing:
                self._arrived(entry)
            return

        def follow() -> None:
            now = self.clock.monotonic()
            for one in self.jellyfin_service.ask(lambda: self.lister.step(listing, jellyfin, now), now):
                if isinstance(one, Listed):
                    self._arrived(one.entry, warning=one.warning)
                else:
                    self.pending.put(one)

        self._attempt("jellyfin", follow)

    def _arrived(self, entry: Entry, *, warning: str = "") -> None:
        """Record an arrival, then remove the entry: after a kill in between it is recorded once more, and not twice."""
        if warning:
            journal.warning(f"{shown(entry.title)}: {warning}")
        elif entry.fresh:
            journal.info(f"{shown(entry.title)} has arrived")
        arrival = Arrival(
            entry.hash,
            shown(entry.title),
            self.clock.time(),
            entry.published_kind,
            entry.fresh,
            entry.left_out,
            warning,
        )
        if entry.fresh or warning or entry.left_out:
            same = [one for one in self.recent if one.hash == entry.hash and one.time >= entry.since]
            self.recent = with_arrival([one for one in self.recent if one not in same], arrival)
            self._write_state()
        if entry.fresh:
            news = news_of(entry.published_kind, entry.targets, entry.fresh)
            # Before the record, after which the files are no longer new; the outbox takes the same news once.
            self._notify(lambda outbox: outbox.add(f"{entry.hash} {entry.since:.0f}", news, self.clock.time()))
            record = self.ledger.get(entry.hash)
            self.ledger.put(replace(record, announced=len(record.files)))
        self.pending.remove(entry)

    def _notify(self, action: Callable[[Outbox], None]) -> None:
        """No trouble with a notification stops the import."""
        if self.outbox is not None:
            try:
                action(self.outbox)
            except FileProblem as error:
                journal.warning(str(error))

    def _drop(self, entry: Entry) -> None:
        self.pending.remove(entry)

    def _attempt(self, part: str, action: Callable[[], None]) -> None:
        """Do something that concerns the spool, Transmission or Jellyfin, and note its trouble."""
        try:
            action()
            self.troubles.pop(part, None)
        except (NotNow, SpoolProblem) as error:
            if self.troubles.get(part) != str(error):
                journal.warning(str(error))
            self.troubles[part] = str(error)

    # What a person sees, and when this runs next.

    def _write_state(self) -> None:
        waiting = [
            Waiting(
                entry.hash,
                shown(entry.title),
                entry.since,
                entry.waits_for or (self._jellyfin_words(entry) if entry.stage == LISTING else "its turn comes next"),
                entry.stage == LISTING,
            )
            for entry in self.pending.entries(self.clock.time())
        ]
        self.state_file.write(
            State(tuple(waiting), self.recent, tuple(sorted(set(self.troubles.values()))), self.rejected)
        )

    def _jellyfin_words(self, entry: Entry) -> str:
        trouble = self.troubles.get("jellyfin")
        words = "it is in the library, and Jellyfin does not list it yet"
        return f"{words}: {trouble}" if trouble else words

    def _next_in(self) -> float | None:
        """Return the seconds until something is due, None when nothing waits."""
        entries = self.pending.entries(self.clock.time())
        waits = []
        for entry in (one for one in entries if one.stage == NEW):
            own = 0.0 if is_due(entry.not_before, self.clock.time()) else entry.not_before - self.clock.time()
            waits.append(max(own, self._service_wait(self.transmission_service)))
        due = self.lister.next_at([one for one in entries if one.stage == LISTING])
        if due is not None:
            own = max(due - self.clock.monotonic(), 0.0)
            waits.append(max(own, self._service_wait(self.jellyfin_service)))
        return min(waits, default=None)

    def _service_wait(self, service: Service) -> float:
        return max(service.wait_until - self.clock.monotonic(), 0.0)


def _log(planned: Planned) -> None:
    """Write to the journal what was linked, and what was left out and why."""
    name = shown(planned.torrent.name)
    for number, link in enumerate(planned.links):
        if number == JOURNAL_LINES:
            journal.info(f"{name}: and {len(planned.links) - number} more files")
            break
        journal.info(f"{name}: {shown(link.source, 300)} is now {shown(link.target, 300)}")
    for number, (source, reason) in enumerate(planned.left_out):
        if number == JOURNAL_LINES:
            journal.info(f"{name}: and {len(planned.left_out) - number} more files are left out")
            break
        journal.info(f"{name}: {shown(source, 300)} is left out: {reason}")
