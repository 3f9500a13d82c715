# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""A client for Transmission's RPC, from 3.00 to 4.1, in the protocol that the daemon offers."""

from __future__ import annotations

import base64
import re
import typing as t

from .._core.clock import Clock
from .._core.errors import (
    AccessDenied,
    ProtocolError,
    RpcRefused,
    Unreachable,
)
from .._core.transport import Http, Response
from .protocol import (
    FIELDS,
    TORRENTS,
    VERSION_HEADER,
    Bespoke,
    Protocol,
    choose,
)

SESSION_HEADER = "X-Transmission-Session-Id"
# The id may change at any time, so a few changes in a row are not a fault.
MAX_HANDSHAKES = 3
PAUSE_S = 0.5
REQUEST_TIMEOUT_S = 10.0


class TransmissionClient:
    """One daemon at one address. ``timeout``: seconds for one request."""

    def __init__(
        self, http: Http, url: str, *, username: str = "", password: str = "", timeout: float = REQUEST_TIMEOUT_S
    ) -> None:
        self.http = http
        self.url = url
        self.timeout = timeout
        self.protocol: Protocol = Bespoke()
        self.headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if username or password:
            pair = base64.b64encode(f"{username}:{password}".encode()).decode()
            self.headers["Authorization"] = f"Basic {pair}"

    def session_get(self) -> dict[str, t.Any]:
        """Return everything that the daemon tells about its session: settings by our names, values as they came."""
        return self.call("session-get")

    def session_set(self, values: dict[str, t.Any]) -> None:
        """Change settings, in normal form. The daemon says success even to what it ignores, so read back."""
        self.call("session-set", values)

    def torrents(self, fields: t.Iterable[str], *, hashes: t.Iterable[str] = ()) -> list[dict[str, t.Any]]:
        """Return these fields of every torrent, or of those with these hashes; unknown hashes are not in the answer.

        Names are in camelCase, also asked of a daemon that has others.
        """
        only = list(hashes)
        found = self.call("torrent-get", {FIELDS: list(fields), **({"ids": only} if only else {})}).get(TORRENTS)
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise ProtocolError(f"{self.url}: torrent-get: the answer has no list of torrents")
        return found

    def reannounce(self) -> None:
        """Have the daemon ask the trackers of all torrents for peers now, as far as these allow it."""
        self.call("torrent-reannounce")

    def wait_for_session(self, *, timeout: float, clock: Clock) -> dict[str, t.Any]:
        """Return the session as soon as the daemon answers; any answer ends the wait."""
        deadline = clock.monotonic() + timeout
        while True:
            try:
                return self.session_get()
            except Unreachable as error:
                if clock.monotonic() + PAUSE_S > deadline:
                    raise Unreachable(f"{error}; waited {timeout:g} s", refused=error.refused) from error
            clock.sleep(PAUSE_S)

    def call(self, method: str, arguments: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Call one method and return its arguments; raise for every answer but success."""
        for _round in range(MAX_HANDSHAKES):
            body = self.protocol.call(method, arguments or {})
            answer = self.http.request("POST", self.url, headers=self.headers, body=body, timeout=self.timeout)
            if answer.status != 409:
                return self._arguments(method, answer)
            session = answer.headers.get(SESSION_HEADER.lower())
            if not session:
                raise ProtocolError(f"{self.url}: {method}: status 409 without a session id; is this Transmission?")
            self.headers[SESSION_HEADER] = session
            # Chosen at each new session: the daemon may be another version by now.
            self.protocol = choose(answer.headers.get(VERSION_HEADER.lower(), ""))
        raise ProtocolError(f"{self.url}: {method}: asked for a new session id {MAX_HANDSHAKES} times in a row")

    def _arguments(self, method: str, answer: Response) -> dict[str, t.Any]:
        where = f"{self.url}: {method}"
        reason = _denial(answer)
        if reason:
            text = f"{where}: status {answer.status}: {DENIALS[reason]}{_excerpt(answer)}"
            raise AccessDenied(text, reason=reason)
        if answer.status != 200:
            raise ProtocolError(f"{where}: unexpected status {answer.status}{_excerpt(answer)}")
        try:
            return self.protocol.answer(answer.body)
        except RpcRefused as error:
            raise ProtocolError(f"{where}: {error}") from error
        except (ValueError, RecursionError) as error:
            raise ProtocolError(f"{where}: this is not Transmission's answer: {error}{_excerpt(answer)}") from error


CREDENTIALS = "credentials"
LOCKED = "locked"
WHITELIST = "whitelist"
FORBIDDEN = "forbidden"
HOST = "host"
DENIALS = {
    CREDENTIALS: "the user name or the password is not the one that the daemon holds",
    LOCKED: "too many wrong passwords have locked the daemon for all clients; it has to be restarted",
    WHITELIST: "rpc-whitelist does not list the address from which the daemon was asked",
    FORBIDDEN: "rpc-whitelist does not list the address from which the daemon was asked, or too many wrong passwords"
    " have locked it for all clients, until it is restarted",
    HOST: "the daemon does not know the host name used; rpc-host-whitelist must list it",
}


def _denial(answer: Response) -> str:
    """Return why the daemon does not let us in, or an empty text."""
    if answer.status == 403:
        # 3.00 says which of the two it is, the others do not.
        if b"unsuccessful login" in answer.body:
            return LOCKED
        return WHITELIST if b"Unauthorized IP" in answer.body else FORBIDDEN
    return {401: CREDENTIALS, 421: HOST}.get(answer.status, "")


def _excerpt(answer: Response) -> str:
    """Return a little of an answer's text, for a message."""
    text = re.sub(r"<[^>]*>|\s+", " ", answer.body[:1000].decode(errors="replace"))
    text = re.sub(r" +", " ", text).strip()
    return f" ({text[:160]})" if text else ""


def version_of(session: dict[str, t.Any]) -> str:
    """Return the daemon's version without its build."""
    return str(session.get("version", "")).split(" ", maxsplit=1)[0]


def at_least(version: str, wanted: str) -> bool:
    """Tell whether one version is not older than another; an unreadable one is taken for new."""
    found = _numbers(version)
    return found is None or found >= (_numbers(wanted) or ())


def newer(version: str, last: str) -> bool:
    """Tell whether one version is newer than the line of another; an unreadable one is not."""
    found = _numbers(version)
    return found is not None and found > (_numbers(last) or ())


def _numbers(version: str) -> tuple[int, ...] | None:
    found = re.match(r"(\d+)\.(\d+)", version)
    return tuple(int(part) for part in found.groups()) if found else None
