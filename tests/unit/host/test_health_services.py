# SPDX-License-Identifier: GPL-3.0-or-later
"""The services' checks: Docker, each container and its namespace, Jackett, Transmission with its credentials."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_host import container
from health_home import SERVICES, DockerWith, environment, only, running, states
from hypothesis import given
from hypothesis import strategies as st
from import_home import PASSWORD, URL, Transmission
from mediaserver._transmission.access import Access
from mediaserver.health import containers, jackett, space, transmission
from mediaserver.health.containers import Container
from mediaserver.health.model import State
from mediaserver.health.transmission import Plan, Torrent
from mediaserver.services import Service


def all_running() -> dict[str, Container]:
    return {
        one.name: Container("running", "Up 2 hours (healthy)", 11 if one.namespace != "lan" else 22) for one in SERVICES
    }


def judged(**changes: Container | None) -> dict[str, State]:
    found = {**all_running(), **changes}
    return states(containers.judge(SERVICES, {name: one for name, one in found.items() if one is not None}))


def test_each_service_of_the_household_is_checked() -> None:
    assert judged() == {"docker": State.OK, **{f"service-{one.name}": State.OK for one in SERVICES}}


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (None, State.BAD),
        (Container("exited", "Exited (1) 2 minutes ago"), State.BAD),
        (Container("restarting", "Restarting (1) 5 seconds ago"), State.BAD),
        (Container("running", "Up 2 hours (unhealthy)", 11), State.BAD),
        (Container("running", "Up 2 seconds (health: starting)", 11), State.WARNING),
        # Without a health check of its own.
        (Container("running", "Up 2 hours", 11), State.OK),
        # In a namespace that its holder has left: its own health check may still be good.
        (Container("running", "Up 2 hours (healthy)", 12), State.BAD),
        (Container("running", "Up 2 hours (healthy)", 0), State.OK),
    ],
)
def test_a_household_s_own_service_gets_the_same_checks(found: Container | None, state: State) -> None:
    assert judged(sonarr=found)["service-sonarr"] is state


@pytest.mark.parametrize(("restarted", "expected"), [(True, True), (False, False)])
def test_an_unhealthy_service_is_left_to_what_restarts_it(restarted: bool, expected: bool) -> None:
    """With autoheal, vpn-monitor's list names no service that it restarts."""
    service = Service("jellyfin", "Jellyfin", "lan", restart_when_unhealthy=restarted)
    found = containers.judge([service], {"jellyfin": Container("running", "Up 2 hours (unhealthy)", 11)})
    assert ("vpn-monitor restarts it" in only(found, "service-jellyfin").remedy) is expected


def test_a_service_of_the_lan_may_have_its_own_namespace() -> None:
    assert judged(jellyfin=Container("running", "Up (healthy)", 99))["service-jellyfin"] is State.OK


def test_a_dead_socket_is_one_problem(tmp_path: Path) -> None:
    found = containers.read(environment(tmp_path, docker=lambda: DockerWith(silent="Docker does not answer")))
    assert only(found, "docker").state is State.BAD
    assert {one.state for one in found if one.check != "docker"} == {State.UNKNOWN}
    assert len(found) == len(SERVICES) + 1


def test_namespaces_are_compared_by_their_processes(tmp_path: Path) -> None:
    """This process and its parent share one; the control is a process that does not exist."""
    rows = running(*(one.name for one in SERVICES))
    same = containers.read(environment(tmp_path, docker=lambda: DockerWith(*rows)))
    assert {one.state for one in same} == {State.OK}
    details = DockerWith(*rows, pids={"id-vpn": os.getpid(), "id-sonarr": 0})
    assert only(containers.read(environment(tmp_path, docker=lambda: details)), "service-sonarr").state is State.OK


def test_a_stopped_container_is_not_asked_for_its_process(tmp_path: Path) -> None:
    class Asked(DockerWith):
        def details(self, container: str) -> Any:
            raise AssertionError(container)

    rows = [container(one.name, "exited", "Exited (0)") for one in SERVICES]
    found = containers.read(environment(tmp_path, docker=lambda: Asked(*rows)))
    assert only(found, "service-jellyfin").text == "it does not run (exited)"


# --- Jackett.


