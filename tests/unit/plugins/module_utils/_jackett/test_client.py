# SPDX-License-Identifier: GPL-3.0-or-later
"""The client of Jackett: wait for health, and detection of a stopped Jackett."""

from __future__ import annotations

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import Unreachable
from ansible_collections.household.mediaserver.plugins.module_utils._core.transport import Response
from ansible_collections.household.mediaserver.plugins.module_utils._jackett.client import JackettClient
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._jackett.doubles import OK, REFUSED
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils.transmission_doubles import Clock


class Scripted:
    """Returns the listed responses to GET /health."""

    def __init__(self, *script: Response | Exception) -> None:
        self.script = list(script)

    def request(
        self, method: str, url: str, *, headers: dict[str, str], body: bytes | None, timeout: float
    ) -> Response:
        assert (method, url, headers, body) == ("GET", "http://j:1/base/health", {}, None)
        assert self.script, "unexpected call"
        result = self.script.pop(0)
        if isinstance(result, Exception):
            raise result
        return result


def test_wait_ends_only_with_status_ok() -> None:
    others = [REFUSED, Response(503, {}, b"x"), Response(200, {}, b"<html>"), Response(200, {}, b"[]")]
    http = Scripted(*others, Response(200, {}, b'{"status":"Degraded"}'), OK)
    JackettClient(http, "http://j:1/base/").wait_for_health(timeout=60, clock=Clock())
    assert http.script == []


@pytest.mark.parametrize(
    ("answer", "listens"), [(OK, True), (Response(404, {}, b""), True), (REFUSED, False), (Unreachable("late"), None)]
)
def test_only_a_refused_connection_counts_as_stopped(answer: Response | Exception, listens: bool | None) -> None:
    client = JackettClient(Scripted(answer), "http://j:1/base")
    if listens is None:
        with pytest.raises(Unreachable, match="late"):
            client.is_listening()
    else:
        assert client.is_listening() is listens
