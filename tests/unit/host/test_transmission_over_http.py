# SPDX-License-Identifier: GPL-3.0-or-later
"""Transmission as vpn-monitor asks it, over real HTTP; what answers in its place can do no harm."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from mediaserver._core import transport
from mediaserver._core.errors import AccessDenied, FileProblem, MediaserverError, ProtocolError, TooLong, Unreachable
from mediaserver._transmission.client import SESSION_HEADER, TransmissionClient
from mediaserver.monitor import torrents


class Call(NamedTuple):
    authorization: str | None
    session: str | None
    body: dict[str, Any]


Reply = tuple[int, dict[str, str], bytes]
SECRET = "pass:wörd"


def success(**arguments: object) -> Reply:
    return 200, {}, json.dumps({"result": "success", "arguments": arguments}).encode()


def conflict(session: str, **headers: str) -> Reply:
    return 409, {SESSION_HEADER: session, **headers}, b"<h1>409: Conflict</h1>"


class Daemon:
    """Answers each request with the next reply, and notes what it was asked."""

    def __init__(self, *replies: Reply) -> None:
        self.left = list(replies)
        self.calls: list[Call] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/transmission/rpc"

    def handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        daemon = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                daemon.calls.append(Call(self.headers["Authorization"], self.headers[SESSION_HEADER], body))
                status, headers, text = daemon.left.pop(0) if daemon.left else (500, {}, b"an unexpected call")
                if not status:
                    self.wfile.write(text)
                    return
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", headers.get("Content-Length", str(len(text))))
                self.end_headers()
                with contextlib.suppress(OSError):  # the client may hang up early
                    self.wfile.write(text)

            def log_message(self, *_: object) -> None: ...

        return Handler


@contextlib.contextmanager
def serving(*replies: Reply) -> Iterator[Daemon]:
    daemon = Daemon(*replies)
    with http.server.HTTPServer(("127.0.0.1", 0), daemon.handler()) as server:
        daemon.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield daemon
        finally:
            server.shutdown()
            thread.join()
    assert not daemon.left


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder whose VPN network is on the loopback interface."""
    monkeypatch.setattr(torrents, "VPN_BRIDGE", "lo")
    (tmp_path / "gateway").mkdir()
    return tmp_path


def client(root: Path, url: str) -> TransmissionClient:
    found = {"url": url, "user": "family", "password": SECRET}
    (root / "gateway" / "transmission.json").write_text(json.dumps(found))
    return torrents.transmission(root)


def test_it_is_asked_with_name_and_password_and_keeps_its_session(root: Path) -> None:
    with serving(conflict("one"), success(**{"peer-port": 51413}), success()) as daemon:
        asked = client(root, daemon.url)
        assert asked.session_get() == {"peer-port": 51413}
        asked.session_set({"peer-port": 40000})
    # printf 'family:pass:wörd' | base64
    assert {call.authorization for call in daemon.calls} == {"Basic ZmFtaWx5OnBhc3M6d8O2cmQ="}
    assert [call.session for call in daemon.calls] == [None, "one", "one"]
    assert daemon.calls[2].body == {"method": "session-set", "arguments": {"peer-port": 40000}}


TORRENT = {"id": 1, "status": 4, "downloadedEver": 7, "peersConnected": 0}
TRACKER = {"lastAnnounceSucceeded": True, "seederCount": 3}


def test_torrents_of_the_older_protocol(root: Path) -> None:
    whole = {**TORRENT, "trackerStats": [TRACKER]}
    with serving(conflict("one"), success(torrents=[whole]), success()) as daemon:
        asked = client(root, daemon.url)
        assert asked.torrents(torrents.FIELDS) == [whole]
        asked.reannounce()
    assert [call.body for call in daemon.calls[1:]] == [
        {"method": "torrent-get", "arguments": {"fields": list(torrents.FIELDS)}},
        {"method": "torrent-reannounce", "arguments": {}},
    ]


def test_torrents_of_json_rpc_have_the_same_names(root: Path) -> None:
    tracker = {"last_announce_succeeded": True, "seeder_count": 3}
    told = {"id": 1, "status": 4, "downloaded_ever": 7, "peers_connected": 0, "tracker_stats": [tracker]}
    answers = [{"torrents": [told]}, {}]
    replies = [(200, {}, json.dumps({"jsonrpc": "2.0", "id": 1, "result": one}).encode()) for one in answers]
    greeting = conflict("one", **{"X-Transmission-Rpc-Version": "6.0.1"})
    with serving(greeting, *replies) as daemon:
        asked = client(root, daemon.url)
        assert asked.torrents(torrents.FIELDS) == [{**TORRENT, "trackerStats": [TRACKER]}]
        asked.reannounce()
    fields = ["id", "status", "downloaded_ever", "peers_connected", "tracker_stats"]
    assert [call.body for call in daemon.calls[1:]] == [
        {"jsonrpc": "2.0", "id": 1, "method": "torrent_get", "params": {"fields": fields}},
        {"jsonrpc": "2.0", "id": 1, "method": "torrent_reannounce", "params": {}},
    ]


