# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials reach a service's own container and no other host."""

from __future__ import annotations

import contextlib
import http.server
import threading
import typing as t
from pathlib import Path

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.docker import DockerClient
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import (
    InvalidValue,
    ProtocolError,
    Unreachable,
)
from ansible_collections.household.mediaserver.plugins.module_utils._core.service_http import ServiceHttp, http_of
from ansible_collections.household.mediaserver.plugins.module_utils._core.transport import UrlHttp
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils.docker_by_path import engine, row

SECRET = {"Authorization": "Basic c2VjcmV0"}


@contextlib.contextmanager
def listener() -> t.Iterator[tuple[int, list[str]]]:
    """A server on loopback; hand out its port, and what it was given."""
    given: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given.append(f"{self.path} {self.headers['Authorization']}")
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"OK")

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1], given
        finally:
            server.shutdown()
            thread.join()


def stack(bridge: str, address: str = "127.0.0.1", state: str = "running") -> dict[str, t.Any]:
    network = {"Id": "1" * 64, "Driver": "bridge", "Options": {"com.docker.network.bridge.name": bridge}}
    networks = {"house": {"NetworkID": network["Id"], "IPAddress": address}}
    return {"/containers/json": [row("jellyfin", state, networks=networks)], f"/networks/{network['Id']}": network}


def ask(folder: Path, answers: dict[str, t.Any], port: int, host: str = "192.0.2.9") -> bytes:
    with engine(folder, answers) as (address, _asked):
        http_ = ServiceHttp(DockerClient(address), "mediaserver", "jellyfin")
        url = f"http://{host}:{port}/System/Info?x=1"
        return http_.request("GET", url, headers=SECRET, body=None, timeout=1).body


def test_the_container_is_asked_whatever_host_the_url_names(tmp_path: Path) -> None:
    with listener() as (port, given):
        assert ask(tmp_path, stack("lo"), port) == b"OK"
    assert given == ["/System/Info?x=1 Basic c2VjcmV0"]


def test_without_the_bridge_of_its_network_nothing_is_sent(tmp_path: Path) -> None:
    """The address itself answers, as one of the LAN would whose host has taken it."""
    with listener() as (port, given), pytest.raises(Unreachable, match="No such device") as caught:
        ask(tmp_path, stack("br-none0"), port)
    assert given == []
    assert not caught.value.refused


def test_an_address_beyond_the_bridge_is_not_reached_by_another_interface(tmp_path: Path) -> None:
    with pytest.raises(Unreachable):
        ask(tmp_path, stack("lo", address="192.0.2.9"), 9)


@pytest.mark.parametrize(
    ("answers", "words", "refused"),
    [
        (stack("lo", state="exited"), "service jellyfin of project mediaserver has no running container", True),
        ({"/containers/json": []}, "has no running container", True),
        ({"/containers/json": [row("jellyfin")]}, "has no address on a bridge of this host", False),
        ({"/containers/json": b"nonsense"}, "Docker closed the connection without an answer", False),
    ],
)
def test_what_is_not_there_is_not_asked(tmp_path: Path, answers: dict[str, t.Any], words: str, refused: bool) -> None:
    with listener() as (port, given), pytest.raises(Unreachable, match=words) as caught:
        ask(tmp_path, answers, port, host="127.0.0.1")
    assert (given, caught.value.refused) == ([], refused)


def test_the_options_choose_the_transport() -> None:
    given = {"url": "http://127.0.0.1:8096", "project": "mediaserver"}
    assert type(http_of({**given, "service": None})) is UrlHttp
    assert isinstance(http_of({**given, "service": "jellyfin"}), ServiceHttp)
    with pytest.raises(InvalidValue, match="with service, url must begin with http://"):
        http_of({**given, "url": "https://127.0.0.1", "service": "jellyfin"})


def test_a_port_that_is_none_is_an_error_of_the_url(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="99999"):
        ask(tmp_path, stack("lo"), 99999)
