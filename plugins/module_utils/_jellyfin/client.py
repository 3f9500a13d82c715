# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Client for the HTTP API of Jellyfin 10.11 and 12.0 (their OpenAPI documents): JSON requests, one after another.

Each program has its own DeviceId, because a second login with the same one invalidates the first one's token. Error
bodies of Jellyfin have no useful text, so every message contains the request.
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

# The client's version. Constant, because a new version would appear as a new device in Jellyfin.
VERSION = "1.0"
DEVICE = "household.mediaserver"
HEALTH_TIMEOUT_S = 10.0

# Calls that change only the server's database, which it syncs itself.
SESSION_PATHS = ("/Users/AuthenticateByName", "/Sessions/Logout")

Query = t.Mapping[str, "str | int | bool"]


class JellyfinAccessDenied(AccessDenied):
    """Status 401 (invalid token or password) or 403 (valid, but without the right to do this)."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class RequestFailed(ProtocolError):
    """Any other status than success, such as 404 for an object that does not exist."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class JellyfinClient:
    """One server at one URL. ``token`` is an API key or the token of a login, ``timeout`` the limit of a call in s."""

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
        # Whether a call was sent that may have changed the server's files since the last sync.
        self.wrote = False

    def get(self, path: str, *, query: Query | None = None, token: bool = True) -> t.Any:
        """Return the JSON at a path.

        Raises JellyfinAccessDenied, RequestFailed, Unreachable or ProtocolError, as all calls do.
        """
        return self._call("GET", path, query=query, token=token)

    def post(self, path: str, body: t.Any = None, *, query: Query | None = None, token: bool = True) -> t.Any:
        """Send ``body`` as JSON, or an empty body for None; return the response's JSON, None when it is empty."""
        return self._call("POST", path, body=body, query=query, token=token)

    def delete(self, path: str, *, query: Query | None = None) -> None:
        """Delete an object. Some of Jellyfin's paths return success for an object that does not exist."""
        self._call("DELETE", path, query=query)

    def exists(self, path: str) -> bool:
        """Return whether a path exists for a client without a token, whatever its content."""
        url = f"{self.url}{_path(path)}"
        response = self._send("GET", url, None, token=False, timeout=self.timeout)
        if response.status in (200, 404):
            return response.status == 200
        raise RequestFailed(f"GET {url}: status {response.status}{excerpt(response)}", response.status)

    def public_info(self) -> dict[str, t.Any]:
        """Return /System/Info/Public. Its values are valid only after wait_until_healthy()."""
        return expect_object(self.get("/System/Info/Public", token=False), "GET /System/Info/Public")

    def login(self, username: str, password: str) -> bool:
        """Log in and use the token for further calls.

        Raises JellyfinAccessDenied: 401 for a wrong name or password, 403 for an account that may not log in now.
        """
        response = self.post("/Users/AuthenticateByName", {"Username": username, "Pw": password}, token=False)
        token = expect_object(response, "POST /Users/AuthenticateByName").get("AccessToken")
        if not isinstance(token, str) or not token:
            raise ProtocolError(f"POST {self.url}/Users/AuthenticateByName: the response has no token")
        self.token = token
        return True

    def wait_until_healthy(self, timeout: float) -> None:
        """Wait until the server is Healthy.

        Raises Unreachable after ``timeout`` s, ServiceProblem at once for a server that is Unhealthy.
        """
        wait_until_healthy(self.get_health, where=self.url, timeout=timeout, clock=self.clock)

    def restart(self, timeout: float) -> None:
        """Restart the server and wait up to ``timeout`` s until the new process is healthy."""
        self.post("/System/Restart")
        wait_for_restart(self.get_health, where=self.url, timeout=timeout, clock=self.clock)

    def get_health(self) -> Response:
        """Return one response of /health, whatever its status."""
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
            response = self._send(method, tried.partition(" ")[2], data, token=token, timeout=max(left, 1.0))
            pause = retry_after(response)
            # A server that is still loading returns 503 without processing the request, so a retry is safe.
            if response.status != 503 or self.clock.monotonic() + pause > deadline:
                return _content(tried, response, has_token=token and bool(self.token), waited=self.timeout)
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
        """Return the header that both versions accept. To the older headers, 12.0 responds as to an invalid key."""
        values = {"Client": self.client, "Device": DEVICE, "DeviceId": self.device_id, "Version": VERSION}
        if token and self.token:
            values = {"Token": self.token, **values}
        return "MediaBrowser " + ", ".join(f'{name}="{quote(value, safe="")}"' for name, value in values.items())


