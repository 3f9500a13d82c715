# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter before Docker's socket: its files, and a real haproxy with them before a socket that stands for Docker's.

Simulated: Docker itself, and the clients, whose calls are those that are known of autoheal and of watchtower.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import socketserver
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.docker import DOCKER_SOCKET
from ansible_collections.household.mediaserver.plugins.module_utils._services import docker_calls

ENTRYPOINTS = Path(__file__).resolve().parents[3] / "roles" / "stack" / "files" / "entrypoints"
HAPROXY = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
needs_haproxy = pytest.mark.skipif(HAPROXY is None, reason="haproxy is not installed on this machine")
ID = "0123456789abcdef" * 4
AUTOHEAL = [
    ("GET", '/containers/json?filters={"health":["unhealthy"],"label":["autoheal=true"]}'.replace('"', "%22")),
    ("POST", f"/containers/{ID}/restart?t=60"),
    ("GET", "/v1.45/containers/json"),
]
READS = [
    ("HEAD", "/_ping"),
    ("GET", "/_ping"),
    ("GET", "/v1.45/version"),
    ("GET", "/v1.45/info"),
    ("GET", "/v1.45/containers/json?all=1"),
    ("GET", f"/v1.45/containers/{ID}/json"),
    ("GET", "/v1.45/images/jellyfin/jellyfin:10.11.11/json"),
    ("GET", "/v1.45/images/registry.example:5000/a/b:1/json"),
    ("GET", f"/v1.45/images/sha256:{ID}/json"),
]
WRITES = [
    ("POST", "/v1.45/images/create?fromImage=jellyfin/jellyfin&tag=10.11.11"),
    ("POST", "/v1.45/containers/create?name=mediaserver-jellyfin-1"),
    ("POST", f"/v1.45/containers/{ID}/start"),
    ("POST", f"/v1.45/containers/{ID}/stop?t=60"),
    ("POST", f"/v1.45/containers/{ID}/kill?signal=SIGTERM"),
    ("POST", f"/v1.45/containers/{ID}/rename?name=old"),
    ("POST", f"/v1.45/containers/{ID}/wait?condition=removed"),
    ("DELETE", f"/v1.45/containers/{ID}?v=1"),
    ("DELETE", f"/v1.45/images/sha256:{ID}?force=1"),
    ("GET", "/v1.45/networks/mediaserver_jellyfin"),
    ("POST", "/v1.45/networks/mediaserver_jellyfin/connect"),
]
# Refused to all clients, in every mode.
NEVER = [
    ("GET", f"/containers/{ID}/archive?path=/run/secrets/key"),
    ("HEAD", f"/containers/{ID}/archive?path=/etc/shadow"),
    ("PUT", f"/containers/{ID}/archive?path=/"),
    ("GET", f"/containers/{ID}/export"),
    ("GET", f"/containers/{ID}/logs?stdout=1"),
    ("GET", f"/containers/{ID}/top"),
    ("POST", f"/containers/{ID}/exec"),
    ("POST", f"/exec/{ID}/start"),
    ("GET", f"/exec/{ID}/json"),
    ("POST", f"/containers/{ID}/attach?stream=1"),
    ("POST", f"/containers/{ID}/update"),
    ("POST", f"/containers/{ID}/pause"),
    ("GET", "/secrets"),
    ("GET", "/v1.45/secrets"),
    ("GET", "/configs"),
    ("GET", "/volumes"),
    ("DELETE", "/volumes/x"),
    ("POST", "/containers/prune"),
    ("POST", "/build"),
    ("POST", "/commit"),
    ("POST", "/session"),
    ("POST", "/grpc"),
    ("GET", "/events"),
    ("GET", "/system/df"),
    ("GET", "/"),
    ("POST", "/containers/json"),
    ("TRACE", "/containers/json"),
    # Other spellings of a path.
    ("GET", f"/containers/json/../{ID}/archive"),
    ("GET", f"/containers/{ID}/json/../archive"),
    ("GET", f"/containers/{ID}/%61rchive"),
    ("GET", f"/images/../containers/{ID}/archive/json"),
    ("GET", "/images/a/../../secrets/json"),
    ("GET", "/images/%2e%2e/secrets/json"),
    ("GET", f"//containers/{ID}/archive"),
    ("GET", "/containers/json/"),
    ("GET", "/containers/json%00"),
    ("GET", "/CONTAINERS/JSON"),
    ("GET", "/v1.45/v1.45/containers/json"),
    ("GET", "/v1.45x/containers/json"),
    ("POST", f"/containers/{ID}/restart/../exec"),
    ("POST", "/containers/mediaserver-vpn-1/restart"),
    ("POST", f"/containers/{ID[:12]}/restart"),
]


