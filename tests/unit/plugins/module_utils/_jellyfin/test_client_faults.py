# SPDX-License-Identifier: GPL-3.0-or-later
"""The Jellyfin client with the real transport and a faulty server."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core import transport
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import (
    MediaserverError,
    ProtocolError,
    Unreachable,
)
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.client import (
    JellyfinClient,
    RequestFailed,
)

Reply = Callable[[socket.socket], None]


class FaultyServer:
    """Reads the head of each request and lets a function send the reply."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.received: list[bytes] = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                self.received.append(connection.recv(65536))
                self.reply(connection)

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(timeout=10)


Start = Callable[[Reply], FaultyServer]


@pytest.fixture
def start() -> Iterator[Start]:
    servers: list[FaultyServer] = []

    def begin(reply: Reply) -> FaultyServer:
        servers.append(FaultyServer(reply))
        return servers[-1]

    yield begin
    for server in servers:
        server.close()


def client_of(url: str, timeout: float = 5) -> JellyfinClient:
    return JellyfinClient(
        transport.UrlHttp(max_bytes=65536),
        url,
        client="tests",
        device_id="tests",
        clock=time,
        token="s3cret-key",
        timeout=timeout,
    )


def bytes_of(text: str) -> Reply:
    return lambda connection: connection.sendall(text.replace("\n", "\r\n").encode())


def drip(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(100):
        connection.sendall(b" ")
        time.sleep(0.1)


def silence(connection: socket.socket) -> None:
    connection.settimeout(3)
    connection.recv(1)


FAULTS: dict[str, tuple[Reply, type[MediaserverError], str]] = {
    "closes at once": (lambda _: None, Unreachable, ""),
    "truncated head": (bytes_of("HTTP/1.1 20"), Unreachable, ""),
    "truncated body": (bytes_of('HTTP/1.1 200 OK\nContent-Length: 100\n\n{"a": 1}'), Unreachable, "cut in the middle"),
    "truncated chunk": (bytes_of('HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n50\n{"a": 1}'), Unreachable, ""),
    "silent": (silence, Unreachable, "no answer in time"),
    "slow bytes": (drip, Unreachable, "no whole answer in"),
    "not HTTP": (bytes_of("SSH-2.0-OpenSSH_10.0\n"), Unreachable, ""),
    "HTML": (bytes_of("HTTP/1.1 200 OK\n\n<html>Log in to your router</html>"), ProtocolError, "not JSON"),
    "incomplete object": (bytes_of('HTTP/1.1 200 OK\nContent-Length: 8\n\n{"a": [1'), ProtocolError, "not JSON"),
    "invalid length": (bytes_of("HTTP/1.1 200 OK\nContent-Length: x\n\n{}"), ProtocolError, ""),
    "too much": (bytes_of("HTTP/1.1 200 OK\n\n" + " " * 100_000), ProtocolError, "longer than 65536 bytes"),
}


@pytest.mark.parametrize(("reply", "kind", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_fault_ends_in_an_error_within_the_timeout(
    start: Start, reply: Reply, kind: type[MediaserverError], message: str
) -> None:
    server = start(reply)
    begin = time.monotonic()
    with pytest.raises(kind) as caught:
        client_of(server.url, timeout=1).get("/System/Info")
    assert time.monotonic() - begin < 3
    assert str(caught.value).startswith(f"GET {server.url}/System/Info: ")
    assert message in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_to_another_host_is_not_followed(start: Start, status: int) -> None:
    other = start(bytes_of("HTTP/1.1 200 OK\nContent-Length: 2\n\n{}"))
    server = start(bytes_of(f"HTTP/1.1 {status} Moved\nLocation: {other.url}/steal\nContent-Length: 0\n\n"))
    client = client_of(server.url)
    for call in (client.get, client.post, client.delete):
        with pytest.raises(RequestFailed, match="which is not followed"):
            call("/System/Info")
    assert len(server.received) == 3
    assert other.received == []


def test_key_is_sent_only_in_the_authorization_header(start: Start) -> None:
    server = start(bytes_of("HTTP/1.1 200 OK\nContent-Length: 2\n\n{}"))
    assert client_of(server.url).get("/System/Info") == {}
    head = server.received[0].decode()
    assert head.startswith("GET /System/Info HTTP/1.1\r\n")
    assert head.count("s3cret-key") == 1
    assert 'Authorization: MediaBrowser Token="s3cret-key", Client="tests"' in head


def test_post_without_a_body_has_content_length_0(start: Start) -> None:
    server = start(bytes_of("HTTP/1.1 204 No Content\n\n"))
    assert client_of(server.url).post("/Startup/Complete") is None
    assert "content-length: 0\r\n" in server.received[0].decode().lower()
    assert "content-type" not in server.received[0].decode().lower()


def test_proxies_of_the_environment_are_not_used(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = start(bytes_of("HTTP/1.1 200 OK\nContent-Length: 2\n\n[]"))
    server = start(bytes_of("HTTP/1.1 200 OK\nContent-Length: 2\n\n{}"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    monkeypatch.delenv("no_proxy", raising=False)
    assert client_of(server.url).get("/System/Info") == {}
    assert proxy.received == []
