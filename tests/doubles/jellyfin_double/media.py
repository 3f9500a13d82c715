# SPDX-License-Identifier: GPL-3.0-or-later
"""The scan and the file monitor, on real folders: a clock says when, `tick` makes it happen."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from jellyfin_double.clock import Clock
from jellyfin_double.disk import Found, films, snapshot
from jellyfin_double.settings import Settings
from jellyfin_double.shelf import Shelf
from jellyfin_double.store import Store

# Measured on a small server: after this long a scan, or the refresh of one library, lists what is new.
SCAN_S = 0.5
REFRESH_S = 0.3


@dataclass
class Work:
    """A scan or a refresh: what is new is listed at `listed_at`, then it goes on until `done_at`."""

    locations: list[str]
    started: str
    begun_at: float
    listed_at: float
    done_at: float
    listed: bool = False


class Media:
    def __init__(
        self, shelf: Shelf, store: Store, clock: Clock, settings: Settings, *, scan_item_s: float = 0.0
    ) -> None:
        self._shelf = shelf
        self._store = store
        self._clock = clock
        self._settings = settings
        self._scan_item_s = scan_item_s
        self._scan: Work | None = None
        self._refresh: Work | None = None
        self._due: dict[str, float] = {}
        self._watched: dict[str, dict[str, int]] = {}
        self._watch_all()

    @property
    def items(self) -> dict[str, dict[str, Any]]:
        items: dict[str, dict[str, Any]] = self._store.state["items"]
        return items

    @property
    def _known(self) -> dict[str, Any]:
        """Library folders that have an item. One that was empty at every scan has none: nothing sees into it."""
        known: dict[str, Any] = self._store.state["locations"]
        return known

    def progress(self) -> float | None:
        """Percent of the running scan, None when none runs."""
        if self._scan is None:
            return None
        length = max(self._scan.done_at - self._scan.begun_at, 0.001)
        return min(99.0, max(0.0, round(100 * (self._clock.monotonic() - self._scan.begun_at) / length, 1)))

    # What the routes ask for.

    def start_scan(self) -> None:
        """Cancels a running scan and begins anew; the monitor is off from here to the end."""
        if self._scan is not None:
            self._finish(self._scan, "Cancelled")
        self._scan = self._work(list(self._shelf.scanned()), SCAN_S)
        self._refresh = None
        self._watched.clear()
        self._due.clear()

    def cancel_scan(self) -> None:
        if self._scan is not None:
            work, self._scan = self._scan, None
            self._finish(work, "Cancelled")
            self._watch_all()

    def start_refresh(self, library: str) -> None:
        """Refreshes one library; a folder without an item has nothing to refresh."""
        paths = [p for p, (name, _) in self._shelf.scanned().items() if name == library and p in self._known]
        self._refresh = self._work(paths, REFRESH_S)

    def reported(self, path: str) -> None:
        """A path that somebody says has changed: looked at after the monitor's delay, if anything knows it."""
        if self._scan is None:
            self._changed(path)

    def library_added(self, name: str) -> None:
        """A new library's folders are looked at once, without scanning them: an empty one stays unknown."""
        for path, (library, options) in self._shelf.scanned().items():
            if library == name and _entries(path):
                self._known.setdefault(path, {})
                if options["EnableRealtimeMonitor"] and self._scan is None:
                    self._watched[path] = snapshot(path)
        self._store.save()

    def library_removed(self) -> None:
        """Nobody watches for a library that is gone; its items stay until a refresh."""
        left = self._shelf.scanned()
        self._watched = {path: seen for path, seen in self._watched.items() if path in left}

    # What time brings.

    def tick(self) -> None:
        """Does what has become due, in order, then lets the monitor look."""
        now = self._clock.monotonic()
        while True:
            moment, action = self._next()
            if action is None or moment > now:
                break
            action()
        if self._scan is None:
            for path, before in list(self._watched.items()):
                after = snapshot(path)
                if after != before:
                    self._watched[path] = after
                    self._changed(path)

    def _next(self) -> tuple[float, Any]:
        waiting: list[tuple[float, Any]] = []
        if self._scan is not None:
            if not self._scan.listed:
                waiting.append((self._scan.listed_at, self._list_scan))
            else:
                waiting.append((self._scan.done_at, self._end_scan))
        if self._refresh is not None:
            if not self._refresh.listed:
                waiting.append((self._refresh.listed_at, self._list_refresh))
            else:
                waiting.append((self._refresh.done_at, self._end_refresh))
        elif self._scan is None:
            waiting += [(moment, lambda path=path: self._look(path)) for path, moment in self._due.items()]
        return min(waiting, key=lambda entry: entry[0], default=(0.0, None))

    def _work(self, locations: list[str], first_s: float) -> Work:
        now = self._clock.monotonic()
        length = first_s + self._scan_item_s * len(self.items)
        return Work(locations, self._clock.stamp(), now, now + first_s, now + length)

    def _list_scan(self) -> None:
        assert self._scan is not None
        self._scan.listed = True
        self._shelf.validate(remove=True)
        present = self._shelf.scanned()
        for path in present:
            self._take_in(path)
        for identifier, item in list(self.items.items()):
            if item["location"] not in present:
                del self.items[identifier]
        for path in list(self._known):
            if path not in present:
                del self._known[path]
        self._store.save()

    def _end_scan(self) -> None:
        assert self._scan is not None
        work, self._scan = self._scan, None
        self._finish(work, "Completed")
        self._watch_all()

    def _list_refresh(self) -> None:
        assert self._refresh is not None
        self._refresh.listed = True
        for path in self._refresh.locations:
            self._take_in(path)
        self._store.save()

    def _end_refresh(self) -> None:
        self._refresh = None

    def _finish(self, work: Work, status: str) -> None:
        self._store.state["last_scan"] = {
            "StartTimeUtc": work.started,
            "EndTimeUtc": self._clock.stamp(),
            "Status": status,
        }
        self._store.save()

    def _look(self, path: str) -> None:
        self._due.pop(path, None)
        if path in self._shelf.scanned():
            self._take_in(path)
            self._store.save()

    def _changed(self, path: str) -> None:
        delay = float(self._settings.system["LibraryMonitorDelay"])
        for location in self._known:
            if path == location or path.startswith(location + "/"):
                self._due[location] = self._clock.monotonic() + delay

    def _watch_all(self) -> None:
        self._watched = {
            path: snapshot(path)
            for path, (_, options) in self._shelf.scanned().items()
            if options["EnableRealtimeMonitor"] and options["Enabled"] and path in self._known
        }

    def _take_in(self, location: str) -> None:
        """Lists what is there. A folder that is missing or empty is left alone, and so is all that it once held."""
        name, options = self._shelf.scanned()[location]
        if not options["Enabled"] or not _entries(location):
            return
        self._known.setdefault(location, {})
        found = {film.identifier: film for film in films(location, self._shelf.kind(name))}
        for identifier, item in list(self.items.items()):
            if item["location"] == location and identifier not in found:
                del self.items[identifier]
        for identifier, film in found.items():
            self.items.setdefault(identifier, self._record(film, location))

    def _record(self, film: Found, location: str) -> dict[str, Any]:
        return {
            "path": film.path,
            "name": film.name,
            "type": film.sort,
            "folder": film.folder,
            "year": film.year,
            "series": film.series,
            "location": location,
            "created": self._clock.stamp(),
        }


def _entries(path: str) -> bool:
    """Whether a folder can be read and holds anything, a dot file included."""
    try:
        with os.scandir(path) as entries:
            return next(iter(entries), None) is not None
    except OSError:
        return False
