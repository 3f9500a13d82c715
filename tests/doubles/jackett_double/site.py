# SPDX-License-Identifier: GPL-3.0-or-later
"""The site of an indexer: a JSON list of films in place of web pages. No request goes to a real site."""

from __future__ import annotations

import errno
import ipaddress
import json
import os
import socket
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

TIMEOUT_S = 10


class Unreachable(Exception):
    """No connection to the site."""

    def __init__(self, url: str, number: int) -> None:
        parts = urlsplit(url)
        self.number = number
        self.words = os.strerror(number)
        self.place = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
        super().__init__(f"{self.words} ({self.place})")

    def chain(self, indexer: str) -> str:
        """Return the text with which the server shows the whole exception."""
        return (
            f"Jackett.Common.IndexerException: Exception ({indexer}): {self.words}\n"
            f" ---> System.Net.Http.HttpRequestException: {self}\n"
            f" ---> System.Net.Sockets.SocketException ({self.number}): {self.words}\n"
        )


@dataclass(frozen=True)
class Film:
    title: str
    link: str
    size: int
    seeders: int


def films(url: str, words: str) -> list[Film]:
    """Search the list at this URL. A site that answers with an error has no results (recorded).

    Raises Unreachable.
    """
    try:
        listed = json.loads(fetch(url))
    except (urllib.error.HTTPError, ValueError):
        return []
    wanted = words.casefold().split()
    found = [_film(url, entry) for entry in listed if isinstance(entry, dict) and "title" in entry]
    return [film for film in found if all(word in film.title.casefold() for word in wanted)]


def fetch(url: str) -> bytes:
    """Send a GET request. Raises Unreachable, and HTTPError for an error status."""
    if not _is_of_the_tests(url):
        # As without network: the name does not resolve.
        raise Unreachable(url, errno.EAGAIN)
    # Without the proxies of the environment.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=TIMEOUT_S) as answer:
            body: bytes = answer.read()
            return body
    except urllib.error.HTTPError:
        raise
    except urllib.error.URLError as error:
        reason = error.reason
        known = isinstance(reason, OSError) and not isinstance(reason, socket.gaierror) and reason.errno
        raise Unreachable(url, known or errno.EAGAIN) from None
    except OSError as error:
        raise Unreachable(url, error.errno or errno.ETIMEDOUT) from None


def _is_of_the_tests(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if "." not in host or host.endswith((".test", ".example", ".internal")):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _film(url: str, entry: dict[str, Any]) -> Film:
    link = urljoin(url, str(entry.get("torrent", "")))
    return Film(str(entry["title"]), link, int(entry.get("size", 0)), int(entry.get("seeders", 0)))


def is_torrent(raw: bytes) -> bool:
    """Return whether it is a complete bencoded dictionary with the key info."""
    try:
        value, rest = _bencode(raw)
    except (ValueError, IndexError, RecursionError):
        return False
    return not rest and isinstance(value, dict) and isinstance(value.get(b"info"), dict)


def _bencode(raw: bytes) -> tuple[Any, bytes]:
    kind = raw[:1]
    if kind == b"i":
        number, _, rest = raw[1:].partition(b"e")
        return int(number), rest
    if kind in (b"l", b"d"):
        entries, rest = [], raw[1:]
        while rest[:1] != b"e":
            value, rest = _bencode(rest)
            entries.append(value)
        if kind == b"l":
            return entries, rest[1:]
        return dict(zip(entries[::2], entries[1::2], strict=True)), rest[1:]
    length, colon, rest = raw.partition(b":")
    if not colon or len(rest) < int(length):
        raise ValueError("cut off")
    return rest[: int(length)], rest[int(length) :]
