# SPDX-License-Identifier: GPL-3.0-or-later
"""Searches over one or all indexers (the dashboard's JSON), and the links /dl/ and /bh/ in the results."""

from __future__ import annotations

import re
import time
import urllib.error
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from jackett_double import site
from jackett_double.answers import Answer, Failure, given, text
from jackett_double.config_file import Config
from jackett_double.indexers import Indexer, Indexers
from jackett_double.protection import Protection, Unknown
from jackett_double.request import Request
from jackett_double.site import Film, Unreachable

PURPOSE = "download"
FIND = re.compile("all|(type|lang|tag):(.+)")
# .NET ticks: tenths of a microsecond since the year 1.
TICKS_TO_1970 = 621_355_968_000_000_000
NO_HANDLER = (
    "No authentication handler is registered for the scheme 'This indexer is not configured.'. The registered schemes "
    "are: Cookies. Did you forget to call AddAuthentication().Add[SomeAuthHandler]"
    '("This indexer is not configured.",...)?'
)
UNKNOWN_OF_A_FILM = (
    *("Files", "Grabs", "Description", "RageID", "TVDBId", "Imdb", "TMDb", "TVMazeId", "TraktId", "DoubanId"),
    "Genres",
)
UNKNOWN_OF_A_BOOK = ("Year", "Author", "BookTitle", "Publisher", "Artist", "Album", "Label", "Track")


@dataclass(frozen=True)
class Found:
    indexer: Indexer
    film: Film


class Results:
    def __init__(self, config: Config, protection: Protection, indexers: Indexers, log: Callable[[str], None]) -> None:
        self._log = log
        self._config = config
        self._protection = protection
        self._indexers = indexers

    def chosen(self, name: str) -> list[Indexer]:
        """Return the configured indexers of a name. Raises Failure for an unknown name."""
        group = FIND.fullmatch(name)
        if group is None:
            return [indexer for indexer in [self._indexers[name]] if indexer.configured]
        return [indexer for indexer in self._indexers.configured() if name == "all" or _has(indexer, *group.groups())]

    def answer(self, request: Request, name: str) -> Answer:
        if request.query("apikey", exact=True) != self._config["APIKey"]:
            return Answer(401)
        chosen = self.chosen(name)
        if not chosen and name != "all":
            return text("Indexer is not configured", 404)
        trackers = [tracker.lower() for tracker in request.queries("tracker", "tracker[]")]
        found, told = [], []
        for indexer in chosen:
            if trackers and indexer.id not in trackers:
                continue
            begun, error, films = time.monotonic(), None, []
            try:
                films = [Found(indexer, film) for film in self._indexers.find(indexer, request.query("query"))]
            except Unreachable as failure:
                error = failure.chain(indexer.id)
            found += films
            told.append(
                {
                    **{"ID": indexer.id, "Name": indexer.name, "Status": 1 if error else 2},
                    **{"Results": len(films), "Error": error},
                    "ElapsedTime": int((time.monotonic() - begun) * 1000),
                }
            )
        return given({"Results": [self._described(request, entry) for entry in found], "Indexers": told})

    def link(self, request: Request, kind: str, found: Found) -> str:
        """Return a link by Jackett, which contains the key."""
        root = self._config["BaseUrlOverride"] or f"http://{request.host}"
        root += self._config["BasePathOverride"] or ""
        token = self._protection.protect(PURPOSE, found.film.link.encode())
        key, file = quote_plus(self._config["APIKey"]), quote_plus(found.film.title)
        return f"{root}/{kind}/{found.indexer.id}/?jackett_apikey={key}&path={token}&file={file}"

    def download(self, request: Request, name: str) -> Answer:
        if request.query("jackett_apikey", exact=True) != self._config["APIKey"]:
            return Answer(401)
        torrent = self._fetched(request, name)
        if torrent is None:
            return Answer(404)
        # The file name in the header is not recorded.
        return Answer(200, torrent, "application/x-bittorrent")

    def blackhole(self, request: Request, name: str) -> Answer:
        """Write the torrent in place; the name is time, indexer and title (recorded)."""
        if request.query("jackett_apikey", exact=True) != self._config["APIKey"]:
            return Answer(401)
        torrent = self._fetched(request, name)
        folder = self._config["BlackholeDir"]
        if torrent is None or not folder or not Path(folder).is_dir():
            # The response of a failure is not recorded.
            return given({"result": "error", "error": "Blackhole directory does not exist or the download failed"})
        ticks = TICKS_TO_1970 + time.time_ns() // 100
        title = re.sub(r"[/\0]", "_", request.query("file"))
        try:
            (Path(folder) / f"{ticks}-{self._indexers[name].name}-{title}.torrent").write_bytes(torrent)
        except OSError as error:
            return given({"result": "error", "error": error.strerror})
        return given({"result": "success"})

    def _fetched(self, request: Request, name: str) -> bytes | None:
        if not self._indexers[name].configured:
            raise Failure(NO_HANDLER)
        try:
            raw = site.fetch(self._protection.unprotect(PURPOSE, request.query("path")).decode())
        except (Unknown, Unreachable, urllib.error.HTTPError) as error:
            self._log(f"Error Error downloading. indexer: {name} path: {request.query('path')} {error}")
            return None
        return raw if site.is_torrent(raw) else None

    def _described(self, request: Request, found: Found) -> dict[str, Any]:
        known, film = found.indexer.definition, found.film
        category, category_name = known.categories[0]
        return {
            "FirstSeen": "0001-01-01T00:00:00",
            "Tracker": known.name,
            "TrackerId": known.id,
            "TrackerType": known.type,
            "CategoryDesc": category_name,
            "BlackholeLink": self.link(request, "bh", found) if self._config["BlackholeDir"] else None,
            "Title": film.title,
            "Guid": film.link,
            "Link": self.link(request, "dl", found),
            "Details": film.link.removesuffix(".torrent"),
            "PublishDate": datetime.now(UTC).isoformat(timespec="seconds"),
            "Category": [category],
            "Size": film.size,
            **dict.fromkeys(UNKNOWN_OF_A_FILM),
            "Languages": [],
            "Subs": [],
            **dict.fromkeys(UNKNOWN_OF_A_BOOK),
            "Seeders": film.seeders,
            "Peers": film.seeders,
            **dict.fromkeys(("Poster", "InfoHash", "MagnetUri", "MinimumRatio", "MinimumSeedTime")),
            "DownloadVolumeFactor": 0.0,
            "UploadVolumeFactor": 1.0,
            "Gain": film.seeders * film.size / 2**30,
        }


def _has(indexer: Indexer, kind: str, value: str) -> bool:
    if kind == "type":
        return indexer.definition.type == value
    if kind == "lang":
        return indexer.definition.language.startswith(value)
    return value in indexer.values["tags"].split(",")
