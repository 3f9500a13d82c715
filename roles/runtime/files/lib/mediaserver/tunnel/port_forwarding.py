# SPDX-License-Identifier: GPL-3.0-or-later
"""The port that the provider forwards on request (NAT-PMP): had, kept, opened in the tunnel, told to Transmission.

A lease lies in /run as long as it lasts; the inner barrier opens the port of a lease that has not ended, and of no
other one. Times are seconds since boot.
"""

from __future__ import annotations

import base64
import json
import socket
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mediaserver import clock, files
from mediaserver.firewall.barrier import BRIDGE
from mediaserver.tunnel import natpmp

LEASE = Path("/run/mediaserver/forwarded.json")
RETRY_S = 20.0
# Two seconds a protocol at the most: whoever waits here watches nothing meanwhile.
TRIES = 3
RPC_TIMEOUT_S = 5.0
LONGEST_ANSWER = 1 << 20
UNKNOWN = -1
# Downloading and seeding, or in the queue for it (rpc-spec, section 3.3).
WANTING_PEERS, DOWNLOADING = (3, 4, 5, 6), 4
SESSION = "X-Transmission-Session-Id"


def lease(path: Path = LEASE) -> tuple[int, float]:
    """Return the port that was leased last and the end of its lease; zeros for none, or one that cannot be read."""
    try:
        found = json.loads(files.read(path) or "{}")
        port, until = int(found.get("port", 0)), float(found.get("until", 0))
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return 0, 0.0
    return (port, until) if 0 < port < 65536 else (0, 0.0)


def leased_port(path: Path = LEASE, now: float | None = None) -> int:
    """Return the port that is forwarded at the moment, 0 for none."""
    port, until = lease(path)
    return port if (clock.now() if now is None else now) < until else 0


class TransmissionError(ValueError):
    """Transmission refuses, or what answers in its place is not Transmission."""


