# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers to Jellyfin's discovery broadcast: their form, who gets one, how many, and the program as a process."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
from mediaserver._core.errors import FileProblem, Unreachable
from mediaserver._core.transport import Response
from mediaserver.discovery import answer, responder
from mediaserver.discovery.answer import Identity, Limiter, Settings
from mediaserver.discovery.responder import Responder

SCRIPT = Path(__file__).parents[3] / "roles" / "runtime" / "files" / "scripts" / "jellyfin-discovery"
ID = "756f79f2a96248588425822bd9b37337"
# As a Jellyfin 12.0 on this host has answered it.
RECORDED = (
    b'{"Address":"http://127.0.0.1:8096","Id":"756f79f2a96248588425822bd9b37337","Name":"living-room",'
    b'"EndpointAddress":null}'
)
INFO = {"LocalAddress": "http://172.30.1.2:8096", "ServerName": "living-room", "Version": "12.0.0", "Id": ID}
QUESTION = b"Who is JellyfinServer?"
LAN = (IPv4Network("192.168.1.0/24"), IPv4Network("127.0.0.0/8"))
SETTINGS = Settings(LAN, "http://127.0.0.1:8096", "", ":8096")
FIXED = Settings(LAN, "http://127.0.0.1:8096", "https://films.example.org", ":8096")


class Jellyfin:
    """A transport that answers as a Jellyfin, and counts."""

    def __init__(
        self, body: bytes = json.dumps(INFO).encode(), status: int = 200, error: Exception | None = None
    ) -> None:
        self.body, self.status, self.error, self.asked = body, status, error, 0

    def request(self, method: str, url: str, **more: Any) -> Response:
        assert (method, url) == ("GET", "http://127.0.0.1:8096/System/Info/Public")
        self.asked += 1
        if self.error:
            raise self.error
        return Response(self.status, {}, self.body)


def test_has_exactly_the_form_of_the_real_answer() -> None:
    assert answer.answer(Identity(ID, "living-room"), "http://127.0.0.1:8096") == RECORDED
    assert Responder(SETTINGS, Jellyfin()).respond(QUESTION, "127.0.0.1", 0.0) == RECORDED


@pytest.mark.parametrize(
    ("packet", "answered"),
    [
        (QUESTION, True),
        (b"WHO IS JELLYFINSERVER?", True),
        (b"who is jellyfinserver?\0\r\n", True),
        (b"Who is JellyfinServer", False),
        (b"Who is EmbyServer?", False),
        (b"", False),
        (b"\xff\xfe\x00", False),
        (QUESTION + b"x" * 300, False),
    ],
)
def test_answers_the_question_and_nothing_else(packet: bytes, answered: bool) -> None:
    jellyfin = Jellyfin()
    assert (Responder(FIXED, jellyfin).respond(packet, "192.168.1.7", 0.0) is not None) is answered
    assert jellyfin.asked == int(answered)


@pytest.mark.parametrize(
    ("client", "answered"),
    [
        ("192.168.1.7", True),
        ("192.168.2.7", False),
        ("203.0.113.9", False),
        ("0.0.0.0", False),
        ("255.255.255.255", False),
        ("224.0.0.1", False),
        ("nonsense", False),
        ("::1", False),
    ],
)
def test_never_answers_outside_the_lan(client: str, answered: bool) -> None:
    jellyfin = Jellyfin()
    assert (Responder(FIXED, jellyfin).respond(QUESTION, client, 0.0) is not None) is answered
    assert jellyfin.asked == int(answered)


def test_an_open_lan_contains_no_broadcast_address() -> None:
    open_lan = Settings((IPv4Network("0.0.0.0/0"),), "", "", "")
    assert answer.is_in_lan("203.0.113.9", open_lan)
    assert not answer.is_in_lan("255.255.255.255", open_lan)
    assert not answer.is_in_lan("239.1.1.1", open_lan)


def test_gives_the_published_address_where_there_is_one() -> None:
    found = Responder(FIXED, Jellyfin()).respond(QUESTION, "192.168.1.7", 0.0)
    assert json.loads(found or b"")["Address"] == "https://films.example.org"