@pytest.fixture
def port() -> Iterator[int]:
    """A server at the loopback, which answers a request with its login page."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    line, _address = server.accept()
                except OSError:
                    return
                with line:
                    line.recv(1000)
                    line.sendall(b"HTTP/1.1 200 OK\r\n\r\n<html>")

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def test_jackett_is_asked_in_transmission_s_namespace(tmp_path: Path, port: int) -> None:
    made = environment(
        tmp_path, jackett_port=port, transmission=True, docker=lambda: DockerWith(*running("transmission"))
    )
    if os.geteuid() != 0:
        pytest.skip("only root can enter a namespace")
    (found,) = jackett.read(made)
    assert (found.state, found.text) == (State.OK, "it answers in the VPN namespace")


def test_a_jackett_that_does_not_listen_is_bad(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can enter a namespace")
    made = environment(tmp_path, jackett_port=9, transmission=True, docker=lambda: DockerWith(*running("transmission")))
    (found,) = jackett.read(made)
    assert found.state is State.BAD and "it does not answer at port 9" in found.text


@pytest.mark.parametrize("docker", [DockerWith, lambda: DockerWith(silent="dead")])
def test_without_a_container_jackett_is_unknown(tmp_path: Path, docker: Any) -> None:
    (found,) = jackett.read(environment(tmp_path, jackett_port=9117, transmission=True, docker=docker))
    assert found.state is State.UNKNOWN


@pytest.mark.parametrize(
    ("begun", "state"),
    [
        (b"HTTP/1.1 200 OK\r\n", State.OK),
        (b"HTTP/1.1 302 Found\r\n", State.OK),
        (b"HTTP/1.1 500 Internal Server Error\r\n", State.BAD),
        (b"HTTP/1.1 401 Unauthorized\r\n", State.BAD),
        (b"SSH-2.0-OpenSSH\r\n", State.BAD),
        (b"", State.BAD),
    ],
)
def test_what_jackett_answers(begun: bytes, state: State) -> None:
    assert jackett.judge(begun).state is state


# --- Transmission: a nearly full disk.

LOADING = Torrent("a", transmission.DOWNLOADING, complete=False)
QUEUED = Torrent("b", transmission.QUEUED, complete=False)
AT_REST = Torrent("c", transmission.AT_REST, complete=False)
SEED = Torrent("d", 6, complete=True)
# It has ended by its ratio: starting it would make it seed without a limit.
ENDED = Torrent("e", transmission.AT_REST, complete=True)
ALL = (LOADING, QUEUED, AT_REST, SEED, ENDED)


def planned(percent: float, torrents: tuple[Torrent, ...] = ALL, record: tuple[str, ...] = ()) -> Plan:
    return transmission.plan(percent, torrents, record, stop_at=95, resume_at=85)


@pytest.mark.parametrize(
    ("percent", "record", "plan"),
    [
        (94.9, (), Plan()),
        (95, (), Plan(stop=("a", "b"), record=("a", "b"))),
        # Another one was started meanwhile, one of ours is still at rest.
        (96, ("c",), Plan(stop=("a", "b"), record=("c", "a", "b"))),
        (90, ("c",), Plan(record=("c",))),
        # A person has started it again.
        (90, ("a", "c"), Plan(record=("c",))),
        (84.9, ("c",), Plan(start=("c",))),
        # Complete meanwhile, or removed: neither is started.
        (84.9, ("e", "gone"), Plan()),
        (84.9, (), Plan()),
    ],
)
def test_downloads_are_stopped_and_resumed(percent: float, record: tuple[str, ...], plan: Plan) -> None:
    assert planned(percent, record=record) == plan


torrents_ = st.lists(
    st.builds(Torrent, st.sampled_from("abcdefgh"), st.integers(-1, 7), st.booleans()),
    unique_by=lambda one: one.hash,
    max_size=8,
)


@given(st.floats(0, 100), torrents_, st.lists(st.sampled_from("abcdefgh"), unique=True))
def test_no_seed_is_ever_touched(percent: float, torrents: list[Torrent], record: list[str]) -> None:
    made = planned(percent, tuple(torrents), tuple(record))
    complete = {one.hash for one in torrents if one.complete}
    assert not complete & {*made.stop, *made.start, *made.record}
    # What a person has stopped is never started, and what is stopped is recorded.
    assert set(made.start) <= set(record)
    assert set(made.stop) <= set(made.record)


class Daemon(Transmission):
    """Starts and stops torrents, too."""

    def _answer(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if name in ("torrent-stop", "torrent-start"):
            for one in arguments["ids"]:
                self.torrents[one]["status"] = 0 if name == "torrent-stop" else 4
            return {}
        return super()._answer(name, arguments)

    def put(self, torrent: str, status: int, *, left: int) -> None:
        file = {"name": "x", "length": 100, "completed": 100 - left}
        self.add(torrent, "a title", [file], status=status)

    @property
    def changes(self) -> list[tuple[str, Any]]:
        return [(name, arguments["ids"]) for name, arguments in self.calls if name != "torrent-get"]


def household(root: Path, **changes: Any) -> Any:
    (root / "gateway").mkdir(exist_ok=True)
    access = root / "gateway" / "transmission.json"
    access.write_text(Access(URL, "family", PASSWORD).to_json())
    access.chmod(0o600)
    (root / "state" / "health").mkdir(parents=True, exist_ok=True)
    return environment(root, transmission=True, **changes)


def filled(monkeypatch: pytest.MonkeyPatch, percent: float) -> None:
    used = int(percent * 10)
    monkeypatch.setattr(space, "measure", lambda path: space.Space(1000, used, 1000 - used, 0, 0, False, 1))


@pytest.mark.parametrize("json_rpc", [False, True])
def test_a_full_disk_stops_downloads_and_resumes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, json_rpc: bool
) -> None:
    daemon, made = Daemon(json_rpc=json_rpc), household(tmp_path)
    daemon.put("aa", 4, left=50)
    daemon.put("bb", 6, left=0)
    daemon.put("cc", 0, left=50)
    filled(monkeypatch, 96)
    found = only(transmission.read(made, daemon), transmission.DOWNLOADS)
    assert (found.state, daemon.changes) == (State.WARNING, [("torrent-stop", ["aa"])])
    assert found.text == "1 download is stopped, because 96 % of the disk are used; they go on below 85 %"
    filled(monkeypatch, 90)
    found = only(transmission.read(made, daemon), transmission.DOWNLOADS)
    assert (found.state, len(daemon.changes)) == (State.WARNING, 1)
    filled(monkeypatch, 84)
    found = only(transmission.read(made, daemon), transmission.DOWNLOADS)
    assert (found.state, daemon.changes[1:]) == (State.OK, [("torrent-start", ["aa"])])
    filled(monkeypatch, 84)
    transmission.read(made, daemon)
    assert len(daemon.changes) == 2, "it is done"


def test_a_power_cut_after_the_record_loses_no_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon, made = Daemon(), household(tmp_path)
    daemon.put("aa", 4, left=50)
    filled(monkeypatch, 96)

    class Cut(Exception):
        """The power fails."""

    def cut(name: str, arguments: Any) -> Any:
        if name == "torrent-stop":
            raise Cut
        return answer(name, arguments)

    answer = daemon._answer
    monkeypatch.setattr(daemon, "_answer", cut)
    with pytest.raises(Cut):
        transmission.read(made, daemon)
    monkeypatch.setattr(daemon, "_answer", answer)
    assert transmission._recorded(made.settings.folder / transmission.STOPPED) == ("aa",)
    filled(monkeypatch, 80)
    daemon.torrents["aa"]["status"] = 0
    transmission.read(made, daemon)
    assert daemon.torrents["aa"]["status"] == 4


def test_what_cannot_be_recorded_is_not_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon, made = Daemon(), household(tmp_path)
    daemon.put("aa", 4, left=50)
    filled(monkeypatch, 96)

    def full(path: Any, text: str, *, mode: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(transmission.files, "write", full)
    found = only(transmission.read(made, daemon), transmission.DOWNLOADS)
    assert found.state is State.WARNING and "No space left on device" in found.text
    assert daemon.torrents["aa"]["status"] == 4


def test_a_wrong_password_is_tried_once(tmp_path: Path) -> None:
    daemon, made = Daemon(password="another"), household(tmp_path)
    found = only(transmission.read(made, daemon), transmission.CHECK)
    attempts = daemon.attempts
    assert found.state is State.BAD and "refuses the credentials" in found.text
    for _run in range(3):
        found = only(transmission.read(made, daemon), transmission.CHECK)
    assert daemon.attempts == attempts, "Transmission locks all clients out after 100"
    assert found.state is State.BAD and "not tried again" in found.text
    assert PASSWORD not in found.text + found.remedy
    daemon.password = "new one"
    path = tmp_path / "gateway" / "transmission.json"
    path.write_text(Access(URL, "family", "new one").to_json())
    assert only(transmission.read(made, daemon), transmission.CHECK).state is State.OK


@pytest.mark.parametrize("text", [None, "", "{", "[]"])
def test_damaged_credentials_are_named(tmp_path: Path, text: str | None) -> None:
    made = household(tmp_path)
    path = tmp_path / "gateway" / "transmission.json"
    path.unlink()
    if text is not None:
        path.write_text(text)
    found = transmission.read(made, Daemon())
    assert states(found) == {transmission.CHECK: State.BAD, transmission.DOWNLOADS: State.UNKNOWN}


def test_a_transmission_that_does_not_answer_is_bad(tmp_path: Path) -> None:
    found = transmission.read(household(tmp_path), Daemon(down=True))
    assert states(found) == {transmission.CHECK: State.BAD, transmission.DOWNLOADS: State.UNKNOWN}


def test_a_magnet_link_without_its_content_is_a_download() -> None:
    answer = {"hashString": "AA", "status": 4, "leftUntilDone": 0, "metadataPercentComplete": 0.2}
    assert transmission._torrent(answer) == Torrent("aa", 4, complete=False)
    assert transmission._torrent({}) == Torrent("", -1, complete=True), "what cannot be read is left alone"


@pytest.mark.parametrize("text", ["", "{", "3", '{"a": 1}'])
def test_a_damaged_record_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    daemon, made = Daemon(), household(tmp_path)
    daemon.put("aa", 0, left=50)
    (made.settings.folder / transmission.STOPPED).write_text(text)
    filled(monkeypatch, 10)
    found = only(transmission.read(made, daemon), transmission.DOWNLOADS)
    assert (found.state, daemon.changes) == (State.OK, [])