class Transmission:
    """Transmission's RPC, as much of it as a port takes (rpc-spec, version 17). Asked from the host.

    What answers there lives in the VPN namespace and may be hostile: it is never followed to another address, and never
    waited for without an end. Packets leave this host by ``device`` or not at all: without the bridge they would follow
    the default route, and any host of the LAN that has taken the address would be given the password.
    """

    def __init__(self, url: str, user: str, password: str, *, device: str) -> None:
        self._where = urllib.parse.urlsplit(url)
        self._device = device
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {pair}"}

    @classmethod
    def from_file(cls, path: Path) -> Transmission:
        """Raises OSError, ValueError, KeyError for a file that is not there or says something else."""
        found = json.loads(path.read_text(encoding="utf-8"))
        return cls(found["url"], found["user"], found["password"], device=BRIDGE)

    def peer_port(self) -> int:
        found = self._ask("session-get", {"fields": ["peer-port"]}).get("peer-port")
        return found if isinstance(found, int) else 0

    def set_peer_port(self, port: int) -> None:
        self._ask("session-set", {"peer-port": port})

    def announce(self) -> None:
        """Have it ask the trackers of all torrents for peers now, as far as these allow it."""
        self._ask("torrent-reannounce", {})

    def received(self) -> dict[int, int]:
        """Return the bytes that each torrent which is still downloading has received so far, by its id."""
        torrents = self._ask("torrent-get", {"fields": ["id", "status", "downloadedEver"]}).get("torrents", [])
        return {one["id"]: one["downloadedEver"] for one in torrents if one["status"] == DOWNLOADING}

    def is_deserted(self, before: Mapping[int, int]) -> bool:
        """Say whether nobody is connected who should be: no tracker has answered, or one knows seeds for a download.

        Or somebody seems to be, and none of the downloads has got a byte more than ``received`` said before: these are
        connections from before the tunnel was away, and TCP may take two minutes to try them again.
        """
        fields = ["id", "status", "downloadedEver", "peersConnected", "trackerStats"]
        torrents = self._ask("torrent-get", {"fields": fields}).get("torrents", [])
        wanting = [one for one in torrents if one["status"] in WANTING_PEERS and one["trackerStats"]]
        downloads = [one for one in wanting if one["status"] == DOWNLOADING]
        if any(one["peersConnected"] for one in wanting):
            return bool(downloads) and {one["id"]: one["downloadedEver"] for one in downloads} == before
        answered = any(tracker["lastAnnounceSucceeded"] for one in wanting for tracker in one["trackerStats"])
        known = any(tracker["seederCount"] > 0 for one in downloads for tracker in one["trackerStats"])
        return bool(wanting) and (not answered or known)

    def _ask(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Raises OSError, TransmissionError."""
        body = json.dumps({"method": method, "arguments": arguments}).encode()
        status, session, text = self._post(body)
        if status == 409 and session:
            self._headers[SESSION] = session
            status, _unused, text = self._post(body)
        if status != 200:
            raise TransmissionError(f"Transmission answers {method} with status {status}")
        try:
            told = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise TransmissionError(f"what answers {method} in Transmission's place is not Transmission") from error
        if not isinstance(told, dict) or told.get("result") != "success":
            raise TransmissionError(f"Transmission does not say success to {method}")
        found = told.get("arguments")
        return found if isinstance(found, dict) else {}

    def _post(self, body: bytes) -> tuple[int, str | None, bytes]:
        # Here, because it takes memory, and many households never need it. No proxy, no redirect.
        import http.client  # noqa: PLC0415

        host, port = self._where.hostname or "", self._where.port or 80
        line = http.client.HTTPConnection(host, port, timeout=RPC_TIMEOUT_S)
        try:
            line.sock = self._connect(host, port)
            line.request("POST", self._where.path, body, self._headers)
            answer = line.getresponse()
            return answer.status, answer.headers.get(SESSION), answer.read(LONGEST_ANSWER)
        except http.client.HTTPException as error:
            raise TransmissionError(f"what answers in Transmission's place does not speak HTTP: {error!r}") from error
        finally:
            line.close()

    def _connect(self, host: str, port: int) -> socket.socket:
        line = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            line.settimeout(RPC_TIMEOUT_S)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self._device.encode())
            line.connect((host, port))
        except OSError:
            line.close()
            raise
        return line


def _ask_provider(line: socket.socket, server: str, request: bytes) -> bytes:
    return natpmp.udp_exchange(line, server, request, tries=TRIES)


@dataclass
class Forwarding:
    """Keeps one lease. ``changed`` brings the barrier in line with it."""

    server: str
    never: tuple[int, ...]
    transmission: Callable[[], Transmission]
    changed: Callable[[], object]
    path: Path = LEASE
    exchange: Callable[[socket.socket, str, bytes], bytes] = _ask_provider
    has_transmission: bool = True  # else nobody is told the port
    port: int = 0
    settled: bool = False  # the last thing asked for came to its end
    _applied: int = 0  # the port that the barrier is known to have open
    _until: float = 0.0
    _again: float = 0.0

    def __post_init__(self) -> None:
        # What an earlier process had: it counts until its end, and the same port is asked for again.
        self.port, self._until = lease(self.path)

    def tend(self, make: Callable[[], socket.socket], now: float) -> str | None:
        """Ask when it is time, over a socket in the tunnel that ``make`` makes; return what there is to say.

        Raises NatPmpError, OSError, ValueError, KeyError, and what ``changed`` raises; it is tried again after a while.
        """
        if now < self._again:
            return self.expire(now)
        self._again, self.settled = now + RETRY_S, False
        try:
            with make() as line:
                mapping = natpmp.map_port(
                    lambda request: self.exchange(line, self.server, request),
                    self.port or natpmp.ANY_PORT,
                    never=self.never,
                )
        except (natpmp.NatPmpError, OSError):
            self.expire(now)
            raise
        said = None
        self._until = now + mapping.lifetime
        self.port = mapping.port
        if leased_port(self.path, now) != self.port:
            self._applied = self._applied and UNKNOWN  # whoever wrote the barrier meanwhile found no such lease
        files.write(self.path, json.dumps({"port": self.port, "until": self._until}) + "\n", mode=0o644)
        if self._applied != self.port:
            self.changed()
            self._applied = self.port
            said = f"the provider forwards port {self.port}"
        if self.has_transmission:
            told = self.transmission()
            if told.peer_port() != self.port:
                told.set_peer_port(self.port)
        self.settled = True
        self._again = now + min(natpmp.REFRESH_S, mapping.lifetime * 0.75)
        return said

    def expire(self, now: float) -> str | None:
        """Close the port when its lease has ended, and say so. Raises what ``changed`` raises; it is tried again."""
        if now < self._until or (not self._applied and not self.path.exists()):
            return None
        # Noted first, so that a failure on the way is not taken for the end of it.
        self._applied, self.port = self._applied or UNKNOWN, 0
        self.path.unlink(missing_ok=True)
        self.changed()
        self._applied = 0
        return "the forwarded port is closed, because nobody prolongs it"
