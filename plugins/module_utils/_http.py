# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The only place that opens a URL. Status and bytes, no meaning; tests replace it."""

from __future__ import annotations

import http.client
import socket
import time
import typing as t
import urllib.error
from dataclasses import dataclass, field

from ansible.module_utils.urls import open_url
from ansible_collections.household.mediaserver.plugins.module_utils._errors import ProtocolError, Unreachable

# More than any of our services has to say.
MAX_BYTES = 32 * 1024 * 1024
PIECE = 64 * 1024


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
    """The real transport. No redirects and no proxy: credentials go to the host that was named only."""

    def request(
        self, method: str, url: str, *, headers: dict[str, str], body: bytes | None, timeout: float
    ) -> Response:
        deadline = time.monotonic() + timeout
        try:
            try:
                answer = open_url(
                    url,
                    data=body,
                    headers=headers,
                    method=method,
                    timeout=timeout,
                    use_proxy=False,
                    follow_redirects="none",
                    decompress=False,
                    # Loading all of the system's certificates costs a Pi more than the call itself.
                    validate_certs=url.startswith("https:"),
                )
            except urllib.error.HTTPError as error:
                answer = error
            return _read(answer, deadline)
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            refused = isinstance(reason, (ConnectionRefusedError, FileNotFoundError))
            what = "no answer in time" if isinstance(reason, (socket.timeout, TimeoutError)) else str(reason)
            raise Unreachable(f"{url}: {what or type(reason).__name__}", refused=refused) from error
        except ValueError as error:
            raise ProtocolError(f"{url}: {error}") from error


def _read(answer: t.Any, deadline: float) -> Response:
    body = bytearray()
    # The socket's own limit is for each piece: one byte now and then would hold us for ever.
    while piece := answer.read1(PIECE):
        body += piece
        if len(body) > MAX_BYTES:
            raise ProtocolError(f"{answer.geturl()}: the answer is longer than {MAX_BYTES} bytes")
        if time.monotonic() > deadline:
            raise TimeoutError
    if len(body) < int(answer.headers.get("Content-Length") or 0):
        raise Unreachable(f"{answer.geturl()}: the connection was cut in the middle of the answer")
    return Response(answer.code, {name.lower(): value for name, value in answer.headers.items()}, bytes(body))
