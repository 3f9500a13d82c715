# SPDX-License-Identifier: GPL-3.0-or-later
"""A scripted transport for the Jellyfin client, which fails on an unexpected and on a missing call."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import Unreachable
from ansible_collections.household.mediaserver.plugins.module_utils._core.transport import Response
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.client import JellyfinClient
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils.transmission_doubles import Clock

URL = "http://127.0.0.1:8096"
REFUSED = Unreachable("Connection refused", refused=True)
SILENT = Unreachable("no answer in time")
NOTHING = Response(204)
UNAUTHORISED = Response(401)
# As recorded from the temporary server: Retry-After with leading zeros.
LOADING = Response(503, {"retry-after": "005"}, b"<html>Jellyfin is loading</html>")
NO_BODY = object()


def said(text: str, status: int = 200) -> Response:
    return Response(status, {"content-type": "text/plain"}, text.encode())


def json_of(content: Any, status: int = 200) -> Response:
    return Response(status, {"content-type": "application/json; charset=utf-8"}, json.dumps(content).encode())


HEALTHY = ("GET /health", said("Healthy"))


class ScriptedHttp:
    """Returns the listed responses to the listed calls. A third item of a line is the body that must be sent."""

    def __init__(self, *script: tuple[Any, ...]) -> None:
        self.script = list(script)
        self.headers: list[dict[str, str]] = []
        self.timeouts: list[float] = []

    def request(
        self, method: str, url: str, *, headers: dict[str, str], body: bytes | None, timeout: float
    ) -> Response:
        call = f"{method} {url.removeprefix(URL)}"
        assert self.script, f"unexpected call: {call}"
        expected, result, *sent = self.script.pop(0)
        assert call == expected
        if sent:
            assert (NO_BODY if body is None else json.loads(body)) == sent[0]
        self.headers.append(dict(headers))
        self.timeouts.append(timeout)
        if isinstance(result, Exception):
            raise result
        assert isinstance(result, Response)
        return result

    def finish(self) -> None:
        assert not self.script, f"calls that were not made: {self.script}"


def client_of(http: Any, *, token: str = "", timeout: float = 60, clock: Clock | None = None) -> JellyfinClient:
    return JellyfinClient(
        http, URL, client="tests", device_id="tests@lab", clock=clock or Clock(), token=token, timeout=timeout
    )
