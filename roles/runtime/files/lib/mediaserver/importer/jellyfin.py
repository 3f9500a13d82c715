# SPDX-License-Identifier: GPL-3.0-or-later
"""Jellyfin as the import sees it: it is given paths, and asked which of them it lists."""

from __future__ import annotations

import contextlib
import socket
import time
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from mediaserver._core.clock import Clock
from mediaserver._core.errors import Unreachable
from mediaserver._core.transport import Http, Response, UrlHttp
from mediaserver._jellyfin.client import JellyfinAccessDenied, JellyfinClient, expect_list, expect_object
from mediaserver._jellyfin.health import HEALTHY, start_phase
from mediaserver.importer.settings import CONTAINER_MEDIA

CLIENT, DEVICE_ID = "household.mediaserver import", "household-mediaserver-import"
# Short, because other entries wait meanwhile.
TIMEOUT_S = 5.0
# The ids of one request: an id takes 33 bytes of the URL.
IDS, PATHS = 100, 500
SCAN = "RefreshLibrary"
# Types of items that are files.
FILES = "Movie,Episode,Audio,AudioBook,Book,MusicVideo,Video"


@dataclass
class Jellyfin:
    """The server."""

    client: JellyfinClient

    @classmethod
    def connect(cls, url: str, key: str, *, http: Http | None = None, clock: Clock = time) -> Jellyfin:
        found = http or OwnHttp(url)
        made = JellyfinClient(found, url, client=CLIENT, device_id=DEVICE_ID, clock=clock, token=key, timeout=TIMEOUT_S)
        return cls(made)

    def inform(self, paths: Iterable[str], *, change: str = "Created") -> None:
        """Give it paths, relative to the media root. It answers with success even to what it will not read."""
        for some in _chunks(sorted(set(paths)), PATHS):
            updates = [{"Path": f"{CONTAINER_MEDIA}/{path}", "UpdateType": change} for path in some]
            self._sure(partial(self.client.post, "/Library/Media/Updated", {"Updates": updates}))

    def listed(self, ids: Sequence[str]) -> set[str]:
        """Return the paths, relative to the media root, of the items with these ids, and of their versions."""
        found: set[str] = set()
        for some in _chunks(sorted(set(ids)), IDS):
            query = {"ids": ",".join(some), "fields": "Path,MediaSources"}
            answer = self._sure(partial(self.client.get, "/Items", query=query))
            items = expect_list(expect_object(answer, "GET /Items").get("Items"), "GET /Items")
            wanted = set(some)
            for item in items:
                # Without a readable id Jellyfin lists its root folders, so what was not asked for does not count.
                if str(item.get("Id", "")).replace("-", "").lower() in wanted:
                    found.update(_paths(item))
        return {path.removeprefix(f"{CONTAINER_MEDIA}/") for path in found}

    def all_files(self) -> set[str]:
        """Return the files of the library that it lists, relative to the media root."""
        query = {"recursive": "true", "fields": "Path,MediaSources", "includeItemTypes": FILES}
        answer = self._sure(partial(self.client.get, "/Items", query=query))
        items = expect_list(expect_object(answer, "GET /Items").get("Items"), "GET /Items")
        inside = f"{CONTAINER_MEDIA}/"
        return {path.removeprefix(inside) for item in items for path in _paths(item) if path.startswith(inside)}

    def is_idle(self) -> bool:
        """Say whether no scan of the libraries runs: news are lost while one does."""
        tasks = expect_list(self._sure(partial(self.client.get, "/ScheduledTasks")), "GET /ScheduledTasks")
        return all(task.get("State") == "Idle" for task in tasks if task.get("Key") == SCAN)

    def _sure(self, call: Callable[[], Any]) -> Any:
        """Return the answer. A server that is not healthy yet may refuse a valid key, which is no refusal."""
        try:
            return call()
        except JellyfinAccessDenied as error:
            phase = start_phase(self.client.get_health, self.client.url)[0]
            if phase != HEALTHY:
                raise Unreachable(f"{self.client.url}: it is starting ({phase})") from error
            raise


def _paths(item: dict[str, Any]) -> Iterator[str]:
    yield str(item.get("Path") or "")
    for source in item.get("MediaSources") or ():
        if isinstance(source, dict):
            yield str(source.get("Path") or "")


def _chunks(values: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


@dataclass(frozen=True)
class OwnHttp:
    """The transport to the port that Jellyfin's container publishes on this host, and to no other host.

    ``url`` has an address of this host, or the API key would go to another one. It is checked at each request, because
    a run publishes also while the host does not have its address.
    """

    url: str

    def request(
        self, method: str, url: str, *, headers: dict[str, str], body: bytes | None, timeout: float
    ) -> Response:
        """Raises Unreachable when the address is not this host's."""
        host = urllib.parse.urlsplit(self.url).hostname or ""
        if host.startswith("127."):
            return UrlHttp(device="lo").request(method, url, headers=headers, body=body, timeout=timeout)
        with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
            try:
                probe.bind((host, 0))
            except OSError as error:
                raise Unreachable(f"{self.url}: {host} is not an address of this host now", refused=True) from error
        return UrlHttp().request(method, url, headers=headers, body=body, timeout=timeout)
