# SPDX-License-Identifier: GPL-3.0-or-later
"""The Jellyfin client with a scripted transport: requests, responses and waiting."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import (
    AccessDenied,
    InvalidValue,
    MediaserverError,
    NotTaken,
    ProtocolError,
    ServiceProblem,
    Unreachable,
)
from ansible_collections.household.mediaserver.plugins.module_utils._core.transport import Response
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.client import (
    JellyfinAccessDenied,
    JellyfinClient,
    RequestFailed,
    base_url,
)
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._jellyfin.doubles import (
    HEALTHY,
    LOADING,
    NO_BODY,
    NOTHING,
    REFUSED,
    SILENT,
    UNAUTHORISED,
    URL,
    ScriptedHttp,
    client_of,
    json_of,
    said,
)
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils.transmission_doubles import Clock
from hypothesis import given
from hypothesis import strategies as st


def test_sends_and_reads_json() -> None:
    http = ScriptedHttp(
        ("GET /Auth/Keys", json_of({"Items": []}), NO_BODY),
        ("POST /Auth/Keys?app=home%20%26%20media", NOTHING, NO_BODY),
        ("POST /Startup/RemoteAccess", NOTHING, {"EnableRemoteAccess": True}),
        ("DELETE /Library/VirtualFolders?name=A%2FB%3F&refreshLibrary=true", NOTHING, NO_BODY),
        ("GET /Items/a%3Fb%23c", json_of([1])),
        ("POST /Startup/Configuration", NOTHING, {}),
    )
    client = client_of(http, token="abc")
    assert client.get("/Auth/Keys") == {"Items": []}
    assert client.post("/Auth/Keys", query={"app": "home & media"}) is None
    assert client.post("/Startup/RemoteAccess", {"EnableRemoteAccess": True}, token=False) is None
    client.delete("/Library/VirtualFolders", query={"name": "A/B?", "refreshLibrary": True})
    assert client.get("/Items/a?b#c") == [1]
    client.post("/Startup/Configuration", {})
    http.finish()
    plain = 'Client="tests", Device="household.mediaserver", DeviceId="tests%40lab", Version="1.0"'
    with_token = f'MediaBrowser Token="abc", {plain}'
    assert [headers["Authorization"] for headers in http.headers] == [
        with_token,
        with_token,
        f"MediaBrowser {plain}",
        with_token,
        with_token,
        with_token,
    ]
    assert [headers.get("Content-Type") for headers in http.headers] == [
        *(None, None, "application/json", None, None, "application/json")
    ]


@given(token=st.text(min_size=1), device=st.text())
def test_no_value_breaks_out_of_the_authorization_header(token: str, device: str) -> None:
    http = ScriptedHttp(("GET /System/Info", json_of({})))
    try:
        JellyfinClient(http, URL, client="c", device_id=device, clock=Clock(), token=token).get("/System/Info")
    except UnicodeEncodeError:  # an unpaired surrogate, which no file and no option can contain
        return
    header = http.headers[0]["Authorization"]
    assert header.isascii()
    assert header.isprintable()
    found = dict(re.findall(r'(\w+)="([^"]*)"', header))
    assert list(found) == ["Token", "Client", "Device", "DeviceId", "Version"]
    assert unquote(found["Token"]) == token
    assert unquote(found["DeviceId"]) == device


def test_login_sets_the_token() -> None:
    http = ScriptedHttp(
        ("POST /Users/AuthenticateByName", json_of({"AccessToken": "t0ken"}), {"Username": "anna", "Pw": "ö\"'"}),
        ("GET /Auth/Keys", json_of({})),
    )
    client = client_of(http)
    assert client.login("anna", "ö\"'") is True
    client.get("/Auth/Keys")
    http.finish()
    assert "Token" not in http.headers[0]["Authorization"].replace("AccessToken", "")
    assert 'Token="t0ken"' in http.headers[1]["Authorization"]


@pytest.mark.parametrize("body", [{}, {"AccessToken": ""}, {"AccessToken": 5}, [], "text"])
def test_login_response_without_a_token_is_an_error(body: Any) -> None:
    client = client_of(ScriptedHttp(("POST /Users/AuthenticateByName", json_of(body))), token="old")
    with pytest.raises(ProtocolError):
        client.login("anna", "x")
    assert client.token == "old"


BAD_RESPONSES = {
    "invalid key": (
        UNAUTHORISED,
        JellyfinAccessDenied,
        "GET http://127.0.0.1:8096/X?y=1: status 401: the API key or token is not valid",
    ),
    "forbidden": (Response(403), JellyfinAccessDenied, "status 403: this account may not"),
    "not found": (Response(404), RequestFailed, "GET http://127.0.0.1:8096/X?y=1: status 404"),
    "error without text": (said("Error processing request.", 400), RequestFailed, "X?y=1: status 400"),
    "error with text": (
        said("Password must not be empty", 400),
        RequestFailed,
        "400 (Password must not be empty)",
    ),
    "redirect": (
        Response(302, {"location": "http://user:secret@elsewhere.example/jellyfin/x?token=secret"}),
        RequestFailed,
        "a redirect to elsewhere.example/jellyfin/x, which is not followed",
    ),
    "not JSON": (said("<html><b>Router</b></html>"), ProtocolError, "not JSON; is this Jellyfin? (Router)"),
    "truncated JSON": (said('{"a": '), ProtocolError, "not JSON"),
    "not UTF-8": (Response(200, {}, b'"\xff\xfe"'), ProtocolError, "not JSON"),
    "deep": (said("[" * 200_000), ProtocolError, "not JSON"),
    "cut": (Unreachable("u: cut in the middle"), Unreachable, "GET u: cut in the middle"),
    "too long": (ProtocolError("u: too long"), ProtocolError, "GET u: too long"),
}


@pytest.mark.parametrize(("answer", "kind", "message"), BAD_RESPONSES.values(), ids=BAD_RESPONSES.keys())
def test_bad_response_ends_in_a_message(answer: Any, kind: type[MediaserverError], message: str) -> None:
    http = ScriptedHttp(("GET /X?y=1", answer))
    with pytest.raises(kind) as caught:
        client_of(http, token="k").get("/X", query={"y": 1})
    assert message in str(caught.value)
    assert "secret" not in str(caught.value)
    assert len(str(caught.value)) < 600
    if isinstance(caught.value, (JellyfinAccessDenied, RequestFailed)):
        assert caught.value.status == answer.status


def test_anonymous_401_does_not_mention_a_key() -> None:
    with pytest.raises(AccessDenied, match="a valid user name and password are required"):
        client_of(ScriptedHttp(("GET /X", UNAUTHORISED)), token="k").get("/X", token=False)


@pytest.mark.parametrize("path", ["X", "", "/a/../b", "/a/.", "//..", "http://elsewhere/"])
def test_path_outside_the_api_is_rejected(path: str) -> None:
    with pytest.raises(InvalidValue):
        client_of(ScriptedHttp()).get(path)


def test_value_without_json_form_is_not_sent() -> None:
    for body in (float("nan"), {1, 2}, {"a": b"x"}):
        with pytest.raises(InvalidValue, match="POST"):
            client_of(ScriptedHttp()).post("/X", body)


ADDRESSES = {
    "http://127.0.0.1:8096": "http://127.0.0.1:8096",
    "https://tv.example/jellyfin//": "https://tv.example/jellyfin",
    "http://[::1]:8096/": "http://[::1]:8096",
    "ftp://x": None,
    "127.0.0.1:8096": None,
    "http://": None,
    "http://a:b@x": None,
    "http://x/?q=1": None,
    "http://x/#f": None,
    "http://x:99999": None,
    "http://x:0": None,
    "http://x y": None,
    "http://x\n": None,
    "http://[::1": None,
    "": None,
}


@pytest.mark.parametrize(("given_url", "kept"), ADDRESSES.items())
def test_base_url_is_normalised_or_rejected(given_url: str, kept: str | None) -> None:
    if kept is None:
        with pytest.raises(InvalidValue, match="url"):
            base_url(given_url)
    else:
        assert base_url(given_url) == kept


def test_503_is_retried_after_its_retry_after_time() -> None:
    clock = Clock()
    http = ScriptedHttp(("POST /X", LOADING), ("POST /X", Response(503)), ("POST /X", json_of({"a": 1})))
    assert client_of(http, clock=clock).post("/X") == {"a": 1}
    http.finish()
    assert clock.now == 6  # 5 s for 005, 1 s without the header


def test_503_is_retried_up_to_the_timeout() -> None:
    clock = Clock()
    http = ScriptedHttp(*[("GET /X", LOADING)] * 3)
    with pytest.raises(RequestFailed, match=r"GET .*/X: status 503 for 12 s: the server is still loading"):
        client_of(http, clock=clock, timeout=12).get("/X")
    http.finish()
    assert clock.now == 10
    assert http.timeouts == [12, 7, 2]


@pytest.mark.parametrize(
    ("header", "pause"), [("005", 5), ("", 1), ("-3", 1), ("soon", 1), ("Wed, 21 Oct", 1), ("٣", 1)]
)
def test_pause_follows_retry_after(header: str, pause: float) -> None:
    clock = Clock()
    http = ScriptedHttp(("GET /X", Response(503, {"retry-after": header})), ("GET /X", NOTHING))
    client_of(http, clock=clock).get("/X")
    assert clock.now == pause


def test_waits_through_all_phases_of_a_start() -> None:
    clock = Clock()
    phases = [REFUSED, SILENT, said("Degraded"), said("Degraded"), REFUSED, LOADING, Response(502)]
    http = ScriptedHttp(*[("GET /health", phase) for phase in phases], ("GET /health", said("Healthy\n")))
    client_of(http, clock=clock, token="k").wait_until_healthy(60)
    http.finish()
    assert clock.now == 6 + 5
    assert not any("Authorization" in headers for headers in http.headers)


STUCK_PHASES = {
    "refused": (REFUSED, "the connection is refused", True),
    "silent": (SILENT, "no response", False),
    "degraded": (said("Degraded"), "__EFMigrationsLock", False),
    "loading": (LOADING, "the server is loading", False),
}


@pytest.mark.parametrize(("answer", "message", "refused"), STUCK_PHASES.values(), ids=STUCK_PHASES.keys())
def test_timeout_message_names_the_last_phase(answer: Any, message: str, refused: bool) -> None:
    clock = Clock()
    http = ScriptedHttp(*[("GET /health", answer)] * 12)
    with pytest.raises(Unreachable) as caught:
        client_of(http, clock=clock).wait_until_healthy(11)
    assert "http://127.0.0.1:8096/health: not Healthy within 11 s: " in str(caught.value)
    assert message in str(caught.value)
    assert (caught.value.refused, clock.now) == (refused, 11)


@pytest.mark.parametrize("status", [200, 503])
def test_unhealthy_fails_at_once(status: int) -> None:
    clock = Clock()
    with pytest.raises(ServiceProblem, match="start has failed"):
        client_of(ScriptedHttp(("GET /health", said("Unhealthy", status))), clock=clock).wait_until_healthy(60)
    assert clock.now == 0


@pytest.mark.parametrize("answer", [said("Fine"), said("Healthy", 404), Response(302), said("healthy"), said("")])
def test_unknown_health_response_is_an_error(answer: Response) -> None:
    with pytest.raises(ProtocolError, match="Is this Jellyfin"):
        client_of(ScriptedHttp(("GET /health", answer))).wait_until_healthy(60)


def test_health_of_the_stopping_server_does_not_end_a_restart() -> None:
    http = ScriptedHttp(
        ("POST /System/Restart", NOTHING, NO_BODY),
        *[HEALTHY] * 3,
        ("GET /health", REFUSED),
        ("GET /health", said("Degraded")),
        HEALTHY,
    )
    client_of(http, token="k").restart(60)
    http.finish()


def test_server_that_does_not_restart_is_reported() -> None:
    http = ScriptedHttp(("POST /System/Restart", NOTHING), *[HEALTHY] * 25)
    with pytest.raises(NotTaken, match="the old server still responds"):
        client_of(http, token="k").restart(2)


def test_response_that_is_not_an_object_is_an_error() -> None:
    for answer in ([], "text", None, 5):
        with pytest.raises(ProtocolError, match="not a JSON object"):
            client_of(ScriptedHttp(("GET /System/Info/Public", said(json.dumps(answer))))).public_info()
