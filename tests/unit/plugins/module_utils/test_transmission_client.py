# SPDX-License-Identifier: GPL-3.0-or-later
"""The RPC client against a scripted transport, and the transport against a real socket."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core import transport
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import (
    AccessDenied,
    ProtocolError,
    TooLong,
    Unreachable,
)
from ansible_collections.household.mediaserver.plugins.module_utils._core.transport import Response
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.client import (
    TransmissionClient,
    at_least,
    newer,
    version_of,
)
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils.transmission_doubles import (
    URL,
    Clock,
    ScriptedHttp,
    answer,
    handshake,
    json_rpc,
)

REFUSED = Unreachable("refused", refused=True)


def client_of(http: Any, **more: str) -> TransmissionClient:
    return TransmissionClient(http, URL, **more)


def test_it_shakes_hands_and_keeps_the_session_id() -> None:
    http = ScriptedHttp(
        ("session-get", handshake()),
        ("session-get", answer({"version": "4.1.3 (abc)"})),
        ("session-set", handshake("id-2")),
        ("session-set", answer()),
    )
    client = client_of(http, username="family", password="s:ö")
    assert version_of(client.session_get()) == "4.1.3"
    client.session_set({"dht-enabled": True})
    http.finish()
    assert [headers.get("X-Transmission-Session-Id") for headers in http.headers] == [
        None,
        "id-1",
        "id-1",
        "id-2",
    ]
    pair = base64.b64decode(http.headers[0]["Authorization"].removeprefix("Basic ")).decode()
    assert pair == "family:s:ö"


def test_without_credentials_none_are_sent() -> None:
    http = ScriptedHttp(("session-get", answer()))
    client_of(http).session_get()
    assert "Authorization" not in http.headers[0]


@pytest.mark.parametrize(
    ("response", "error", "text"),
    [
        (Response(401, {}, b"<h1>401: Unauthorized</h1>"), AccessDenied, "password"),
        (Response(403, {}, b"<p>Too many unsuccessful login attempts.</p>"), AccessDenied, "locked.*Too many"),
        (Response(421, {}, b""), AccessDenied, "host name"),
        (Response(301, {"location": "http://elsewhere/"}, b""), ProtocolError, "status 301"),
        (Response(500, {}, b"x" * 9000), ProtocolError, "status 500"),
        (Response(409, {}, b""), ProtocolError, "is this Transmission"),
        (Response(403, {}, b"<p>Unauthorized IP Address.</p>"), AccessDenied, "rpc-whitelist does not list"),
        (Response(403, {}, b"<h1>403: Forbidden</h1>"), AccessDenied, "rpc-whitelist.*or.*locked"),
        (Response(200, {}, b"<html>"), ProtocolError, "not Transmission's answer"),
        (Response(200, {}, b""), ProtocolError, "not Transmission's answer"),
        (Response(200, {}, b"[" * 100_000), ProtocolError, "not Transmission's answer"),
        (Response(200, {}, b"[1]"), ProtocolError, "no result"),
        (
            Response(200, {}, b'{"result": "success", "arguments": 7}'),
            ProtocolError,
            "not an object",
        ),
        (answer(result="download directory path is not absolute"), ProtocolError, "not absolute"),
    ],
)
def test_every_other_answer_is_an_error_that_says_what_came(response: Response, error: type, text: str) -> None:
    http = ScriptedHttp(("session-get", response))
    with pytest.raises(error, match=text) as caught:
        client_of(http, username="u", password="geheim").session_get()
    http.finish()
    assert URL in str(caught.value)
    assert "geheim" not in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (401, b"", "credentials"),
        (403, b"<p>Unauthorized IP Address.</p>", "whitelist"),
        (403, b"<p>Too many unsuccessful login attempts. Please restart transmission-daemon.</p>", "locked"),
        (403, b"<h1>403: Forbidden</h1>", "forbidden"),
        (421, b"", "host"),
    ],
)
def test_a_denial_is_reported_apart(status: int, body: bytes, reason: str) -> None:
    http = ScriptedHttp(("session-get", Response(status, {}, body)))
    with pytest.raises(AccessDenied) as caught:
        client_of(http).session_get()
    assert caught.value.reason == reason


def test_the_protocol_is_chosen_by_the_handshake_and_chosen_again_by_the_next() -> None:
    http = ScriptedHttp(
        ("session-get", handshake(rpc_version="6.0.1")),
        ("session_get", json_rpc({"version": "4.1.4", "seed_ratio_limit": 2.5, "rpc_version_semver": "6.0.1"})),
        ("session_set", json_rpc()),
        ("session_get", handshake("id-2")),
        ("session-get", answer({"version": "4.0.6", "seedRatioLimit": 2.5})),
        ("session-get", handshake("id-3", rpc_version="6.0.0")),
        ("session_get", json_rpc({"version": "4.1.0"})),
    )
    client = client_of(http)
    assert client.session_get() == {"version": "4.1.4", "ratio-limit": 2.5, "rpc-version-semver": "6.0.1"}
    client.session_set({"ratio-limit": 3.0, "cache-size-mb": 9, "encryption": 0})
    assert client.session_get() == {"version": "4.0.6", "ratio-limit": 2.5}
    assert client.session_get() == {"version": "4.1.0"}
    http.finish()
    assert http.calls[2] == {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "session_set",
        "params": {"seed_ratio_limit": 3.0, "cache_size_mib": 9, "encryption": "allowed"},
    }


def test_handshakes_without_end_are_an_error() -> None:
    http = ScriptedHttp(*[("session-get", handshake(f"id-{number}")) for number in range(3)])
    with pytest.raises(ProtocolError, match="3 times"):
        client_of(http).session_get()


def test_it_waits_until_an_answer_comes() -> None:
    http = ScriptedHttp(
        ("session-get", REFUSED), ("session-get", REFUSED), ("session-get", answer({"version": "3.00"}))
    )
    clock = Clock()
    assert client_of(http).wait_for_session(timeout=5, clock=clock) == {"version": "3.00"}
    http.finish()
    assert clock.now == 1.0


def test_waiting_ends_with_what_was_heard_last() -> None:
    http = ScriptedHttp(*[("session-get", REFUSED)] * 5)
    with pytest.raises(Unreachable, match="refused; waited 2 s") as caught:
        client_of(http).wait_for_session(timeout=2, clock=Clock())
    assert caught.value.refused
    http.finish()


def test_a_denial_ends_the_wait_at_once() -> None:
    http = ScriptedHttp(("session-get", Response(401)))
    with pytest.raises(AccessDenied):
        client_of(http).wait_for_session(timeout=2, clock=Clock())


@pytest.mark.parametrize(
    ("version", "wanted", "result"),
    [
        ("3.00", "3.00", True),
        ("3.00", "4.0", False),
        ("4.0.6", "4.1", False),
        ("4.1.0-beta.2", "4.1", True),
        ("4.10.0", "4.2", True),
        ("5.0", "4.1", True),
        ("", "4.1", True),
    ],
)
def test_versions_are_compared_as_numbers(version: str, wanted: str, result: bool) -> None:
    assert at_least(version, wanted) is result


@pytest.mark.parametrize(
    ("version", "last", "result"),
    [("3.00", "4.0", False), ("4.0.6", "4.0", False), ("4.1.0-beta.2", "4.0", True), ("", "4.0", False)],
)
def test_a_line_of_versions_ends(version: str, last: str, result: bool) -> None:
    assert newer(version, last) is result


class Server(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = int(self.path.rsplit("/", 1)[-1])
        if status == 0:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf")
            return
        self.send_response(status)
        self.send_header("X-Transmission-Session-Id", "abc")
        if status == 301:
            self.send_header("Location", "http://127.0.0.1:1/other")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    httpd = HTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()


def post(url: str, timeout: float = 5) -> Response:
    return transport.UrlHttp().request("POST", url, headers={"X": "1"}, body=b"hello", timeout=timeout)


@pytest.mark.parametrize("status", [200, 301, 401, 409, 421, 500])
def test_the_transport_passes_every_status(server: str, status: int) -> None:
    found = post(f"{server}/{status}")
    assert (found.status, found.body, found.headers["x-transmission-session-id"]) == (status, b"hello", "abc")


def test_a_connection_cut_in_the_middle_is_no_answer(server: str) -> None:
    with pytest.raises(Unreachable):
        post(f"{server}/0")


def test_an_answer_without_end_is_refused(server: str) -> None:
    short = transport.UrlHttp(max_bytes=4)
    with pytest.raises(TooLong, match="longer than 4 bytes"):
        short.request("POST", f"{server}/200", headers={}, body=b"hello", timeout=5)


def test_a_closed_port_is_reported_from_a_late_answer() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(Unreachable) as caught:
            post(f"http://127.0.0.1:{closed.getsockname()[1]}/200")
        assert caught.value.refused
        closed.listen()
        with pytest.raises(Unreachable, match="no answer in time") as caught:
            post(f"http://127.0.0.1:{closed.getsockname()[1]}/200", timeout=0.2)
        assert not caught.value.refused


def test_an_address_that_is_none_is_an_error_of_ours() -> None:
    with pytest.raises((ProtocolError, Unreachable)):
        post("nonsense")
