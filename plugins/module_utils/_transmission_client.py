# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Speaks Transmission's RPC, in the protocol that every version from 3.00 to 4.1 understands."""

from __future__ import annotations

import base64
import json
import re
import typing as t

from ansible_collections.household.mediaserver.plugins.module_utils._errors import (
    AccessDenied,
    ProtocolError,
    Unreachable,
)
from ansible_collections.household.mediaserver.plugins.module_utils._http import Http, Response

SESSION_HEADER = "X-Transmission-Session-Id"
# The id may change at any time, so a few in a row are no fault yet.
MAX_HANDSHAKES = 3
PAUSE_S = 0.5
REQUEST_TIMEOUT_S = 10.0


class Clock(t.Protocol):
    """The two functions of the module time that waiting needs."""

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float, /) -> None: ...


class TransmissionClient:
    """One daemon at one address."""

    def __init__(self, http: Http, url: str, *, username: str = "", password: str = "") -> None:
        self.http = http
        self.url = url
        self.headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if username or password:
            pair = base64.b64encode(f"{username}:{password}".encode()).decode()
            self.headers["Authorization"] = f"Basic {pair}"

    def session_get(self) -> dict[str, t.Any]:
        """Return everything that the daemon tells about its session."""
        return self.call("session-get")

    def session_set(self, values: dict[str, t.Any]) -> None:
        """Change settings. The daemon says success even to what it ignores, so read back."""
        self.call("session-set", values)

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
        body = json.dumps({"method": method, "arguments": arguments or {}}).encode()
        for _round in range(MAX_HANDSHAKES):
            answer = self.http.request("POST", self.url, headers=self.headers, body=body, timeout=REQUEST_TIMEOUT_S)
            if answer.status != 409:
                return self._arguments(method, answer)
            session = answer.headers.get(SESSION_HEADER.lower())
            if not session:
                raise ProtocolError(f"{self.url}: {method}: status 409 without a session id; is this Transmission?")
            self.headers[SESSION_HEADER] = session
        raise ProtocolError(f"{self.url}: {method}: asked for a new session id {MAX_HANDSHAKES} times in a row")

    def _arguments(self, method: str, answer: Response) -> dict[str, t.Any]:
        where = f"{self.url}: {method}"
        if answer.status in DENIALS:
            raise AccessDenied(f"{where}: status {answer.status}: {DENIALS[answer.status]}{_excerpt(answer)}")
        if answer.status != 200:
            raise ProtocolError(f"{where}: unexpected status {answer.status}{_excerpt(answer)}")
        try:
            content = json.loads(answer.body)
        except ValueError as error:
            raise ProtocolError(f"{where}: the answer is not JSON{_excerpt(answer)}") from error
        if not isinstance(content, dict) or "result" not in content:
            raise ProtocolError(f"{where}: the answer has no result{_excerpt(answer)}")
        if content["result"] != "success":
            raise ProtocolError(f"{where}: {content['result']}")
        arguments = content.get("arguments", {})
        if not isinstance(arguments, dict):
            raise ProtocolError(f"{where}: the answer's arguments are not an object")
        return arguments


DENIALS = {
    401: "the user name or the password is not the one that the daemon holds",
    403: "rpc-whitelist does not list this address, or too many wrong passwords have locked the daemon",
    421: "the daemon does not know the host name used; rpc-host-whitelist must list it",
}


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
    numbers = re.match(r"(\d+)\.(\d+)", version)
    return numbers is None or [int(part) for part in numbers.groups()] >= [int(part) for part in wanted.split(".")]