def base_url(url: str) -> str:
    """Return the URL without trailing slashes. Raises InvalidValue for a URL that is not valid for a server."""
    try:
        parts = urlsplit(url)
        port_is_wrong = parts.port == 0
    except ValueError as error:
        raise InvalidValue(f"url: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or port_is_wrong:
        raise InvalidValue("url must be like http://127.0.0.1:8096, followed by Jellyfin's base URL if it has one")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise InvalidValue("url must not contain a user name, a password, a query or a fragment")
    if re.search(r"[\x00-\x20\x7f]", url):
        raise InvalidValue("url must not contain blanks or control characters")
    return url.rstrip("/")


def expect_object(response: t.Any, tried: str) -> dict[str, t.Any]:
    """Return the response if it is a JSON object. Raises ProtocolError."""
    if not isinstance(response, dict):
        raise ProtocolError(f"{tried}: the response is not a JSON object; is this Jellyfin?")
    return response


def expect_list(response: t.Any, tried: str) -> list[dict[str, t.Any]]:
    """Return the response if it is a list of JSON objects. Raises ProtocolError."""
    if not isinstance(response, list) or not all(isinstance(item, dict) for item in response):
        raise ProtocolError(f"{tried}: the response is not a list of JSON objects; is this Jellyfin?")
    return response


def _path(path: str) -> str:
    if not path.startswith("/") or any(part in (".", "..") for part in path.split("/")):
        raise InvalidValue(f"{path!r} is not a path of Jellyfin's API")
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


def _content(tried: str, response: Response, *, has_token: bool, waited: float) -> t.Any:
    """Return the parsed body of a success. Raises JellyfinAccessDenied, RequestFailed or ProtocolError."""
    status = response.status
    if 300 <= status < 400:
        target = urlsplit(response.headers.get("location", ""))
        raise RequestFailed(
            f"{tried}: status {status}: a redirect to {target.netloc.rpartition('@')[2]}{target.path or '/'}, which is"
            " not followed; set url to the address and base URL of Jellyfin itself",
            status,
        )
    if status == 401:
        reason = "the API key or token is not valid" if has_token else "a valid user name and password are required"
        raise JellyfinAccessDenied(f"{tried}: status 401: {reason}{excerpt(response)}", status)
    if status == 403:
        raise JellyfinAccessDenied(f"{tried}: status 403: this account may not do that{excerpt(response)}", status)
    if status == 503:
        raise RequestFailed(
            f"{tried}: status 503 for {waited:g} s: the server is still loading{excerpt(response)}", status
        )
    if not 200 <= status < 300:
        raise RequestFailed(f"{tried}: status {status}{excerpt(response)}", status)
    if not response.body.strip():
        return None
    try:
        return json.loads(response.body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"{tried}: the response is not JSON; is this Jellyfin?{excerpt(response)}") from error


def excerpt(response: Response) -> str:
    """Return the first 300 characters of a response's text, without markup, for a message."""
    text = re.sub(r"<[^>]*>|\s+", " ", response.body[:2000].decode(errors="replace"))
    text = re.sub(r"[^\x21-\x7e\xa1-\uffff]+", " ", text).strip()
    return f" ({text[:300]})" if text and text != "Error processing request." else ""