@pytest.mark.parametrize(
    "jellyfin",
    [
        Jellyfin(
            json.dumps({"id": ID, "serverName": "x", "startupWizardCompleted": False}).encode()
        ),  # it still starts
        Jellyfin(b"Jellyfin is loading", 503),
        Jellyfin(json.dumps(INFO).encode(), 503),
        Jellyfin(b"[]"),
        Jellyfin(b"[" * 100_000),
        Jellyfin(b"\xff"),
        Jellyfin(json.dumps({**INFO, "Id": "../.."}).encode()),
        Jellyfin(json.dumps({**INFO, "ServerName": None}).encode()),
        Jellyfin(error=Unreachable("refused", refused=True)),
    ],
    ids=["starting", "loading", "unhealthy", "list", "deep", "bytes", "id", "name", "down"],
)
def test_a_jellyfin_that_does_not_serve_is_not_announced(jellyfin: Jellyfin) -> None:
    found = Responder(FIXED, jellyfin)
    assert found.respond(QUESTION, "192.168.1.7", 0.0) is None
    assert found.respond(QUESTION, "192.168.1.7", 1.0) is None
    assert jellyfin.asked == 1, "not asked again at once"
    jellyfin.body, jellyfin.status, jellyfin.error = json.dumps(INFO).encode(), 200, None
    assert found.respond(QUESTION, "192.168.1.7", responder.UNKNOWN_S + 1) is not None


def test_asks_jellyfin_once_a_minute_at_most() -> None:
    jellyfin = Jellyfin()
    found = Responder(FIXED, jellyfin)
    for second in range(60):
        found.respond(QUESTION, f"192.168.1.{second + 1}", float(second))
    assert jellyfin.asked == 1
    found.respond(QUESTION, "192.168.1.1", responder.KNOWN_S)
    assert jellyfin.asked == 2


def test_answers_to_one_client_are_bounded() -> None:
    found = Responder(FIXED, Jellyfin())
    times = [found.respond(QUESTION, "192.168.1.7", 100.0 + i / 100) for i in range(1000)]
    # Ten seconds: a burst, then one a second.
    assert sum(one is not None for one in times) == answer.CLIENT_BURST + 9
    assert found.respond(QUESTION, "192.168.1.8", 110.0) is not None


def test_answers_to_all_clients_are_bounded_and_so_is_what_is_remembered() -> None:
    limiter = Limiter()
    permitted = sum(limiter.permits(f"10.{i >> 8}.{i & 255}.1", 100.0 + i / 1000) for i in range(10_000))
    assert permitted <= answer.BURST + 10 * answer.RATE + 1
    assert len(limiter.clients) == answer.MAX_CLIENTS


def test_a_clock_that_steps_back_blocks_no_client() -> None:
    limiter = Limiter()
    assert limiter.permits("10.0.0.1", 1000.0)
    assert limiter.permits("10.0.0.1", 1.0)


@pytest.mark.parametrize("text", [None, "", "7", "{}", '{"lan": ["x"], "url": "", "address": "", "suffix": ""}'])
def test_damaged_settings_are_named(tmp_path: Path, text: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    if text is not None:
        (tmp_path / answer.SETTINGS).write_text(text)
    with pytest.raises(FileProblem, match="run the playbook again"):
        Settings.read(tmp_path)
    assert responder.main([], root=tmp_path, port=0) == 1
    assert "run the playbook again" in capsys.readouterr().err


def write_settings(root: Path, url: str, lan: list[str]) -> None:
    (root / answer.SETTINGS).write_text(json.dumps({"lan": lan, "url": url, "address": "", "suffix": ":8096"}))


def test_a_port_that_is_taken_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_settings(tmp_path, "http://127.0.0.1:1", [])
    with responder.listen(0) as line:
        assert responder.main([], root=tmp_path, port=line.getsockname()[1]) == 1
    assert "upkeep_discovery: false" in capsys.readouterr().err


class Server(BaseHTTPRequestHandler):
    """A Jellyfin that has started."""

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        body = json.dumps(INFO).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def jellyfin_url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from mediaserver.discovery.responder import main
sys.exit(main([], root=Path(sys.argv[2]), port=int(sys.argv[3])))
"""


def is_free(port: int) -> bool:
    try:
        responder.listen(port).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize(("lan", "answered"), [(["127.0.0.0/8"], True), (["10.99.0.0/16"], False)])
def test_the_program_answers_a_client_of_the_lan(
    tmp_path: Path, jellyfin_url: str, lan: list[str], answered: bool
) -> None:
    write_settings(tmp_path, jellyfin_url, lan)
    with responder.listen(0) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-c", PROGRAM, str(SCRIPT.parents[1] / "lib"), str(tmp_path), str(port)]
    process = subprocess.Popen(command)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(0.2)
            found = b""
            while is_free(port):  # it has not started yet
                assert process.poll() is None
                time.sleep(0.05)
            for _attempt in range(5):
                client.sendto(QUESTION, ("127.0.0.1", port))
                try:
                    found, sender = client.recvfrom(2048)
                except TimeoutError:
                    continue
                assert sender == ("127.0.0.1", port)
                break
        assert found == (RECORDED if answered else b"")
        assert process.poll() is None
        process.terminate()
        assert process.wait(timeout=10) == 0
    finally:
        process.kill()
        process.wait()
