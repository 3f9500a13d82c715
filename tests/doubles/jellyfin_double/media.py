# SPDX-License-Identifier: GPL-3.0-or-later
"""The scan and the file monitor on real folders. `tick` runs the work that is due by the clock."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jellyfin_double.clock import Clock
from jellyfin_double.disk import Found, films, identifier, snapshot
from jellyfin_double.settings import Settings
from jellyfin_double.store import Store
from jellyfin_double.virtual_folders import VirtualFolders

# Measured on a small server: seconds until a scan, or the refresh of one library, lists new items.
SCAN_S = 0.5
REFRESH_S = 0.3


@dataclass
class Work:
    """A scan or a refresh: new items are listed at `listed_at`; it ends at `done_at`."""

    locations: list[str]
    started: str
    begun_at: float
    listed_at: float
    done_at: float
    listed: bool = False


class Media:
    def __init__(
        self,
        virtual_folders: VirtualFolders,
        store: Store,
        clock: Clock,
        settings: Settings,
        *,
        scan_item_s: float = 0.0,
    ) -> None:
        self._folders = virtual_folders
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
    def known(self) -> dict[str, Any]:
        """Return library folders with an item. A folder that was empty at every scan has none, and is not monitored."""
        known: dict[str, Any] = self._store.state["locations"]
        return known

    def progress(self) -> float | None:
        """Return the progress of the running scan in percent, None without a scan."""
        if self._scan is None:
            return None
        length = max(self._scan.done_at - self._scan.begun_at, 0.001)
        return min(99.0, max(0.0, round(100 * (self._clock.monotonic() - self._scan.begun_at) / length, 1)))

    # Called by the routes.

    def start_scan(self) -> None:
        """Cancel a running scan and start a new one; the monitor is off until its end."""
        if self._scan is not None:
            self._finish(self._scan, "Cancelled")
        self._scan = self._work(list(self._folders.scanned()), SCAN_S)
        self._refresh = None
        self._watched.clear()
        self._due.clear()

    def cancel_scan(self) -> None:
        if self._scan is not None:
            work, self._scan = self._scan, None
            self._finish(work, "Cancelled")
            self._watch_all()

    def start_refresh(self, library: str) -> None:
        """Refresh one library; a folder without an item is not refreshed."""
        paths = [p for p, (name, _) in self._folders.scanned().items() if name == library and p in self.known]
        self._refresh = self._work(paths, REFRESH_S)

    def reported(self, path: str) -> None:
        """Handle a reported path: it is checked after the monitor's delay, if it is in a known folder."""
        if self._scan is None:
            self._changed(path)

    def library_added(self, name: str) -> None:
        """Check the folders of a new library once, without a scan; an empty one gets no item."""
        for path, (library, options) in self._folders.scanned().items():
            if library == name and _entries(path):
                self.known.setdefault(path, {})
                if options["EnableRealtimeMonitor"] and self._scan is None:
                    self._watched[path] = snapshot(path)
        self._store.save()

    def library_removed(self) -> None:
        """Stop monitoring a removed library; its items stay until a refresh."""
        left = self._folders.scanned()
        self._watched = {path: seen for path, seen in self._watched.items() if path in left}

    # Called by the clock.

    def tick(self) -> None:
        """Run the work that is due, in order, then check the file monitor."""
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
        self._folders.validate(remove=True)
        present = self._folders.scanned()
        for path in present:
            self._take_in(path, whole=True)
        for key, item in list(self.items.items()):
            if item["location"] not in present:
                del self.items[key]
        for path in list(self.known):
            if path not in present:
                del self.known[path]
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
        if path in self._folders.scanned():
            self._take_in(path)
            self._store.save()

    def _changed(self, path: str) -> None:
        delay = float(self._settings.system["LibraryMonitorDelay"])
        for location in self.known:
            if path == location or path.startswith(location + "/"):
                self._due[location] = self._clock.monotonic() + delay

    def _watch_all(self) -> None:
        self._watched = {
            path: snapshot(path)
            for path, (_, options) in self._folders.scanned().items()
            if options["EnableRealtimeMonitor"] and options["Enabled"] and path in self.known
        }

    def _take_in(self, location: str, *, whole: bool = False) -> None:
        """List the items of a folder. A missing or empty folder is skipped, and its former items stay."""
        name, options = self._folders.scanned()[location]
        if not options["Enabled"] or not _entries(location):
            return
        self.known.setdefault(location, {})
        found = {item.identifier: item for item in self._films(location, name)}
        for key, item in list(self.items.items()):
            # 10.11 lists a version for a while after its file has gone; here, until a scan.
            stale = self._old and item["type"] == "Video" and not whole
            if item["location"] == location and key not in found and not stale:
                del self.items[key]
        for key, film in found.items():
            item = self.items.setdefault(key, self._record(film, location))
            kept = [path for path in item["versions"] if identifier("Video", path) in self.items] if self._old else []
            item["versions"] = sorted({*film.versions, *kept})

    @property
    def _old(self) -> bool:
        return self._settings.version == "10.11"

    def _films(self, location: str, library: str) -> Iterator[Found]:
        for film in films(location, self._folders.kind(library)):
            yield film
            # A second version is an item of its own in 10.11, and only a media source of the first one in 12.
            for path in film.versions if self._old else ():
                name = Path(path).stem
                yield Found(identifier("Video", path), path, name, "Video", year=film.year)

    def _record(self, film: Found, location: str) -> dict[str, Any]:
        return {
            "path": film.path,
            "name": film.name,
            "type": film.sort,
            "folder": film.folder,
            "year": film.year,
            "series": film.series,
            "season": film.season,
            "number": film.number,
            "season_number": film.season_number,
            "versions": list(film.versions),
            "location": location,
            "created": self._clock.stamp(),
        }


def _entries(path: str) -> bool:
    """Return whether a folder can be read and has an entry, dot files included."""
    try:
        with os.scandir(path) as entries:
            return next(iter(entries), None) is not None
    except OSError:
        return False
