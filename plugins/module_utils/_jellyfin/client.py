# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Speaks Jellyfin's HTTP API as 10.11 and 12.0 understand it: JSON in, JSON out, one call after another.

Nothing here runs at the same time as anything else, and each program has a DeviceId of its own, because a
second login with the same one kills the first one's token. Jellyfin's error bodies say next to nothing, so
every message says what was tried.
"""

from __future__ import annotations

import json
import re
import typing as t
from urllib.parse import quote, urlencode, urlsplit

from .._core.clock import Clock
from .._core.errors import (
    AccessDenied,
    InvalidValue,
    ProtocolError,
    Unreachable,
)
from .._core.transport import Http, Response
from .health import (
    retry_after,
    wait_for_restart,
    wait_until_healthy,
)

# The client's, not the server's; constant, so that a new release of the collection is no new device.
VERSION = "1.0"
DEVICE = "household.mediaserver"
HEALTH_TIMEOUT_S = 10.0

# Calls that leave nothing in the server's files but in its database, which it syncs itself.
SESSION_PATHS = ("/Users/AuthenticateByName", "/Sessions/Logout")

Query = t.Mapping[str, "str | int | bool"]


class Denied(AccessDenied):
    """401: the token or password is not valid; 403: it is, and may not do this."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Refused(ProtocolError):
    """Any other status than success, like 404 for what does not exist."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class JellyfinClient:
    """One server at one address. ``token`` is an API key, or what a login brought."""

    def __init__(
        self,
        http: Http,
        url: str,
        *,
        client: str,
        device_id: str,
        clock: Clock,
        token: str = "",
        timeout: float = 60,
    ) -> None:
        self.http = http
        self.url = base_url(url)
        self.client = client
        self.device_id = device_id
        self.clock = clock
        self.token = token
        self.timeout = timeout
        # Whether a call was sent that may have changed the server's files.
        self.wrote = False

    def get(self, path: str, *, query: Query | None = None, token: bool = True) -> t.Any:
        """Return what the server has there. Raises Denied, Refused, Unreachable or ProtocolError, as all calls do."""
        return self._call("GET", path, query=query, token=token)

    def post(self, path: str, body: t.Any = None, *, query: Query | None = None, token: bool = True) -> t.Any:
        """Send JSON, or nothing when ``body`` is None; return the answer's JSON, or None when it is empty."""
        return self._call("POST", path, body=body, query=query, token=token)

    def delete(self, path: str, *, query: Query | None = None) -> None:
        """Delete what is there; some of Jellyfin's paths say success to what never was."""
        self._call("DELETE", path, query=query)

    def exists(self, path: str) -> bool:
        """Tell whether there is anything, whatever its form, for a caller without a token."""
        url = f"{self.url}{_path(path)}"
        answer = self._send("GET", url, None, token=False, timeout=self.timeout)
        if answer.status in (200, 404):
            return answer.status == 200
        raise Refused(f"GET {url}: status {answer.status}{excerpt(answer)}", answer.status)

    def public_info(self) -> dict[str, t.Any]:
        """Return /System/Info/Public. Only the truth once the server is healthy, so wait for that first."""
        return expect_object(self.get("/System/Info/Public", token=False), "GET /System/Info/Public")

    def login(self, username: str, password: str) -> bool:
        """Log in and use the token from now on. Raises Denied: 401 wrong pair, 403 not now (limits, disabled)."""
        answer = self.post("/Users/AuthenticateByName", {"Username": username, "Pw": password}, token=False)
        token = expect_object(answer, "POST /Users/AuthenticateByName").get("AccessToken")
        if not isinstance(token, str) or not token:
            raise ProtocolError(f"POST {self.url}/Users/AuthenticateByName: the answer holds no token")
        self.token = token
        return True

    def wait_until_healthy(self, timeout: float) -> None:
        """Wait for the real server to say Healthy. Raises Unreachable after ``timeout`` s, ServiceProblem at once."""
        wait_until_healthy(self.ask_health, where=self.url, timeout=timeout, clock=self.clock)

    def restart(self, timeout: float) -> None:
        """Restart the server and wait until the new one is healthy; the old one's last words do not count."""
        self.post("/System/Restart")
        wait_for_restart(self.ask_health, where=self.url, timeout=timeout, clock=self.clock)

    def ask_health(self) -> Response:
        """Ask once how the server is, whatever it says."""
        return self.http.request(
            "GET",
            f"{self.url}/health",
            headers={"Accept": "text/plain"},
            body=None,
            timeout=min(HEALTH_TIMEOUT_S, self.timeout),
        )

    def _call(
        self, method: str, path: str, *, body: t.Any = None, query: Query | None = None, token: bool = True
    ) -> t.Any:
        tried = f"{method} {self.url}{_path(path)}{_query(query)}"
        data = None if body is None else _encode(body, tried)
        self.wrote = self.wrote or (method != "GET" and path not in SESSION_PATHS)
        deadline = self.clock.monotonic() + self.timeout
        while True:
            left = deadline - self.clock.monotonic()
            answer = self._send(method, tried.partition(" ")[2], data, token=token, timeout=max(left, 1.0))
            pause = retry_after(answer)
            # 503 comes from a server that is still loading: it has not looked at the request yet.
            if answer.status != 503 or self.clock.monotonic() + pause > deadline:
                return _content(tried, answer, has_token=token and bool(self.token), waited=self.timeout)
            self.clock.sleep(pause)

    def _send(self, method: str, url: str, data: bytes | None, *, token: bool, timeout: float) -> Response:
        headers = {"Accept": "application/json", "Authorization": self._authorization(token=token)}
        if data is not None:
            headers["Content-Type"] = "application/json"
        try:
            return self.http.request(method, url, headers=headers, body=data, timeout=timeout)
        except Unreachable as error:
            raise Unreachable(f"{method} {error}", refused=error.refused) from error
        except ProtocolError as error:
            raise ProtocolError(f"{method} {error}") from error

    def _authorization(self, *, token: bool) -> str:
        """The one form that both versions take: 12.0 refuses the older headers as if the key were wrong."""
        values = {"Client": self.client, "Device": DEVICE, "DeviceId": self.device_id, "Version": VERSION}
        if token and self.token:
            values = {"Token": self.token, **values}
        return "MediaBrowser " + ", ".join(f'{name}="{quote(value, safe="")}"' for name, value in values.items())


