# SPDX-License-Identifier: GPL-3.0-or-later
"""The port that the provider forwards on request (NAT-PMP): had, kept, opened in the tunnel, told to Transmission.

A lease lies in /run as long as it lasts; the inner barrier opens the port of a lease that has not ended, and of no
other one. Times are seconds since boot.
"""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mediaserver import files, natpmp

LEASE = Path("/run/mediaserver/forwarded.json")
RETRY_S = 20.0
# Two seconds at the most: whoever waits here watches nothing meanwhile.
TRIES = 3
RPC_TIMEOUT_S = 10.0
SESSION = "X-Transmission-Session-Id"


def leased_port(path: Path = LEASE) -> int:
    """Return the port that is forwarded at the moment; 0 for none, or when the lease cannot be read."""
    try:
        port = int(json.loads(files.read(path) or "{}").get("port", 0))
    except (ValueError, TypeError, AttributeError):
        return 0
    return port if 0 < port < 65536 else 0


class Transmission:
    """Transmission's RPC, as much of it as a port takes (rpc-spec, version 17). Asked from the host."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._url = url
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {pair}"}

    @classmethod
    def from_file(cls, path: Path) -> Transmission:
        """Raises OSError, ValueError, KeyError for a file that is not there or says something else."""
        found = json.loads(path.read_text(encoding="utf-8"))
        return cls(found["url"], found["user"], found["password"])

    def peer_port(self) -> int:
        return int(self._ask("session-get", {"fields": ["peer-port"]})["peer-port"])

    def set_peer_port(self, port: int) -> None:
        self._ask("session-set", {"peer-port": port})

    def announce(self) -> None:
        """Have it ask the trackers of all torrents for peers now, as far as these allow it."""
        self._ask("torrent-reannounce", {})

    def _ask(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Raises OSError (its subclass HTTPError too), ValueError."""
        # Here, because it takes memory, and most households ask for no port.
        import urllib.error  # noqa: PLC0415
        import urllib.request  # noqa: PLC0415

        body = json.dumps({"method": method, "arguments": arguments}).encode()
        for last in (False, True):
            request = urllib.request.Request(self._url, body, self._headers)
            try:
                with urllib.request.urlopen(request, timeout=RPC_TIMEOUT_S) as answer:
                    told = json.load(answer)
            except urllib.error.HTTPError as error:
                if error.code != 409 or last:
                    raise
                self._headers[SESSION] = error.headers[SESSION]
                continue
            if told.get("result") != "success":
                raise ValueError(f"Transmission answers {told.get('result')!r} to {method}")
            return dict(told.get("arguments", {}))
        raise ValueError("Transmission asks for a session id again and again")


@dataclass
class Forwarding:
    """Keeps one lease. ``changed`` brings the barrier in line with it."""

    server: str
    never: tuple[int, ...]
    transmission: Callable[[], Transmission]
    changed: Callable[[], object]
    path: Path = LEASE
    port: int = 0
    _until: float = 0.0
    _again: float = field(default=0.0)

    def tend(self, make: Callable[[], socket.socket], now: float) -> str | None:
        """Ask when it is time, over a socket in the tunnel that ``make`` makes; return what there is to say.

        Raises NatPmpError, OSError, ValueError, KeyError; it is tried again after a while.
        """
        if now < self._again:
            return None
        self._again = now + RETRY_S
        try:
            with make() as line:
                mapping = natpmp.map_port(
                    lambda request: natpmp.udp_exchange(line, self.server, request, tries=TRIES),
                    self.port or natpmp.ANY_PORT,
                    never=self.never,
                )
        except (natpmp.NatPmpError, OSError):
            self.expire(now)
            raise
        said = None
        self._until = now + mapping.lifetime
        if mapping.port != self.port or leased_port(self.path) != mapping.port:
            self.port = mapping.port
            files.write(self.path, json.dumps({"port": self.port}) + "\n", mode=0o644)
            self.changed()
            said = f"the provider forwards port {self.port}"
        told = self.transmission()
        if told.peer_port() != self.port:
            told.set_peer_port(self.port)
        self._again = now + min(natpmp.REFRESH_S, mapping.lifetime * 0.75)
        return said

    def expire(self, now: float) -> str | None:
        """Close the port when its lease has ended, and say so."""
        if now < self._until or not leased_port(self.path):
            return None
        self.path.unlink(missing_ok=True)
        self.port = 0
        self.changed()
        return "the forwarded port is closed, because nobody prolongs it"
