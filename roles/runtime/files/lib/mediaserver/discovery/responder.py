# SPDX-License-Identifier: GPL-3.0-or-later
"""jellyfin-discovery: waits for questions on UDP 7359, and answers those of mediaserver_lan."""

from __future__ import annotations

import argparse
import errno
import json
import signal
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mediaserver import journal
from mediaserver._core.clock import now
from mediaserver._core.errors import FileProblem, MediaserverError, ProtocolError, reason
from mediaserver._core.transport import Http, UrlHttp
from mediaserver.discovery import answer as answers
from mediaserver.discovery.answer import Identity, Limiter, Settings

PORT = 7359
# Jellyfin is asked who it is: again after this time, and sooner when it gave no answer.
KNOWN_S, UNKNOWN_S, TIMEOUT_S = 60.0, 5.0, 2.0
MAX_INFO = 64 * 1024


@dataclass
class Responder:
    """Answers one packet at a time; keeps who Jellyfin is."""

    settings: Settings
    http: Http = field(default_factory=lambda: UrlHttp(max_bytes=MAX_INFO))
    limiter: Limiter = field(default_factory=Limiter)
    _known: Identity | None = None
    _until: float = 0.0
    _trouble: str = ""

    def respond(self, packet: bytes, client: str, at: float) -> bytes | None:
        """Return the answer to a packet; None for what gets none, as while Jellyfin does not run."""
        if not answers.is_question(packet) or not answers.is_in_lan(client, self.settings):
            return None
        if not self.limiter.permits(client, at):
            return None
        found = self._identity(at)
        own = "" if self.settings.address else own_address(client)
        return answers.answer(found, answers.address(self.settings, own)) if found else None

    def _identity(self, at: float) -> Identity | None:
        if at >= self._until:
            try:
                self._known, trouble = self._ask(), ""
            except MediaserverError as error:
                self._known, trouble = None, str(error)
            self._until = at + (KNOWN_S if self._known else UNKNOWN_S)
            if trouble != self._trouble:
                journal.info(f"no answers, because {trouble}" if trouble else "Jellyfin answers again")
            self._trouble = trouble
        return self._known

    def _ask(self) -> Identity:
        url = f"{self.settings.url}/System/Info/Public"
        response = self.http.request("GET", url, headers={"Accept": "application/json"}, body=None, timeout=TIMEOUT_S)
        try:
            found = answers.identity(json.loads(response.body)) if response.status == 200 else None
        except (ValueError, RecursionError):
            found = None
        if found is None:
            raise ProtocolError(f"{url}: status {response.status}, and no server that has started")
        return found


def own_address(client: str) -> str:
    """Return the address of this host from which packets to a client leave. Raises OSError without a route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.connect((client, PORT))  # sends nothing
        return str(line.getsockname()[0])


def serve(responder: Responder, line: socket.socket) -> None:
    """Answer forever."""
    while True:
        try:
            packet, (client, port) = line.recvfrom(answers.MAX_QUESTION + 1)
            found = responder.respond(packet, client, now())
            if found:
                line.sendto(found, (client, port))
        except OSError as error:  # no route to the client, or no memory: the next packet may do better
            if error.errno == errno.EBADF:
                raise
            journal.warning(f"a question was not answered: {reason(error)}")


def listen(port: int = PORT) -> socket.socket:
    """Return the socket that receives the broadcasts. Raises OSError."""
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        line.bind(("", port))
    except OSError:
        line.close()
        raise
    return line


def main(arguments: Sequence[str], *, root: Path, port: int = PORT) -> int:
    """Run until a signal. Returns 1 when it cannot run."""
    argparse.ArgumentParser(
        prog="jellyfin-discovery",
        description="Answers clients that search for Jellyfin. A service: systemctl status mediaserver-discovery",
    ).parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        responder = Responder(Settings.read(root))
        with listen(port) as line:
            serve(responder, line)
    except FileProblem as error:
        journal.error(f"jellyfin-discovery: {error}")
        return 1
    except OSError as error:
        journal.error(
            f"jellyfin-discovery: UDP port {port} cannot be used: {reason(error)}. Another Jellyfin on this host may"
            " use it; set upkeep_discovery: false then"
        )
        return 1
    except KeyboardInterrupt:
        pass
    return 0