def base_url(url: str) -> str:
    """Return the address without its last slashes. Raises InvalidValue for one that cannot be a server's."""
    try:
        parts = urlsplit(url)
        port_is_wrong = parts.port == 0
    except ValueError as error:
        raise InvalidValue(f"url: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or port_is_wrong:
        raise InvalidValue("url must be like http://127.0.0.1:8096, with Jellyfin's base URL behind it if it has one")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise InvalidValue("url must not hold a user name, a password, a query or a fragment")
    if re.search(r"[\x00-\x20\x7f]", url):
        raise InvalidValue("url must not hold blanks or control characters")
    return url.rstrip("/")


def expect_object(answer: t.Any, tried: str) -> dict[str, t.Any]:
    """Return the answer if it is a JSON object. Raises ProtocolError."""
    if not isinstance(answer, dict):
        raise ProtocolError(f"{tried}: the answer is no JSON object; is this Jellyfin?")
    return answer


def expect_list(answer: t.Any, tried: str) -> list[dict[str, t.Any]]:
    """Return the answer if it is a list of JSON objects. Raises ProtocolError."""
    if not isinstance(answer, list) or not all(isinstance(item, dict) for item in answer):
        raise ProtocolError(f"{tried}: the answer is no list of JSON objects; is this Jellyfin?")
    return answer


def _path(path: str) -> str:
    if not path.startswith("/") or any(part in (".", "..") for part in path.split("/")):
        raise InvalidValue(f"{path!r} is no path of Jellyfin's API")
    return quote(path, safe="/")


def _query(query: Query | None) -> str:
    if not query:
        return ""
    values = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in query.items()}
    return "?" + urlencode(values, quote_via=quote, safe="")


def _encode(body: t.Any, tried: str) -> bytes:
    try:
        return json.dumps(body, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise InvalidValue(f"{tried}: the values cannot be sent as JSON: {error}") from error


def _content(tried: str, answer: Response, *, has_token: bool, waited: float) -> t.Any:
    """Return the parsed body of a success; raise for everything else."""
    status = answer.status
    if 300 <= status < 400:
        target = urlsplit(answer.headers.get("location", ""))
        raise Refused(
            f"{tried}: status {status}: it sends us to {target.netloc.rpartition('@')[2]}{target.path or '/'}, and"
            " redirects are not followed; give the address and base URL of Jellyfin itself as url",
            status,
        )
    if status == 401:
        reason = "the API key or token is not valid" if has_token else "it wants a valid login, user name or password"
        raise Denied(f"{tried}: status 401: {reason}{excerpt(answer)}", status)
    if status == 403:
        raise Denied(f"{tried}: status 403: this account may not do that{excerpt(answer)}", status)
    if status == 503:
        raise Refused(f"{tried}: status 503 for {waited:g} s: the server is still loading{excerpt(answer)}", status)
    if not 200 <= status < 300:
        raise Refused(f"{tried}: status {status}{excerpt(answer)}", status)
    if not answer.body.strip():
        return None
    try:
        return json.loads(answer.body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"{tried}: the answer is not JSON; is this Jellyfin?{excerpt(answer)}") from error


def excerpt(answer: Response) -> str:
    """Return a little of an answer's text, for a message."""
    text = re.sub(r"<[^>]*>|\s+", " ", answer.body[:2000].decode(errors="replace"))
    text = re.sub(r"[^\x21-\x7e\xa1-\uffff]+", " ", text).strip()
    return f" ({text[:300]})" if text and text != "Error processing request." else ""
