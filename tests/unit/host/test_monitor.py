# SPDX-License-Identifier: GPL-3.0-or-later
"""The round of vpn-monitor: in which order it does what, and that nothing that goes wrong ends it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from mediaserver._core import files
from mediaserver._core.errors import DockerError, GatewayError
from mediaserver._core.names import HOLDER
from mediaserver.monitor import hold, monitor, monitor_state, torrents
from mediaserver.monitor.decide import NETWORK_MISSING_S
from mediaserver.monitor.hold import Hold
from mediaserver.monitor.monitor import BUSY_S, CALM_S, Monitor
from mediaserver.monitor.monitor_state import MonitorState
from mediaserver.monitor.observation import Container, ContainerState, Observation, Tunnel
from mediaserver.monitor.observe import Observer
from mediaserver.monitor.port_delivery import PortDelivery
from mediaserver.monitor.repairs import Repairs
from mediaserver.monitor.report import Report, words
from mediaserver.monitor.steps import Act, Step
from mediaserver.monitor.torrents import ForwardedPort, SwarmRecovery
from mediaserver.services import Service
from mediaserver.tunnel.configuration import Settings
from mediaserver.tunnel.gateway import Gateway

LIBRARY = Path(__file__).parents[3] / "roles" / "runtime" / "files" / "lib"
CONFIGURED: dict[str, Any] = {
    **{
        "subnet": "172.31.254.0/24",
        "lan": [],
        "ui_ports": [9091],
        "forwarded_port": 0,
        "ipv6": False,
        "mtu": 0,
        "published_ports": [],
    },
    **{"natpmp_server": "10.66.0.1", "addresses": ["10.66.0.11/32"], "resolvers": ["10.66.0.1"]},
    "peers": [{"host": "198.18.0.21", "port": 443, "public_key": "b" * 43 + "="}],
}
WELL = Observation(containers={HOLDER: Container(), "jellyfin": Container()}, tunnel=Tunnel())
STOPPED = replace(WELL, containers={HOLDER: Container(), "jellyfin": Container(ContainerState.STOPPED)})
DEAD = replace(WELL, tunnel=Tunnel(answered=False))
LOST = Step(Act.RESTART, "nothing comes", ("transmission",))
START = "do jellyfin does not run: start jellyfin"
FAILURES = [
    GatewayError("container vpn did not reload"),
    DockerError("Docker does not answer"),
    OSError("no space left"),
    KeyError("State"),
    ValueError("not JSON"),
    subprocess.TimeoutExpired(["wg", "show"], 10),
    # Unexpected.
    AttributeError("'NoneType' object has no attribute 'get'"),
    RecursionError("maximum recursion depth exceeded"),
]


@dataclass
class Scene:
    """A monitor whose observer see ``observed``, and what it did, in order."""

    root: Path
    observed: Observation | Exception = WELL
    failure: Exception | None = None  # of a step
    online: bool = True
    new_port: bool = False
    deserted: bool = False
    worked: bool | None = None  # what the swarm heard of its step
    done: list[str] = field(default_factory=list)
    clock: float = 1000.0

    def __post_init__(self) -> None:  # noqa: C901  (a class for each part of the monitor)
        scene = self

        class ScriptedObserver(Observer):
            def observe(self, gateway: Gateway, *, held: bool = False) -> Observation:
                assert gateway.settings.natpmp_server == "10.66.0.1"
                scene.done.append("observe")
                if isinstance(scene.observed, Exception):
                    raise scene.observed
                return replace(scene.observed, held=held)

            def leak_attempts(self) -> int | None:
                return 0

        class Does(Repairs):
            def do(self, step: Step) -> None:
                scene.done.append(f"do {step}")
                if scene.failure:
                    raise scene.failure

        class Leases(ForwardedPort):
            def refresh(self, settings: Settings, now: float, tunnel: object) -> bool:
                scene.done.append("port" if tunnel else "port without a tunnel")
                return scene.new_port

        class Swarms(SwarmRecovery):
            def refresh(
                self, now: float, do: Callable[[Step], bool], *, service: str, alive: bool, idle: bool = True
            ) -> None:
                assert service == "transmission"
                scene.done.append(f"swarm{'' if alive else ' without a tunnel'}{'' if idle else ', busy'}")
                if scene.deserted:
                    scene.worked = do(LOST)

        class Delivers(PortDelivery):
            def refresh(self, service: Service | None, port: int, now: float) -> None:
                if service:
                    scene.done.append(f"deliver {port} to {service.name}")

        run, repairs = self.root / "run", Does(self.root)
        files.write(self.root / "gateway" / "gateway.json", json.dumps(CONFIGURED), mode=0o600)
        self.monitor = Monitor(
            *(self.root, ScriptedObserver(self.root, object()), repairs, Report(run / "vpn.json")),  # type: ignore[arg-type]
            *(Leases(self.root, repairs), Swarms(self.root), Delivers(self.root), run / "monitor.json"),
        )

    def round(self, after: float = 1.0) -> float:
        self.clock += after
        return self.monitor.round()

    def happened(self) -> list[str]:
        done, self.done = self.done, []
        return done

    def told(self) -> dict[str, Any]:
        return dict(json.loads(self.monitor.report.path.read_text()))


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    made = Scene(tmp_path)
    monkeypatch.setattr(hold, "read", lambda now: None)
    monkeypatch.setattr(monitor, "now", lambda: made.clock)

    def host_is_online() -> bool:
        made.done.append("ask the resolvers")
        return made.online

    monkeypatch.setattr(monitor.dns, "host_is_online", host_is_online)
    return made


def test_while_all_is_well_it_looks_tends_and_rests(scene: Scene) -> None:
    assert scene.round() == CALM_S
    assert scene.happened() == ["observe", "port", "swarm"]
    assert (scene.told()["state"], scene.told()["peer"]) == ("online", "198.18.0.21:443")


@pytest.mark.parametrize("pending", [True, False])
def test_a_swarm_that_is_not_judged_yet_is_noted_for_a_new_start(scene: Scene, pending: bool) -> None:
    scene.monitor.swarm = replace(scene.monitor.swarm, _due=pending)
    scene.round()
    assert monitor_state.load(scene.clock, scene.monitor.kept).swarm_pending is pending
    assert (
        SwarmRecovery(scene.root, monitor_state.load(scene.clock, scene.monitor.kept).swarm_pending).pending is pending
    )


def test_a_repair_comes_before_transmission_is_asked(scene: Scene) -> None:
    scene.observed = STOPPED
    assert scene.round() == BUSY_S
    assert scene.happened() == ["observe", START, "port", "swarm, busy"]


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
def test_a_repair_that_fails_is_reported_and_delays_nothing(
    scene: Scene, error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.observed, scene.failure = STOPPED, error
    assert scene.round() == CALM_S
    assert scene.happened() == ["observe", START, "port", "swarm, busy"]
    assert capsys.readouterr().out.splitlines()[-1] == f"that did not work, it is tried again: {words(error)}"


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
def test_a_look_that_fails_is_reported_once_and_the_next_one_comes(
    scene: Scene, error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.round()
    scene.observed = error
    assert [scene.round() for _ in range(3)] == [CALM_S] * 3
    # Nor does the file go on saying that all is well.
    assert (scene.told()["state"], scene.told()["problems"]) == ("blind", [{"code": "blind", "text": words(error)}])
    assert scene.told()["peer"] == "198.18.0.21:443"
    scene.observed = WELL
    scene.happened()
    scene.round()
    assert scene.happened() == ["observe", "port", "swarm"]
    assert capsys.readouterr().out.splitlines() == ["online", f"blind: {words(error)}", "online"]


def test_dockers_socket_that_goes_away_is_reported_in_its_own_words_and_comes_back(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.round()
    away = "Docker does not answer at /run/docker.sock: No such file or directory"
    scene.observed = Observation(docker=False, network=None, trouble=away)
    assert scene.round() == BUSY_S
    assert (scene.told()["state"], scene.told()["problems"]) == ("healing", [{"code": "docker-silent", "text": away}])
    scene.observed = WELL
    scene.round()
    assert capsys.readouterr().out.splitlines() == ["online", f"healing: {away}", "online"]


def test_the_configuration_is_read_once_for_a_look(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []

    class Counted(Gateway):
        def __init__(self, root: Path, **options: Any) -> None:
            read.append(root)
            super().__init__(root, **options)

    monkeypatch.setattr(monitor, "Gateway", Counted)
    monkeypatch.setattr("mediaserver.monitor.repairs.Gateway", Counted)
    scene.observed = STOPPED
    scene.round()
    assert read == [scene.root]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "gateway.json is missing; run the playbook again"),
        (b"{", "gateway.json cannot be used "),
        (b"\xff", "gateway.json cannot be used "),
        (b"[" * 200_000, "gateway.json cannot be used "),
    ],
    ids=["missing", "cut off", "no text", "nested"],
)
def test_a_configuration_that_cannot_be_read_is_reported_and_nothing_is_done(
    scene: Scene, text: bytes | None, words: str
) -> None:
    path = scene.root / "gateway" / "gateway.json"
    path.unlink()
    if text is not None:
        path.write_bytes(text)
    assert scene.round() == CALM_S
    assert scene.told()["state"] == "blind"
    assert words in scene.told()["problems"][0]["text"]
    assert scene.happened() == []


def test_a_full_disk_keeps_nothing_from_being_repaired(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    (scene.root / "run").write_text("in the way")
    scene.observed = STOPPED
    for _ in range(2):
        scene.round()
    assert START in scene.happened()
    assert capsys.readouterr().out.count("vpn.json cannot be written, it is tried again: ") == 1
    (scene.root / "run").unlink()
    scene.round()
    assert scene.told()["problems"] == [{"code": "container-stopped", "text": "jellyfin does not run"}]


def test_the_lan_is_asked_only_when_the_tunnel_is_dead(scene: Scene) -> None:
    scene.observed, scene.online = DEAD, False
    scene.round()
    assert scene.happened() == ["observe", "ask the resolvers", "port without a tunnel", "swarm without a tunnel"]
    assert scene.told()["state"] == "offline"
    scene.online = True
    scene.round()
    assert scene.happened()[2].startswith("do the tunnel carries no traffic: ")


def test_while_answers_fail_to_come_the_provider_is_not_asked(scene: Scene) -> None:
    scene.round()
    scene.observed = DEAD
    assert scene.round() == BUSY_S
    assert scene.happened()[3:] == ["observe", "port without a tunnel", "swarm"]


def test_another_forwarded_port_is_reported_soon(scene: Scene) -> None:
    scene.new_port = True
    assert scene.round() == BUSY_S


@pytest.mark.parametrize("failure", [None, DockerError("it is gone")])
def test_a_new_start_for_the_swarm_is_a_step_like_any_other(scene: Scene, failure: Exception | None) -> None:
    scene.deserted, scene.failure = True, failure
    scene.round()
    assert scene.happened() == ["observe", "port", "swarm", f"do {LOST}"]
    assert scene.worked is (failure is None)
    scene.deserted = False
    scene.round()
    last = scene.told()["last_step"]
    assert (scene.told()["steps"], last["act"], last["targets"]) == (1, "restart", ["transmission"])


def test_torrents_that_are_not_read_are_a_problem_while_the_tunnel_is_alive(scene: Scene) -> None:
    scene.monitor.swarm.found = torrents.unread(scene.root, "transmission")
    scene.round()
    (problem,) = scene.told()["problems"]
    assert (scene.told()["state"], problem["code"]) == ("online", "torrents-unread")
    assert problem["text"].startswith("Transmission's answer about its torrents is longer than 1048576 bytes")
    scene.observed, scene.online = DEAD, False
    for _round in range(20):
        scene.round()
    assert "torrents-unread" not in [one["code"] for one in scene.told()["problems"]]


def test_a_household_without_transmission_has_no_swarm(scene: Scene) -> None:
    jackett = {"name": "jackett", "title": "Jackett", "namespace": "vpn", "probe": True, "forwarded_port": None}
    listed = {"services": [{**jackett, "restart_when_unhealthy": False}]}
    files.write(scene.root / "gateway" / "gateway.json", json.dumps(CONFIGURED | listed), mode=0o600)
    scene.observed, scene.online = DEAD, False
    scene.round()
    assert scene.happened() == ["observe", "ask the resolvers", "port without a tunnel"]


OWN = {"name": "qbittorrent", "title": "qbittorrent", "namespace": "vpn", "probe": False, "waits": False}
OWN |= {"restart_when_unhealthy": False}
OWN |= {"forwarded_port": {"way": "file", "path": "config/qbittorrent/port", "command": ["reload"]}}


def test_an_own_service_gets_the_forwarded_port_while_vpn_monitor_is_not_paused(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = {"services": [OWN], "forwarded_port": 40001}
    files.write(scene.root / "gateway" / "gateway.json", json.dumps(CONFIGURED | listed), mode=0o600)
    scene.round()
    assert scene.happened() == ["observe", "port", "deliver 40001 to qbittorrent"]
    scene.observed = Observation(docker=False, network=None, trouble="timed out")
    scene.round()
    assert "deliver 40001 to qbittorrent" not in scene.happened()
    scene.observed = WELL
    monkeypatch.setattr(hold, "read", lambda now: Hold(True, "by ansible for 30 s more"))
    scene.round()
    assert "deliver 40001 to qbittorrent" not in scene.happened()


def test_a_docker_that_does_not_answer_does_not_count_as_an_interruption_of_the_tunnel(scene: Scene) -> None:
    scene.observed = Observation(docker=False, network=None, trouble="timed out")
    scene.round()
    assert scene.happened() == ["observe", "port without a tunnel"]
    # Where it does answer, and there is no tunnel, the tunnel is away.
    scene.observed = replace(WELL, tunnel=None)
    scene.round()
    assert scene.happened() == ["observe", "port without a tunnel", "swarm without a tunnel"]


def test_while_held_only_the_lease_of_the_port_is_kept(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    held: Hold | None = Hold(True, "by ansible for 30 s more")
    monkeypatch.setattr(hold, "read", lambda now: held)
    scene.observed = STOPPED
    scene.round()
    assert scene.happened() == ["observe", "port"]
    assert scene.told()["state"] == "held"
    scene.observed = DEAD
    scene.round()
    assert scene.happened()[-1] == "port without a tunnel", "it is closed at its end"
    scene.observed = STOPPED
    # The run was aborted, and its hold ends by itself.
    held = Hold(False, "by ansible has expired")
    scene.round()
    assert scene.happened() == ["observe", START, "port", "swarm, busy"]


def test_a_forged_hold_holds_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    forged = Hold(False, "is ignored: it is not a file that only root can write")
    monkeypatch.setattr(hold, "read", lambda now: forged)
    scene.observed = STOPPED
    scene.round()
    assert START in scene.happened()
    assert capsys.readouterr().out.count(f"hold {forged.why}\n") == 1


def test_what_it_learned_survives_a_new_start_of_it(scene: Scene) -> None:
    scene.round()
    gone = replace(WELL, network=False, tunnel=None)
    scene.observed = gone
    scene.round()
    scene.round(NETWORK_MISSING_S)
    restart = [one for one in scene.happened() if one.endswith("restart Docker")]
    assert len(restart) == 1
    known = monitor_state.load(scene.clock, scene.monitor.kept)
    assert known == MonitorState(
        attempts={(Act.RESTART_DOCKER,): (scene.clock + 60.0, 1)}, trusted=True, network_seen=True
    )
    # Another program, the same host: the missing rules are noticed, and its pause is not over.
    scene.monitor.state = known
    scene.round()
    scene.round(NETWORK_MISSING_S)
    assert not any(one.startswith("do ") for one in scene.happened())
    scene.round(60.0)
    assert any(one.endswith("restart Docker") for one in scene.happened())


class Stream:
    """Docker's events, as far as the monitor sees them."""

    def __init__(self, line: socket.socket) -> None:
        self.line, self.closed = line, False

    def fileno(self) -> int:
        return self.line.fileno()

    def drain(self) -> bool:
        return bool(self.line.recv(100))

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("event", [True, False], ids=["an event wakes it", "control: the time does"])
def test_between_two_rounds_an_event_of_docker_s_wakes_it(event: bool) -> None:
    ours, dockers = socket.socketpair()
    with ours, dockers:
        stream = Stream(ours)
        if event:
            dockers.send(b"{}")
        begun = time.monotonic()
        assert monitor._wait(stream, 0.5) is stream  # type: ignore[arg-type]
        assert (time.monotonic() - begun < 0.4) is event
        assert not stream.closed


