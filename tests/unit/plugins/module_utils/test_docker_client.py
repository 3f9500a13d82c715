# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests to Docker, against a small server that answers what a test wants, byte for byte."""

from __future__ import annotations

import json
import select
import socket
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.docker import TIMEOUT_S, DockerClient
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import (
    DockerError,
    DockerNotFound,
)

WAIT_S = 5.0


class Engine:
    """Answers one connection with the bytes it was given, then hangs up."""

    def __init__(self, address: Path) -> None:
        self.address = str(address)
        self.asked = b""
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.address)
        self._listener.listen()
        self._listener.settimeout(WAIT_S)
        self._thread: threading.Thread | None = None

    def answer(self, text: bytes) -> None:
        self._thread = threading.Thread(target=self._serve, args=(text,))
        self._thread.start()

    def accept(self) -> socket.socket:
        line, _unused = self._listener.accept()
        line.settimeout(WAIT_S)
        while b"\r\n\r\n" not in self.asked:
            self.asked += line.recv(4096)
        return line

    def _serve(self, text: bytes) -> None:
        with self.accept() as line:
            # In two pieces, as an answer may come.
            line.sendall(text[:7])
            line.sendall(text[7:])

    def close(self) -> None:
        self._listener.close()
        if self._thread:
            self._thread.join(WAIT_S)
            assert not self._thread.is_alive()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    served = Engine(tmp_path / "docker.sock")
    yield served
    served.close()


def client(engine: Engine) -> DockerClient:
    return DockerClient(engine.address)


def asked(engine: Engine) -> tuple[str, str, dict[str, list[str]]]:
    method, target, version = engine.asked.split(b"\r\n")[0].decode().split(" ")
    assert version == "HTTP/1.0"
    path, _unused, query = target.partition("?")
    return method, path, urllib.parse.parse_qs(query)


def test_an_answer_is_decoded(engine: Engine) -> None:
    body = json.dumps([{"Id": "a", "Names": ["/größe"]}] * 2000).encode()
    engine.answer(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + body)
    assert client(engine).request("GET", "/containers/json") == json.loads(body)


def test_filters_are_sent_as_json_and_words_as_they_are(engine: Engine) -> None:
    engine.answer(b"HTTP/1.0 200 OK\r\n\r\n[]")
    found = client(engine).request("GET", "/containers/json", all="1", filters={"label": ["a=b&c"]})
    assert found == []
    assert asked(engine) == ("GET", "/containers/json", {"all": ["1"], "filters": ['{"label": ["a=b&c"]}']})


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_an_answer_without_content_is_nothing(engine: Engine, status: bytes) -> None:
    engine.answer(b"HTTP/1.0 " + status + b"\r\nServer: Docker\r\n\r\n")
    assert client(engine).request("POST", "/containers/vpn/start") is None
    assert asked(engine) == ("POST", "/containers/vpn/start", {})


@pytest.mark.parametrize("status", [400, 404, 409, 500])
def test_a_refusal_is_reported_with_dockers_words(engine: Engine, status: int) -> None:
    engine.answer(f"HTTP/1.0 {status} Some Words\r\n\r\n".encode() + b'{"message":"No such container: x"}\n')
    with pytest.raises(DockerError) as error:
        client(engine).request("POST", "/containers/x/start")
    assert str(error.value) == (f"Docker answers POST /containers/x/start with status {status}: No such container: x")


def test_a_socket_that_is_missing_or_refuses_is_named(tmp_path: Path) -> None:
    address = str(tmp_path / "docker.sock")
    with pytest.raises(DockerError, match=f"Docker does not answer at {address}: .*No such file"):
        DockerClient(address).request("GET", "/info")
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(address)
    with pytest.raises(DockerError, match=f"Docker does not answer at {address}: .*refused"):
        DockerClient(address).request("GET", "/info")


@pytest.mark.parametrize("text", [b"", b"HTTP/1.0", b"HTTP/1.0 okay\r\n\r\n{}", b"\r\n\r\n"])
def test_a_connection_that_is_closed_without_an_answer_is_no_answer(engine: Engine, text: bytes) -> None:
    engine.answer(text)
    with pytest.raises(DockerError, match="Docker closed the connection without an answer"):
        client(engine).request("GET", "/info")


