# SPDX-License-Identifier: GPL-3.0-or-later
"""Transmission as it is asked for its port, over real HTTP; what answers in its place can do no harm."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from mediaserver.tunnel import port_forwarding
from mediaserver.tunnel.port_forwarding import Transmission, TransmissionError


class Call(NamedTuple):
    authorization: str | None
    session: str | None
    body: dict[str, Any]


Reply = tuple[int, dict[str, str], bytes]


def success(**arguments: object) -> Reply:
    return 200, {}, json.dumps({"result": "success", "arguments": arguments}).encode()


def conflict(session: str) -> Reply:
    return 409, {port_forwarding.SESSION: session}, b"<h1>409: Conflict</h1>"


@contextlib.contextmanager
def rpc(*replies: Reply) -> Iterator[tuple[Transmission, list[Call]]]:
    """Answer each request with the next reply; hand out a client, and what was asked."""
    calls: list[Call] = []
    left = list(replies)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            calls.append(Call(self.headers["Authorization"], self.headers[port_forwarding.SESSION], body))
            status, headers, text = left.pop(0) if left else (500, {}, b"asked more often than was foreseen")
            if not status:
                self.wfile.write(text)
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", headers.get("Content-Length", str(len(text))))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}/transmission/rpc"
            yield Transmission(url, "family", "pass:wörd", device="lo"), calls
        finally:
            server.shutdown()
            thread.join()
    assert not left


def test_the_port_is_read_with_name_and_password() -> None:
    with rpc(success(**{"peer-port": 51413})) as (transmission, calls):
        assert transmission.peer_port() == 51413
    # printf 'family:pass:wörd' | base64
    assert calls == [
        Call("Basic ZmFtaWx5OnBhc3M6d8O2cmQ=", None, {"method": "session-get", "arguments": {"fields": ["peer-port"]}})
    ]


def test_a_session_id_is_taken_once_and_kept() -> None:
    with rpc(conflict("one"), success(), success(**{"peer-port": 40000})) as (transmission, calls):
        transmission.set_peer_port(40000)
        assert transmission.peer_port() == 40000
    assert [call.session for call in calls] == [None, "one", "one"]
    assert calls[0].body == calls[1].body == {"method": "session-set", "arguments": {"peer-port": 40000}}


def test_a_session_id_that_is_over_is_replaced() -> None:
    with rpc(conflict("one"), success(), conflict("two"), success()) as (transmission, calls):
        transmission.set_peer_port(1)
        transmission.set_peer_port(2)
    assert [call.session for call in calls] == [None, "one", "one", "two"]


def test_no_session_id_is_asked_for_without_end() -> None:
    with (
        rpc(conflict("one"), conflict("two")) as (transmission, calls),
        pytest.raises(TransmissionError, match="answers session-get with status 409"),
    ):
        transmission.peer_port()
    assert len(calls) == 2


def test_nobody_is_led_elsewhere() -> None:
    with rpc(success(**{"peer-port": 40000})) as (elsewhere, visited):
        place = f"http://127.0.0.1:{elsewhere._where.port}/transmission/rpc"
        with (
            rpc((302, {"Location": place}, b"")) as (transmission, _),
            pytest.raises(TransmissionError, match="status 302"),
        ):
            transmission.peer_port()
        assert visited == []
        assert elsewhere.peer_port() == 40000, "the control: the other place would have answered"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ((401, {}, b"Unauthorized"), "session-get with status 401"),
        ((409, {}, b""), "session-get with status 409"),
        ((200, {}, b'{"result": "no such method"}'), "not say success to session-get"),
        ((200, {}, b"{}"), "not say success to session-get"),
        ((200, {}, b"<html>"), "in Transmission's place is not Transmission"),
        ((200, {}, b"\xff\xfe\xff"), "in Transmission's place is not Transmission"),
        ((200, {}, b"[" * 100_000), "in Transmission's place is not Transmission"),
        ((200, {}, b"[]"), "not say success to session-get"),
        ((200, {}, b"null"), "not say success to session-get"),
        ((200, {"Content-Length": "100"}, b'{"result"'), "Transmission"),
        ((0, {}, b"SSH-2.0-OpenSSH\r\n"), "does not speak HTTP"),
    ],
)
def test_nonsense_is_one_kind_of_error_after_one_question(reply: Reply, words: str) -> None:
    with rpc(reply) as (transmission, calls), pytest.raises(TransmissionError, match=words):
        transmission.peer_port()
    assert len(calls) == 1


@pytest.mark.parametrize("body", [b'"arguments": [7]', b'"arguments": {"peer-port": null}', b'"arguments": {}'])
def test_an_answer_without_the_port_is_no_port(body: bytes) -> None:
    with rpc((200, {}, b'{"result": "success", ' + body + b"}")) as (transmission, _):
        assert transmission.peer_port() == 0


def test_nobody_there_is_an_os_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(OSError, match="refused"):
        Transmission(f"http://127.0.0.1:{port}/", "family", "secret", device="lo").peer_port()


def test_a_client_is_made_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "transmission.json"
    with pytest.raises(FileNotFoundError):
        Transmission.from_file(path)
    path.write_text('{"url": "http://127.0.0.1/", "user": "family"}')
    with pytest.raises(KeyError):
        Transmission.from_file(path)


def test_without_the_bridge_the_password_goes_nowhere(tmp_path: Path) -> None:
    """As a control, the same listener is asked by the interface that is there."""
    path = tmp_path / "transmission.json"
    with rpc(success(**{"peer-port": 51413})) as (transmission, calls):
        url = transmission._where.geturl()
        path.write_text(json.dumps({"url": url, "user": "family", "password": "secret"}))
        with pytest.raises(OSError, match="No such device"):
            Transmission.from_file(path).peer_port()
        assert calls == []
        assert transmission.peer_port() == 51413
    assert len(calls) == 1
