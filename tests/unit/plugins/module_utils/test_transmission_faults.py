# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's whole way over a real socket to a server that fails in the middle: clear words, nothing half-written."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core import transport
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import (
    MediaserverError,
    ProtocolError,
    Unreachable,
)
from ansible_collections.household.mediaserver.plugins.module_utils._core.json_file import JsonFile
from ansible_collections.household.mediaserver.plugins.module_utils._core.supervisor import Unmanaged
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.client import TransmissionClient
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.model import read_wanted
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.settings import TransmissionSettings

PASSWORD = "correct horse"
FILE = '{"speed-limit-up": 1, "umask": 18}'
SESSION = {"version": "4.1.4", "speed_limit_up": 1}
HANDSHAKE = b"HTTP/1.1 409 Conflict\r\nX-Transmission-Session-Id: a\r\nX-Transmission-Rpc-Version: 6.0.1\r\n"
# What the run asks, in its order: the handshake, what is, the change, and what is then.
CALLS = ["handshake", "session_get", "session_set", "session_get again"]
TIMEOUT_S = 0.4


def whole(body: bytes, status: bytes = b"HTTP/1.1 200 OK\r\n") -> bytes:
    return status + b"Content-Length: %d\r\n\r\n" % len(body) + body


class Server:
    """Answers as 4.1 does, but for one call, counted from 0, which is given to `fault`."""

    def __init__(self, at: int, fault: Callable[[socket.socket], None]) -> None:
        self.at = at
        self.fault = fault
        self.seen: list[str] = []
        self.changed = False
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/transmission/rpc"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                with connection, contextlib.suppress(OSError):
                    self.answer(connection)

    def answer(self, connection: socket.socket) -> None:
        call = self.read(connection)
        number = len(self.seen)
        self.seen.append(call["method"])
        if number == self.at:
            self.fault(connection)
        elif number == 0:
            connection.sendall(whole(b"", HANDSHAKE))
        else:
            told = {**SESSION, "speed_limit_up": 7 if self.changed else 1}
            self.changed |= call["method"] == "session_set"
            result = told if call["method"] == "session_get" else {}
            connection.sendall(whole(json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode()))

    @staticmethod
    def read(connection: socket.socket) -> dict[str, Any]:
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        (length,) = [
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
        ]
        while len(body) < length:
            body += connection.recv(65536)
        found: dict[str, Any] = json.loads(body)
        return found


def send(data: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(data)


def drip(head: bytes) -> Callable[[socket.socket], None]:
    """One byte at a time: no socket's timeout ever comes."""

    def slow(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(60):
            time.sleep(0.1)
            connection.sendall(b"x")

    return slow


def silent(connection: socket.socket) -> None:
    time.sleep(4 * TIMEOUT_S)


REDIRECT = b"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.2:1/stolen\r\nContent-Length: 0\r\n\r\n"
FAULTS: dict[str, tuple[Callable[[socket.socket], None], type[MediaserverError], str]] = {
    "cut before the answer": (send(b""), Unreachable, "."),
    "cut in the first line": (send(b"HTTP/1.1 2"), Unreachable, "."),
    "cut in the headers": (send(b"HTTP/1.1 200 OK\r\nContent-Le"), MediaserverError, "."),
    "cut in the body": (send(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"json'), Unreachable, "cut|Incomplete"),
    "no HTTP": (send(b"SSH-2.0-OpenSSH_9.2\r\n"), MediaserverError, "."),
    "never": (silent, Unreachable, "no answer in time|no whole answer"),
    "drip in the headers": (drip(b"HTTP/1.1 200 OK\r\nX: "), Unreachable, "no whole answer in"),
    "drip in the body": (drip(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"), Unreachable, "no whole answer in"),
    # http.client lets go of its socket before such an answer has ended.
    "drip without a length": (drip(b"HTTP/1.0 200 OK\r\n\r\n"), Unreachable, "no whole answer in"),
    "wrong JSON": (send(whole(b'{"jsonrpc": "2.0", "result": ')), ProtocolError, "not Transmission's answer"),
    "other JSON": (send(whole(b'{"status": "ok"}')), ProtocolError, "not Transmission's answer"),
    "no text": (send(whole(b"\xff\xfe\x00")), ProtocolError, "not Transmission's answer"),
    "huge": (send(whole(b" " * 9000)), ProtocolError, "longer than 8000 bytes"),
    "huge without a length": (send(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 9000), ProtocolError, "longer than 8000 bytes"),
    "redirect": (send(REDIRECT), ProtocolError, "unexpected status 301"),
    "server error": (send(whole(b"oh no", b"HTTP/1.1 500 Error\r\n")), ProtocolError, "status 500"),
}


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "GRACE_S", 0.2)


@contextlib.contextmanager
def serving(at: int, fault: Callable[[socket.socket], None]) -> Iterator[Server]:
    server = Server(at, fault)
    try:
        yield server
    finally:
        server.socket.close()


def module(server: Server, path: Path) -> TransmissionSettings:
    return TransmissionSettings(
        wanted=read_wanted({"speed-limit-up": 7}),
        client=TransmissionClient(
            *(transport.UrlHttp(max_bytes=8000), server.url),
            **{"username": "family", "password": PASSWORD},
            timeout=TIMEOUT_S,
        ),
        supervisor=Unmanaged(),
        clock=time,
        file=JsonFile(str(path)),
        timeout=1,
    )


@pytest.mark.parametrize("at", range(len(CALLS)), ids=CALLS)
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_any_call_is_a_clear_failure_and_nothing_is_half_written(name: str, at: int, tmp_path: Path) -> None:
    fault, error, text = FAULTS[name]
    path = tmp_path / "settings.json"
    path.write_text(FILE)
    with serving(at, fault) as server:
        begin = time.monotonic()
        with pytest.raises(error, match=text) as caught:
            module(server, path).run()
        assert time.monotonic() - begin < 10 * TIMEOUT_S
        assert len(server.seen) == at + 1, "something was asked again, or after the fault"
    assert server.url in str(caught.value)
    assert PASSWORD not in str(caught.value)
    assert [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()] == [("settings.json", FILE)]


def test_without_a_fault_it_works(tmp_path: Path) -> None:
    """The positive control."""
    path = tmp_path / "settings.json"
    path.write_text(FILE)
    with serving(-1, silent) as server:
        assert module(server, path).run().plan.values() == {"speed-limit-up": 7}
    assert server.seen == ["session-get", "session_get", "session_set", "session_get"]
