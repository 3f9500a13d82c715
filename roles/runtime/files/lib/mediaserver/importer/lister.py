# SPDX-License-Identifier: GPL-3.0-or-later
"""Follows published entries until Jellyfin lists them.

A path may be given while a scan runs, and is lost then (the answer is the same). So Jellyfin is asked, and given the
path again. What an idle Jellyfin has not listed after three checks is done, with a warning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from mediaserver.importer.jellyfin import Jellyfin
from mediaserver.importer.listing import Expectation, expectations, names_below
from mediaserver.importer.settings import Settings
from mediaserver.importer.spool import Entry

# Seconds that Jellyfin gets after it was informed, for the first time and again. It reads
# news of a folder only after the refresh of that folder (18 s were measured), and after LibraryMonitorDelay, which is
# 60 s in its own configuration.
CHECKS_S = (6.0, 20.0, 90.0)
FIRST_S, QUICK_S, SLOW_S = 1.1, 0.5, 5.0
# Between two questions whether the scan has ended.
SCAN_PAUSE_S = 15.0
UNLISTED = "published, but Jellyfin does not list it, although it is idle. Its next scan may; see its log"


@dataclass
class Check:
    """One entry in this process: when Jellyfin was given its paths, and when it is asked next."""

    expected: list[Expectation]
    informed_at: float | None = None
    ask_at: float = 0.0


@dataclass(frozen=True)
class Listed:
    """An entry that is done."""

    entry: Entry
    warning: str = ""


@dataclass
class Lister:
    """All entries that wait for Jellyfin, in one request each: the cost does not grow with their number."""

    settings: Settings
    _checks: dict[str, Check] = field(default_factory=dict)

    def concerns(self, entry: Entry) -> bool:
        """Say whether a file of an entry lies below a library. An extra does, too, although nothing lists it."""
        return any(library.holds(target) for library in self.settings.libraries for target in entry.targets)

    def forget(self, entry: Entry) -> None:
        """Begin again with an entry whose files have changed."""
        self._checks.pop(entry.hash, None)

    def next_at(self, entries: Sequence[Entry]) -> float | None:
        """Return when the next of these entries is due, None without any."""
        due = [0.0 if check is None else check.ask_at for check in (self._checks.get(one.hash) for one in entries)]
        return min(due, default=None)

    def step(self, entries: Sequence[Entry], jellyfin: Jellyfin, now: float) -> list[Listed | Entry]:
        """Inform and ask; return the entries that are done, and those whose number of checks has changed.

        Raises the errors of JellyfinClient.
        """
        for entry in entries:
            if entry.hash not in self._checks:
                names = names_below(self.settings.media)
                self._checks[entry.hash] = Check(expectations(entry.targets, self.settings.libraries, names))
        self._inform(entries, jellyfin, now)
        due = [entry for entry in entries if now >= self._checks[entry.hash].ask_at]
        ids = [one for entry in due for expected in self._checks[entry.hash].expected for one in expected.ids]
        listed = jellyfin.listed(ids) if ids else set()
        results: list[Listed | Entry] = []
        idle: bool | None = None
        for entry in due:
            check = self._checks[entry.hash]
            check.expected = [one for one in check.expected if one.missing(listed)]
            if not check.expected:
                results.append(Listed(entry))
                continue
            informed_at = now if check.informed_at is None else check.informed_at
            window = CHECKS_S[min(entry.checks, len(CHECKS_S) - 1)]
            if now - informed_at < window:
                check.ask_at = now + (QUICK_S if now - informed_at < CHECKS_S[0] else SLOW_S)
                continue
            if idle is None:
                idle = jellyfin.is_idle()
            results.extend(self._after_check(entry, check, now, idle=idle))
        for one in results:
            if isinstance(one, Listed):
                self.forget(one.entry)
        return results

    def _inform(self, entries: Sequence[Entry], jellyfin: Jellyfin, now: float) -> None:
        uninformed = [entry for entry in entries if self._checks[entry.hash].informed_at is None]
        uninformed = [entry for entry in uninformed if now >= self._checks[entry.hash].ask_at]
        if not uninformed:
            return
        jellyfin.inform(path for entry in uninformed for path in entry.changed or entry.targets)
        for entry in uninformed:
            check = self._checks[entry.hash]
            check.informed_at, check.ask_at = now, now + FIRST_S

    def _after_check(self, entry: Entry, check: Check, now: float, *, idle: bool) -> list[Listed | Entry]:
        if not idle:
            # Paths that are given during the scan are lost: after its end they are given again.
            check.informed_at, check.ask_at = None, now + SCAN_PAUSE_S
            return []
        if entry.checks + 1 >= len(CHECKS_S):
            return [Listed(entry, UNLISTED)]
        check.informed_at, check.ask_at = None, now
        return [replace(entry, checks=entry.checks + 1)]