def test_a_stream_that_has_ended_is_let_go_of() -> None:
    ours, dockers = socket.socketpair()
    with ours:
        stream = Stream(ours)
        dockers.close()
        assert monitor._wait(stream, 0.1) is None  # type: ignore[arg-type]
        assert stream.closed


def test_without_a_stream_the_time_is_waited_for() -> None:
    begun = time.monotonic()
    assert monitor._wait(None, 0.2) is None
    assert time.monotonic() - begun >= 0.2


def test_it_reports_that_it_has_stopped(tmp_path: Path) -> None:
    """The program itself, with a signal of the kernel's."""
    program = f"""
import sys; sys.path.insert(0, {str(LIBRARY)!r})
import time
from pathlib import Path
from mediaserver.monitor import monitor
from mediaserver.monitor.report import Report
class Fake:
    report = Report(Path({str(tmp_path / "vpn.json")!r}))
    def round(self):
        self.report.update("online", problems=[], peer="a:1", endpoint="", forwarded_port=0, leak_attempts=3)
        return 60
monitor.Monitor.of = classmethod(lambda cls, root: Fake())
monitor._listen = lambda: None
sys.exit(monitor.main([], root=Path("/nowhere"), lock=Path({str(tmp_path / "lock")!r})))
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "online\n"
        deadline = time.monotonic() + 10
        while not (tmp_path / "vpn.json").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGTERM)
        assert process.stdout.read() == "stopped\n"
        assert process.wait(10) == 0
    found = json.loads((tmp_path / "vpn.json").read_text())
    assert (found["state"], found["peer"], found["leak_attempts"]) == ("stopped", "a:1", 3)


def test_what_is_missing_on_this_host_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def of(root: Path) -> Monitor:
        raise GatewayError("Debian's package python3-nftables is missing; run the playbook again")

    monkeypatch.setattr(Monitor, "of", of)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert monitor.main([], root=Path("/nowhere"), lock=tmp_path / "lock") == 1
    assert capsys.readouterr().err == (
        "vpn-monitor: Debian's package python3-nftables is missing; run the playbook again\n"
    )