@pytest.mark.parametrize("torrents_", [None, 7, {"id": 1}, [7], [[]]], ids=str)
def test_an_answer_without_a_list_of_torrents_is_an_error(root: Path, torrents_: object) -> None:
    with (
        serving(success(torrents=torrents_)) as daemon,
        pytest.raises(ProtocolError, match="torrent-get: the answer has no list of torrents"),
    ):
        client(root, daemon.url).torrents(torrents.FIELDS)


def test_a_redirect_is_not_followed(root: Path) -> None:
    with serving(success(**{"peer-port": 40000})) as elsewhere:
        with (
            serving((302, {"Location": elsewhere.url}, b"")) as daemon,
            pytest.raises(ProtocolError, match="status 302"),
        ):
            client(root, daemon.url).session_get()
        assert elsewhere.calls == []
        assert client(root, elsewhere.url).session_get() == {"peer-port": 40000}, "the control"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ((401, {}, b"Unauthorized"), AccessDenied),
        ((409, {}, b""), ProtocolError),
        ((200, {}, b'{"result": "no such method"}'), ProtocolError),
        ((200, {}, b"{}"), ProtocolError),
        ((200, {}, b"<html>"), ProtocolError),
        ((200, {}, b"\xff\xfe\xff"), ProtocolError),
        ((200, {}, b"[" * 100_000), ProtocolError),
        ((200, {}, b"[]"), ProtocolError),
        ((200, {}, b"null"), ProtocolError),
        ((200, {}, b" " * (torrents.LONGEST_ANSWER + 1)), TooLong),
        ((200, {"Content-Length": "100"}, b'{"result"'), Unreachable),
        ((0, {}, b"SSH-2.0-OpenSSH\r\n"), Unreachable),
    ],
    ids=lambda one: repr(one)[:40],
)
def test_nonsense_is_an_error_after_one_request(root: Path, reply: Reply, kind: type[MediaserverError]) -> None:
    with serving(reply) as daemon, pytest.raises(kind) as caught:
        client(root, daemon.url).session_get()
    assert len(daemon.calls) == 1
    assert "wörd" not in str(caught.value)


def test_session_ids_without_end_are_an_error(root: Path) -> None:
    with (
        serving(*(conflict(str(number)) for number in range(3))) as daemon,
        pytest.raises(ProtocolError, match="asked for a new session id 3 times"),
    ):
        client(root, daemon.url).session_get()


def test_an_answer_that_comes_byte_by_byte_ends_in_time(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes in time; the whole does not."""
    monkeypatch.setattr(torrents, "RPC_TIMEOUT_S", 0.3)
    monkeypatch.setattr(transport, "GRACE_S", 0.2)
    done = threading.Event()

    def drip(listener: socket.socket) -> None:
        connection, _address = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
            while not done.wait(0.05):
                connection.sendall(b" ")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,))
        thread.start()
        begun = time.monotonic()
        with pytest.raises(Unreachable, match="no whole answer"):
            client(root, f"http://127.0.0.1:{listener.getsockname()[1]}/").session_get()
        assert time.monotonic() - begun < 5
        done.set()
        thread.join(10)


def test_a_closed_port_is_unreachable(root: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(Unreachable, match="Connection refused") as caught:
        client(root, f"http://127.0.0.1:{port}/").session_get()
    assert caught.value.refused


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"url": "http://127.0.0.1/", "user": "family"}'])
def test_an_access_file_that_is_missing_or_damaged_is_named(root: Path, text: str | None) -> None:
    path = root / "gateway" / "transmission.json"
    if text is not None:
        path.write_text(text)
    what = "does not exist" if text is None else "is damaged"
    with pytest.raises(FileProblem, match=rf"transmission\.json {what}; run the playbook again"):
        torrents.transmission(root)


def test_without_the_bridge_the_password_goes_nowhere(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a control, the same listener is asked by the interface that is there."""
    with serving(success(**{"peer-port": 51413})) as daemon:
        monkeypatch.setattr(torrents, "VPN_BRIDGE", "br-nowhere")
        with pytest.raises(Unreachable, match="No such device"):
            client(root, daemon.url).session_get()
        assert daemon.calls == []
        monkeypatch.setattr(torrents, "VPN_BRIDGE", "lo")
        assert client(root, daemon.url).session_get() == {"peer-port": 51413}


def test_a_url_with_tls_is_refused_where_the_bridge_is_named(root: Path) -> None:
    with pytest.raises(ProtocolError, match="only http://"):
        client(root, "https://127.0.0.1/").session_get()
