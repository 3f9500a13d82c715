# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets which answer: pure, but for the file of settings.

The form is that of Jellyfin 10.11 and 12.0: ``{"Address":…,"Id":…,"Name":…,"EndpointAddress":null}`` without blanks.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mediaserver._core import files
from mediaserver._core.errors import FileProblem, reason

SETTINGS = "discovery.json"
QUESTION = b"who is jellyfinserver?"
# More than any question; a longer one is none.
MAX_QUESTION = 256
ID = re.compile(r"[0-9a-f]{32}")
MAX_NAME = 256
# Answers in a row and each second: to one client, and to all together. A client asks a few times when it starts.
CLIENT_BURST, CLIENT_RATE = 5.0, 1.0
BURST, RATE = 40.0, 20.0
MAX_CLIENTS = 256


@dataclass(frozen=True)
class Settings:
    """What is answered to whom."""

    lan: tuple[ipaddress.IPv4Network, ...]
    url: str  # Jellyfin's, on this host
    address: str  # that clients get; empty: http, the address of this host that faces the client, and `suffix`
    suffix: str  # ":8096", followed by Jellyfin's base URL if it has one

    @classmethod
    def read(cls, root: Path) -> Settings:
        """Raises FileProblem."""
        path = root / SETTINGS
        try:
            found = json.loads(files.read(path) or "")
            lan = tuple(ipaddress.IPv4Network(one) for one in found["lan"])
            return cls(lan, str(found["url"]), str(found["address"]), str(found["suffix"]))
        except OSError as error:
            raise FileProblem(f"{path} cannot be read: {reason(error)}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise FileProblem(f"{path} does not exist or is damaged; run the playbook again") from error


@dataclass(frozen=True)
class Identity:
    """The server's id and name, as Jellyfin itself says them."""

    id: str
    name: str


def identity(info: object) -> Identity | None:
    """Return the identity in an answer of /System/Info/Public; None for that of a server that still starts.

    While Jellyfin starts or migrates, a temporary server answers in its place, with keys in camelCase.
    """
    if not isinstance(info, Mapping):
        return None
    found, name = info.get("Id"), info.get("ServerName")
    if not isinstance(found, str) or not ID.fullmatch(found) or not isinstance(name, str):
        return None
    return Identity(found, name[:MAX_NAME])


def is_question(packet: bytes) -> bool:
    return len(packet) <= MAX_QUESTION and QUESTION in packet.lower()


def is_in_lan(client: str, settings: Settings) -> bool:
    try:
        address = ipaddress.IPv4Address(client)
    except ValueError:
        return False
    special = address.is_multicast or address.is_unspecified or int(address) == 0xFFFFFFFF
    return not special and any(address in network for network in settings.lan)


def address(settings: Settings, own: str) -> str:
    """Return the address that a client gets; ``own`` is the address of this host that faces it."""
    return settings.address or f"http://{own}{settings.suffix}"


def answer(found: Identity, where: str) -> bytes:
    data: dict[str, Any] = {"Address": where, "Id": found.id, "Name": found.name, "EndpointAddress": None}
    return json.dumps(data, separators=(",", ":")).encode()


@dataclass
class Bucket:
    """Answers that may still be sent."""

    left: float
    at: float

    def take(self, now: float, burst: float, rate: float) -> bool:
        self.left, self.at = min(burst, self.left + max(0.0, now - self.at) * rate), now
        if self.left < 1:
            return False
        self.left -= 1
        return True


@dataclass
class Limiter:
    """Bounds the answers to each client, and to all. A false sender address cannot make this host flood a client."""

    clients: dict[str, Bucket] = field(default_factory=dict)
    all: Bucket = field(default_factory=lambda: Bucket(BURST, 0.0))

    def permits(self, client: str, now: float) -> bool:
        # The client that has asked last is at the end.
        bucket = self.clients.pop(client, None) or Bucket(CLIENT_BURST, now)
        self.clients[client] = bucket
        while len(self.clients) > MAX_CLIENTS:
            del self.clients[next(iter(self.clients))]
        return bucket.take(now, CLIENT_BURST, CLIENT_RATE) and self.all.take(now, BURST, RATE)
