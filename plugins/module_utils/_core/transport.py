# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The only place that opens a URL: status and bytes. Tests replace it."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import typing as t
import urllib.parse
from dataclasses import dataclass, field

from .errors import ProtocolError, TooLong, Unreachable, reason
from .sockets import bound

# More than any answer of our services.
MAX_BYTES = 32 * 1024 * 1024
# Later than the socket's own timeout, which is for each piece and names the cause.
GRACE_S = 1.0
CUT = "the connection was cut in the middle of the answer"


@dataclass(frozen=True)
class Response:
    """An answer of whatever status; the header names are in small letters."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Http(t.Protocol):
    """What a client needs of a transport."""

    def request(
        self, method: str, url: str, *, headers: dict[str, str], body: bytes | None, timeout: float
    ) -> Response:
        """Send one request; raise Unreachable or ProtocolError when there is no usable answer."""


class _BoundConnection(http.client.HTTPConnection):
    """A connection that leaves this host by one interface or not at all."""

    def __init__(self, host: str, port: int | None, *, device: str, timeout: float) -> None:
        super().__init__(host, port, timeout=timeout)
        self._device = device

    def connect(self) -> None:
        # Kept first, so that it is closed with the connection whatever comes.
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        bound(self.sock, self._device)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.connect((self.host, self.port))


class UrlHttp:
    """The real transport. No redirects and no proxy: credentials go to the host that was named only.

    ``device``: the interface by which requests leave this host (http only, IPv4). Without it they would follow the
    default route, and any host of the LAN that has taken the address would be given the credentials.

    Not on ansible.module_utils.urls, which loads the system's certificates at every call, for plain HTTP too: 50 ms of
    computing against 1, on a fast machine.
    """

    def __init__(self, *, device: str = "", max_bytes: int = MAX_BYTES) -> None:
        self._device = device
        self._max_bytes = max_bytes

    def request(
        self, method: str, url: str, *, headers: dict[str, str], body: bytes | None, timeout: float
    ) -> Response:
        try:
            line, path = self._connection(url, timeout)
        except ValueError as error:
            raise ProtocolError(f"{url}: {error}") from error
        late = threading.Event()
        made: list[socket.socket] = []

        def end() -> None:
            # Ends an answer that arrives byte by byte.
            late.set()
            # http.client forgets its socket before the end of an answer without a length.
            for one in made or [line.sock]:
                with contextlib.suppress(OSError, AttributeError):  # closed, or not made yet
                    one.shutdown(socket.SHUT_RDWR)

        watchdog = threading.Timer(timeout + GRACE_S, end)
        watchdog.daemon = True
        watchdog.start()
        try:
            line.connect()
            made.append(line.sock)
            line.request(method, path, body, headers)
            response = self._read(url, line.getresponse())
            if late.is_set():  # an answer that the watchdog cut may look complete
                raise TimeoutError
            return response
        except ConnectionRefusedError as error:
            raise Unreachable(f"{url}: {reason(error)}", refused=True) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            if late.is_set():
                raise Unreachable(f"{url}: no whole answer in {timeout:g} s") from error
            if isinstance(error, ValueError):
                raise ProtocolError(f"{url}: {error}") from error
            what = "no answer in time" if isinstance(error, TimeoutError) else reason(error)
            raise Unreachable(f"{url}: {what or type(error).__name__}") from error
        finally:
            watchdog.cancel()
            line.close()

    def _connection(self, url: str, timeout: float) -> tuple[http.client.HTTPConnection, str]:
        """Return a connection that is not made yet, and what to ask of it. Raises ValueError for an invalid address."""
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("not an address of the form http://host:port/path")
        path = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
        if self._device:
            if parts.scheme != "http":
                raise ValueError("by a named interface, only http:// is possible")
            return _BoundConnection(parts.hostname, parts.port, device=self._device, timeout=timeout), path
        if parts.scheme == "https":
            import ssl  # noqa: PLC0415  (0.8 MB, which a program that asks the host's own containers never needs)

            context = ssl.create_default_context()
            return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout, context=context), path
        return http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout), path

    def _read(self, url: str, answer: http.client.HTTPResponse) -> Response:
        int(answer.headers.get("Content-Length") or 0)  # http.client lets nonsense pass
        try:
            body = answer.read(self._max_bytes + 1)
        except http.client.IncompleteRead as error:
            raise ConnectionResetError(CUT) from error
        if len(body) > self._max_bytes:
            raise TooLong(f"{url}: the answer is longer than {self._max_bytes} bytes")
        if answer.length:  # what was announced and has not come
            raise ConnectionResetError(CUT)
        return Response(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)
