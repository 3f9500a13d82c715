# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The only place that opens a URL. Status and bytes, no meaning; tests replace it."""

from __future__ import annotations

import http.client
import queue
import socket
import threading
import typing as t
import urllib.error
from dataclasses import dataclass, field

from ansible.module_utils.urls import open_url
from ansible_collections.household.mediaserver.plugins.module_utils._errors import ProtocolError, Unreachable

# More than any of our services has to say.
MAX_BYTES = 32 * 1024 * 1024
# So that a socket's own timeout, which knows more, comes first.
GRACE_S = 1.0


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

    `timeout` holds for the whole request: a socket's own begins anew with every byte.
    """

    def request(
        self, method: str, url: str, *, headers: dict[str, str], body: bytes | None, timeout: float
    ) -> Response:
        results: queue.Queue[Response | BaseException] = queue.Queue()

        def work() -> None:
            try:
                results.put(self._request(method, url, headers, body, timeout))
            except BaseException as error:
                results.put(error)

        # Nobody waits for one that is late; it ends with its socket's timeout, or with the program.
        threading.Thread(target=work, daemon=True).start()
        try:
            result = results.get(timeout=timeout + GRACE_S)
        except queue.Empty:
            raise Unreachable(f"{url}: no whole answer in {timeout:g} s") from None
        if isinstance(result, BaseException):
            raise result
        return result

    def _request(self, method: str, url: str, headers: dict[str, str], body: bytes | None, timeout: float) -> Response:
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
                )
            except urllib.error.HTTPError as error:
                answer = error
            return _read(answer)
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            refused = isinstance(reason, (ConnectionRefusedError, FileNotFoundError))
            what = "no answer in time" if isinstance(reason, (socket.timeout, TimeoutError)) else str(reason)
            raise Unreachable(f"{url}: {what or type(reason).__name__}", refused=refused) from error
        except ValueError as error:
            raise ProtocolError(f"{url}: {error}") from error


def _read(answer: t.Any) -> Response:
    body = answer.read(MAX_BYTES + 1) or b""
    if len(body) > MAX_BYTES:
        raise ProtocolError(f"{answer.geturl()}: the answer is longer than {MAX_BYTES} bytes")
    if len(body) < int(answer.headers.get("Content-Length") or 0):
        raise Unreachable(f"{answer.geturl()}: the connection was cut in the middle of the answer")
    return Response(answer.code, {name.lower(): value for name, value in answer.headers.items()}, body)
