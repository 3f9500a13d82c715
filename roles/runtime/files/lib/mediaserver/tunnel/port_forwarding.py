# SPDX-License-Identifier: GPL-3.0-or-later
"""The port that the provider forwards on request (NAT-PMP): leased, renewed, opened in the tunnel, set in Transmission.

A lease lies in /run as long as it lasts; the inner barrier opens the port of a lease that has not ended, and of no
other one. Times are seconds since boot.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from mediaserver._core import clock, files
from mediaserver._core.errors import NatPmpError
from mediaserver._core.names import LEASE
from mediaserver.tunnel import natpmp

RETRY_S = 20.0
# Two seconds a protocol at the most, because vpn-monitor observes nothing meanwhile.
TRIES = 3
UNKNOWN = -1
PEER_PORT = "peer-port"


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


class PeerPort(Protocol):
    """What a port takes of Transmission's client."""

    def session_get(self) -> dict[str, Any]: ...

    def session_set(self, values: dict[str, Any], /) -> None: ...


def _ask_provider(line: socket.socket, server: str, request: bytes) -> bytes:
    return natpmp.udp_exchange(line, server, request, attempts=TRIES)


@dataclass
class Forwarding:
    """Keeps one lease. ``changed`` brings the barrier in line with it."""

    server: str
    never: tuple[int, ...]
    transmission: Callable[[], PeerPort]
    changed: Callable[[], object]
    path: Path = LEASE
    exchange: Callable[[socket.socket, str, bytes], bytes] = _ask_provider
    has_transmission: bool = True  # else the port is set nowhere
    port: int = 0
    settled: bool = False  # the last thing asked for came to its end
    _applied: int = 0  # the port that the barrier is known to have open
    _until: float = 0.0
    _again: float = 0.0

    def __post_init__(self) -> None:
        # The lease of an earlier process: it counts until its end, and the same port is requested again.
        self.port, self._until = lease(self.path)

    def refresh(self, make: Callable[[], socket.socket], now: float) -> str | None:
        """Renew the lease when it is due, over a socket in the tunnel that ``make`` returns; return news for the log.

        Raises NatPmpError, OSError, MediaserverError, and what ``changed`` raises; it is tried again after a while.
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
        except (NatPmpError, OSError):
            self.expire(now)
            raise
        said = None
        self._until = now + mapping.lifetime
        self.port = mapping.port
        if leased_port(self.path, now) != self.port:
            self._applied = self._applied and UNKNOWN  # another program may have written the barrier without this lease
        files.write(self.path, json.dumps({"port": self.port, "until": self._until}) + "\n", mode=0o644)
        if self._applied != self.port:
            self.changed()
            self._applied = self.port
            said = f"the provider forwards port {self.port}"
        if self.has_transmission:
            daemon = self.transmission()
            if daemon.session_get().get(PEER_PORT) != self.port:
                daemon.session_set({PEER_PORT: self.port})
        self.settled = True
        self._again = now + min(natpmp.REFRESH_S, mapping.lifetime * 0.75)
        return said

    def expire(self, now: float) -> str | None:
        """Close the port when its lease has ended; return news for the log. Raises what ``changed`` raises."""
        if now < self._until or (not self._applied and not self.path.exists()):
            return None
        # Noted first, so that a failure on the way is not taken for the end of it.
        self._applied, self.port = self._applied or UNKNOWN, 0
        self.path.unlink(missing_ok=True)
        self.changed()
        self._applied = 0
        return "the forwarded port is closed, because its lease has ended"