WHOLE = b'HTTP/1.0 200 OK\r\nServer: Docker\r\n\r\n[{"State": "running"}]'


@pytest.mark.parametrize("length", range(len(b"HTTP/1.0 200 "), len(WHOLE)))
def test_an_answer_that_is_cut_off_anywhere_is_not_taken_for_an_empty_one(engine: Engine, length: int) -> None:
    engine.answer(WHOLE[:length])
    with pytest.raises(DockerError, match="Docker's answer to GET /containers/json is incomplete or not JSON"):
        client(engine).request("GET", "/containers/json")


def test_an_engine_that_says_nothing_is_given_up(engine: Engine) -> None:
    assert client(engine)._timeout == TIMEOUT_S == 10.0
    with pytest.raises(DockerError, match="Docker stopped answering: timed out"):
        client(engine).request("GET", "/info", timeout=0.1)


def test_events_go_on_until_docker_hangs_up(engine: Engine) -> None:
    events = client(engine).events("mediaserver")
    with engine.accept() as line:
        assert select.select([events], [], [], 0)[0] == []
        for text in (b"HTTP/1.0 200 OK\r\n\r\n", b'{"Action": "die"}\n'):
            line.sendall(text)
            assert select.select([events], [], [], WAIT_S)[0] == [events]
            assert events.drain()
    assert select.select([events], [], [], WAIT_S)[0] == [events]
    assert not events.drain()
    events.close()


def test_events_are_asked_for_the_containers_of_the_project_only(engine: Engine) -> None:
    events = client(engine).events("mediaserver")
    engine.accept().close()
    events.close()
    method, path, query = asked(engine)
    filters = json.loads(query["filters"][0])
    assert (method, path) == ("GET", "/events")
    assert filters["type"] == ["container"]
    assert filters["label"] == ["com.docker.compose.project=mediaserver"]
    assert {"start", "die", "destroy", "pause", "health_status"} <= set(filters["event"])
    # The health checks themselves would wake the monitor all the time.
    assert not any(kind.startswith("exec") for kind in filters["event"])


def test_events_that_fail_on_the_way_have_ended(engine: Engine) -> None:
    events = DockerClient(engine.address, timeout=0.1).events("mediaserver")
    assert not events.drain()
    events.close()


def test_events_without_docker_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DockerError, match="Docker does not answer at"):
        DockerClient(str(tmp_path / "docker.sock")).events("mediaserver")


def test_a_container_that_is_not_there_is_an_error_of_its_own(engine: Engine) -> None:
    engine.answer(b'HTTP/1.0 404 Not Found\r\n\r\n{"message":"No such container: x"}\n')
    with pytest.raises(DockerNotFound, match=r"with status 404: No such container: x"):
        client(engine).request("GET", "/containers/x/json")


def test_command_is_started_in_a_container(engine: Engine, tmp_path: Path) -> None:
    engine.answer(b'HTTP/1.0 201 Created\r\nContent-Type: application/json\r\n\r\n{"Id": "e1"}')
    second = Engine(tmp_path / "second.sock")
    second.answer(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")
    docker = client(engine)
    made = docker.request("POST", "/containers/c/exec", content={"Cmd": ["a", "b c"]})
    head, body = engine.asked.split(b"\r\n\r\n")
    assert asked(engine)[:2] == ("POST", "/containers/c/exec")
    assert (f"Content-Length: {len(body)}".encode() in head, json.loads(body)) == (True, {"Cmd": ["a", "b c"]})
    assert DockerClient(second.address).request("POST", f"/exec/{made['Id']}/start", content={"Detach": True}) is None
    second.close()


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b'200 OK\r\n\r\n{"Running": true, "ExitCode": null}', None),
        (b'200 OK\r\n\r\n{"Running": false, "ExitCode": 7}', 7),
        (b'200 OK\r\n\r\n{"Running": false, "ExitCode": 0}', 0),
        (b'404 Not Found\r\n\r\n{"message": "No such exec instance"}', -1),
    ],
    ids=["running", "failed", "done", "gone"],
)
def test_exit_code_of_a_command(engine: Engine, answer: bytes, code: int | None) -> None:
    engine.answer(b"HTTP/1.0 " + answer)
    assert client(engine).exit_code("e1") == code
    assert asked(engine)[:2] == ("GET", "/exec/e1/json")
