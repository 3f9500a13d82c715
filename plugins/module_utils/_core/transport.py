# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The only place that opens a URL. Status and bytes, no meaning; tests replace it."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import typing as t
import urllib.parse
from dataclasses import dataclass, field

from .errors import ProtocolError, Unreachable

# More than any of our services has to say.
MAX_BYTES = 32 * 1024 * 1024
# So that a socket's own timeout, which is for each piece and knows more, comes first.
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


class UrlHttp:
    """The real transport. No redirects and no proxy: credentials go to the host that was named only.

    Not on ansible.module_utils.urls, which loads the system's certificates at every call, for plain HTTP too: 50 ms of
    computing against 1, on a fast machine.
    """

    def request(
        self, method: str, url: str, *, headers: dict[str, str], body: bytes | None, timeout: float
    ) -> Response:
        try:
            line, path = self.connection(url, timeout)
        except ValueError as error:
            raise ProtocolError(f"{url}: {error}") from error
        late = threading.Event()

        def end() -> None:
            # One byte now and then would hold us for ever.
            late.set()
            if line.sock:
                line.sock.shutdown(socket.SHUT_RDWR)

        watchdog = threading.Timer(timeout + GRACE_S, end)
        watchdog.daemon = True
        watchdog.start()
        try:
            line.request(method, path, body, headers)
            response = _read(url, line.getresponse())
            if late.is_set():  # what was cut off by ourselves may look whole
                raise TimeoutError
            return response
        except ConnectionRefusedError as error:
            raise Unreachable(f"{url}: {error}", refused=True) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            if late.is_set():
                raise Unreachable(f"{url}: no whole answer in {timeout:g} s") from error
            if isinstance(error, ValueError):
                raise ProtocolError(f"{url}: {error}") from error
            what = "no answer in time" if isinstance(error, TimeoutError) else str(error)
            raise Unreachable(f"{url}: {what or type(error).__name__}") from error
        finally:
            watchdog.cancel()
            line.close()

    def connection(self, url: str, timeout: float) -> tuple[http.client.HTTPConnection, str]:
        """Return a connection that is not made yet, and what to ask of it. Raises ValueError for what is no address."""
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("not an address of the form http://host:port/path")
        path = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
        if parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout, context=context), path
        return http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout), path


def _read(url: str, answer: http.client.HTTPResponse) -> Response:
    int(answer.headers.get("Content-Length") or 0)  # http.client lets nonsense pass
    try:
        body = answer.read(MAX_BYTES + 1)
    except http.client.IncompleteRead as error:
        raise ConnectionResetError(CUT) from error
    if len(body) > MAX_BYTES:
        raise ProtocolError(f"{url}: the answer is longer than {MAX_BYTES} bytes")
    if answer.length:  # what was announced and has not come
        raise ConnectionResetError(CUT)
    return Response(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)