def test_the_files_are_those_of_the_table() -> None:
    found = {path.name: path.read_text(encoding="utf-8") for path in ENTRYPOINTS.glob("docker-*.cfg")}
    assert found == docker_calls.files(), "run `make docs`"


def test_monitoring_changes_nothing() -> None:
    assert {call.method for call in docker_calls.WATCHTOWER_MONITOR} == {"GET", "HEAD"}
    assert [(call.method, call.path.rpartition("/")[2]) for call in docker_calls.AUTOHEAL] == [
        ("GET", "json"),
        ("POST", "restart"),
    ]


class Docker(socketserver.ThreadingUnixStreamServer):
    """Stands for Docker: answers everything, and notes it."""

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        self.calls: list[str] = []
        super().__init__(str(path), Answers)


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Docker

    def address_string(self) -> str:
        return ""

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            assert self.rfile.readline() == b"0\r\n", "what the tests send is empty"
            self.rfile.readline()
        self.server.calls.append(f"{self.command} {self.path} {self.headers.get('Upgrade', '')}".strip())
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"[]")


class Filter:
    """A running haproxy with the shipped files, at paths of this test."""

    def __init__(self, folder: Path, docker: Docker) -> None:
        self.folder, self.docker = folder, docker

    def status(self, client: str, method: str, path: str, extra: str = "") -> int:
        """Send one request, byte by byte as it is written here; return the status of its answer."""
        text = f"{method} {path} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n{extra}Content-Length: 0\r\n\r\n"
        return self.raw(client, text.encode())

    def raw(self, client: str, request: bytes) -> int:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(10)
            line.connect(str(self.folder / "sockets" / client / "docker.sock"))
            line.sendall(request)
            answer = b"".join(iter(lambda: line.recv(65536), b""))
        return int(answer.split()[1])


def listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as line:
        return line.connect_ex(str(path)) == 0


@contextlib.contextmanager
def running(tmp_path: Path, mode: str) -> Iterator[Filter]:
    for client in ("autoheal", "watchtower"):
        (tmp_path / "sockets" / client).mkdir(parents=True, exist_ok=True)
    docker = Docker(tmp_path / "docker.sock")
    threading.Thread(target=docker.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    (tmp_path / "entrypoints").mkdir()
    for path in (*ENTRYPOINTS.glob("docker-*.cfg"), ENTRYPOINTS / "socket-proxy.sh"):
        text = path.read_text(encoding="utf-8").replace(DOCKER_SOCKET, str(tmp_path / "docker.sock"))
        text = text.replace("/sockets/", f"{tmp_path}/sockets/").replace("/entrypoints/", f"{tmp_path}/entrypoints/")
        (tmp_path / "entrypoints" / path.name).write_text(text)
    environment = {"PATH": f"{os.environ['PATH']}:/usr/sbin", "WATCHTOWER_MODE": mode}
    log = (tmp_path / "log").open("w")
    process = subprocess.Popen(
        ["/bin/sh", str(tmp_path / "entrypoints" / "socket-proxy.sh")], env=environment, stdout=log, stderr=log
    )
    try:
        deadline = time.monotonic() + 20
        while not all(listens(tmp_path / "sockets" / one / "docker.sock") for one in ("autoheal", "watchtower")):
            assert process.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield Filter(tmp_path, docker)
    finally:
        process.terminate()
        process.wait(timeout=10)
        docker.shutdown()
        docker.server_close()
        log.close()


@pytest.fixture(scope="module", params=["monitor", "update"])
def proxy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Filter]]:
    with running(tmp_path_factory.mktemp("filter"), request.param) as found:
        yield request.param, found


@needs_haproxy
def test_each_client_gets_what_it_needs(proxy: tuple[str, Filter]) -> None:
    mode, found = proxy
    allowed = {"autoheal": AUTOHEAL, "watchtower": [*READS, *(WRITES if mode == "update" else [])]}
    for client, calls in allowed.items():
        for method, path in calls:
            found.docker.calls.clear()
            assert (found.status(client, method, path), client, method, path) == (200, client, method, path)
            assert found.docker.calls == [f"{method} {path}"], "Docker gets it as it was sent"


@needs_haproxy
def test_everything_else_is_refused(proxy: tuple[str, Filter]) -> None:
    mode, found = proxy
    others = {
        "autoheal": [*NEVER, *WRITES, *READS[:4], *READS[5:]],
        "watchtower": [*NEVER, AUTOHEAL[1], *(WRITES if mode == "monitor" else [])],
    }
    found.docker.calls.clear()
    for client, calls in others.items():
        for method, path in calls:
            # haproxy itself answers 400 to what is no request.
            assert found.status(client, method, path) in (400, 403), (client, method, path)
        wrong = [(method, path) for method, path in calls if found.status(client, method, path) == 400]
        assert wrong == []
    assert found.docker.calls == []


@needs_haproxy
def test_no_connection_becomes_a_stream(proxy: tuple[str, Filter]) -> None:
    _mode, found = proxy
    found.docker.calls.clear()
    upgrade = "Upgrade: h2c\r\n"
    assert found.status("watchtower", "GET", "/containers/json", upgrade) == 200
    assert found.docker.calls == ["GET /containers/json"]


@needs_haproxy
@pytest.mark.parametrize(
    "request_text",
    [
        # Two requests in the body of one, as the two sides might count its length differently.
        "GET /containers/json HTTP/1.1\r\nHost: d\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
        "0\r\n\r\nGET /secrets HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n",
        "GET /containers/json HTTP/1.1\r\nHost: d\r\n\r\nGET /secrets HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n",
        f"GET http://docker/containers/{ID}/archive HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n",
        "GET  /secrets HTTP/1.1\r\n\r\n",
        "\x00\r\n\r\n",
    ],
)
def test_a_second_request_is_judged_as_well(proxy: tuple[str, Filter], request_text: str) -> None:
    _mode, found = proxy
    found.docker.calls.clear()
    found.raw("autoheal", request_text.encode())
    assert not [call for call in found.docker.calls if not call.startswith("GET /containers/json")]


@needs_haproxy
def test_the_sockets_are_for_root_alone(proxy: tuple[str, Filter]) -> None:
    _mode, found = proxy
    for client in ("autoheal", "watchtower"):
        mode = (found.folder / "sockets" / client / "docker.sock").stat().st_mode
        assert (stat.S_ISSOCK(mode), stat.S_IMODE(mode)) == (True, 0o600)


@needs_haproxy
def test_only_refusals_are_logged(tmp_path: Path) -> None:
    with running(tmp_path, "monitor") as found:
        found.status("autoheal", "GET", "/containers/json")
        found.status("autoheal", "POST", f"/containers/{ID}/exec")
        # A line is written after the answer.
        deadline = time.monotonic() + 5
        while "exec" not in (tmp_path / "log").read_text() and time.monotonic() < deadline:
            time.sleep(0.05)
    lines = [line for line in (tmp_path / "log").read_text().splitlines() if "containers" in line]
    assert len(lines) == 1
    assert lines[0].endswith(f"autoheal: POST /containers/{ID}/exec: status 403")


@needs_haproxy
def test_a_silent_docker_is_an_error_and_nothing_hangs(tmp_path: Path) -> None:
    with running(tmp_path, "monitor") as found:
        found.docker.shutdown()
        found.docker.server_close()
        (tmp_path / "docker.sock").unlink()
        start = time.monotonic()
        assert found.status("autoheal", "GET", "/containers/json") == 503
        assert time.monotonic() - start < 30


@needs_haproxy
def test_a_socket_that_a_power_cut_has_left_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "sockets" / "autoheal"
    folder.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(str(folder / "docker.sock"))
    with running(tmp_path, "monitor") as found:
        assert found.status("autoheal", "GET", "/containers/json") == 200
