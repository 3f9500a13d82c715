# SPDX-License-Identifier: GPL-3.0-or-later
"""What vpn-monitor sees: one observation at a scripted Docker, scripted tables and scripted namespaces."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from barrier_lab import PROVIDER, WORLD, built, needed
from docker_script import Exchange, scripted
from mediaserver._core import docker, files
from mediaserver._core.names import HOLDER, OUTER_TABLE, TUNNEL, VPN_BRIDGE
from mediaserver.firewall import barrier, keeper
from mediaserver.firewall.nft import Nft
from mediaserver.monitor import host_settings, observe
from mediaserver.monitor.observation import Container, ContainerState, NamespaceState, Observation, Tunnel, Use
from mediaserver.monitor.observe import Observer
from mediaserver.monitor.problems import Code, Problem
from mediaserver.tunnel import dns, liveness, netns
from mediaserver.tunnel.gateway import Gateway, look_up_nothing

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
    **{"natpmp_server": "", "addresses": ["10.66.0.11/32"], "resolvers": ["10.66.0.1", "10.66.0.2"]},
    "peers": [
        {"host": "198.18.0.21", "port": 443, "public_key": "b" * 43 + "="},
        {"host": "vpn.example", "port": 443, "public_key": "b" * 43 + "="},
    ],
}
KEYS = files.digest("\n".join(["", *[f"{'b' * 43}= None"] * 2]))
ASKED = ("10.66.0.1", "10.66.0.2", "198.18.0.21:443", "vpn.example:443", KEYS)
# What every observation at this household tells, whatever Docker answers.
TOLD: dict[str, Any] = {
    **{"peers": 1, "asked": ASKED, "resolvers": ("10.66.0.1", "10.66.0.2")},
    **{"peer": "198.18.0.21:443", "endpoint": "198.18.0.21"},
}
INSIDE = f"service:{HOLDER}"
PROJECT = {HOLDER: "", TUNNEL: INSIDE, "transmission": INSIDE, "jellyfin": "host"}
RULES = f'chain POSTROUTING {{ oifname != "{VPN_BRIDGE}" masquerade }}'
LIST = 'GET /containers/json?all=true&filters={"label": ["com.docker.compose.project=mediaserver"]}'


class Tables(Nft):
    """Lists these tables, and fails on a question for any other one."""

    def __init__(self, **tables: str | None) -> None:
        self.tables = tables

    def listing(self, family: str, table: str) -> str | None:
        return self.tables[f"{family}_{table}".replace("-", "_")]


def row(service: str, state: str = "running", mode: str = "", **labels: str) -> dict[str, Any]:
    return {
        "Id": f"{service}-id",
        "State": state,
        "Status": "Up 2 minutes (healthy)" if state == "running" else state,
        "Labels": {"com.docker.compose.service": service, "com.docker.compose.oneoff": "False"} | labels,
        "HostConfig": {"NetworkMode": mode or (f"container:{HOLDER}-id" if PROJECT.get(service) == INSIDE else "host")},
    }


def inspected(service: str, pid: int) -> Exchange:
    return f"GET /containers/{service}-id/json", 200, {"State": {"Pid": pid}}


PIDS = {HOLDER: 11, TUNNEL: 12, "transmission": 13, "jellyfin": 14}
WELL_ROWS = [row(name) for name in PIDS]
WELL = [(LIST, 200, WELL_ROWS), *(inspected(name, pid) for name, pid in PIDS.items())]


class Scene:
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.patch = folder, monkeypatch
        self.namespaces = {11: 900, 12: 900, 13: 900, 14: 1}
        self.answering = {"10.66.0.1"}
        self.handshakes = ""
        self.tables = Tables(ip_nat=RULES, ip_docker_bridges=None)
        files.write(folder / "gateway" / "gateway.json", json.dumps(CONFIGURED), mode=0o600)
        (folder / "compose.yml").write_text("services: {}\n")
        (folder / "net" / VPN_BRIDGE).mkdir(parents=True)
        monkeypatch.setattr(observe, "INTERFACES", folder / "net")
        monkeypatch.setattr(keeper, "stands", lambda nft, text: True)
        monkeypatch.setattr(netns, "identity", lambda pid: self.namespaces.get(pid, 0))
        monkeypatch.setattr(netns, "inside", self.inside)
        monkeypatch.setattr(dns, "answers", lambda line, resolver, timeout: resolver in self.answering)
        monkeypatch.setattr(subprocess, "run", self.run)
        self.provoked: list[tuple[str, ...]] = []
        monkeypatch.setattr(host_settings, "forwarding_off", lambda: self.forwarding_off)
        monkeypatch.setattr(host_settings, "problems", lambda lan: self.obstacles)
        monkeypatch.setattr(liveness, "provoke", self.provoked.append)
        monkeypatch.setattr(liveness, "received", lambda pid: self.received if pid == 11 else None)
        self.forwarding_off: tuple[str, ...] = ()
        self.obstacles: tuple[Problem, ...] = ()
        self.received = 7
        self.commands: list[list[str]] = []

    def inside(self, pid: int, make: Callable[[], Any]) -> Any:
        assert pid == 11
        if make is observe.tunnel_socket:
            return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        return make()

    def run(self, command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        self.commands.append(command)
        if command[:2] == ["docker", "compose"]:
            services = {name: {"network_mode": mode} for name, mode in PROJECT.items()}
            return subprocess.CompletedProcess(command, 0, json.dumps({"services": services}), "")
        assert command[:3] == ["nsenter", "--target", "12"]
        return subprocess.CompletedProcess(command, 0, self.handshakes, "")

    def observe(self, *script: Exchange, observer: Observer | None = None) -> Observation:
        gateway = Gateway(self.folder, resolve=look_up_nothing, state=self.folder / "endpoints.json")
        with scripted(self.patch, self.folder, *(script or WELL)):
            return (observer or Observer(self.folder, self.tables)).observe(gateway)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(tmp_path, monkeypatch)


def test_a_household_that_is_well(scene: Scene) -> None:
    assert scene.observe() == Observation(
        network=True, containers=dict.fromkeys(PROJECT, Container()), tunnel=Tunnel(answered=True), **TOLD
    )
    assert [command[:2] for command in scene.commands] == [["docker", "compose"]], "at rest no child but that one"


def test_compose_is_asked_only_when_its_file_has_changed(scene: Scene) -> None:
    observer = Observer(scene.folder, scene.tables)
    scene.observe(observer=observer)
    scene.observe(observer=observer)
    assert len(scene.commands) == 1


def only(**rows: dict[str, Any] | None) -> list[Exchange]:
    """A Docker that lists the household with these rows in place of its own; None for a row that is not there."""
    found = [one for name in PIDS if (one := rows.get(name, row(name)))]
    running = [one["Labels"]["com.docker.compose.service"] for one in found if one["State"] == "running"]
    return [(LIST, 200, found), *(inspected(name, PIDS[name]) for name in running)]


@pytest.mark.parametrize(
    ("name", "found", "expected"),
    [
        ("jellyfin", None, Container(ContainerState.MISSING)),
        *(
            ("jellyfin", row("jellyfin", told), Container(state))
            for told, state in (
                ("created", ContainerState.STOPPED),
                ("exited", ContainerState.STOPPED),
                ("dead", ContainerState.STOPPED),
                ("paused", ContainerState.PAUSED),
                ("restarting", ContainerState.RESTARTING),
                ("removing", ContainerState.RESTARTING),
            )
        ),
        ("transmission", row("transmission") | {"Status": "Up 1 hour (unhealthy)"}, Container(unhealthy=True)),
        ("transmission", row("transmission", mode="container:another"), Container(namespace=NamespaceState.FOREIGN)),
        ("transmission", row("transmission", "exited"), Container(ContainerState.STOPPED)),
    ],
)
def test_each_state_of_a_container(scene: Scene, name: str, found: dict[str, Any] | None, expected: Container) -> None:
    observed = scene.observe(*only(**{name: found}))
    assert observed.containers == {**dict.fromkeys(PROJECT, Container()), name: expected}


def test_the_services_to_restart_are_those_of_the_configuration(scene: Scene) -> None:
    row = {"title": "x", "namespace": "vpn", "probe": False, "forwarded_port": None}
    listed = [{**row, "name": name, "restart_when_unhealthy": name == "sonarr"} for name in ("jackett", "sonarr")]
    files.write(scene.folder / "gateway" / "gateway.json", json.dumps({**CONFIGURED, "services": listed}), mode=0o600)
    assert scene.observe().restarted_when_unhealthy == ("sonarr",)


@pytest.mark.parametrize(
    ("status", "restart", "asked"),
    [
        ("Up 1 hour (unhealthy)", True, True),
        ("Up 1 hour (unhealthy)", False, False),
        ("Up 1 hour (healthy)", True, False),
    ],
)
def test_only_an_unhealthy_jellyfin_that_may_be_restarted_is_asked_what_it_does(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, status: str, restart: bool, asked: bool
) -> None:
    row_of = {"title": "x", "namespace": "lan", "probe": False, "forwarded_port": None}
    listed = [{**row_of, "name": "jellyfin", "restart_when_unhealthy": restart}]
    files.write(scene.folder / "gateway" / "gateway.json", json.dumps({**CONFIGURED, "services": listed}), mode=0o600)
    monkeypatch.setattr(observe.jellyfin_use, "use_of", lambda root: Use.IN_USE)
    observed = scene.observe(*only(jellyfin=row("jellyfin") | {"Status": status}))
    assert observed.uses == ({"jellyfin": Use.IN_USE} if asked else {})


def test_a_container_in_a_dead_namespace(scene: Scene) -> None:
    scene.namespaces[13] = 899
    assert scene.observe().containers["transmission"] == Container(namespace=NamespaceState.DEAD)


def test_without_a_holder_neither_network_nor_tunnel_is_reported(scene: Scene) -> None:
    observed = scene.observe(*only(**{HOLDER: row(HOLDER, "exited")}))
    assert (observed.network, observed.tunnel) == (None, None)
    assert observed.containers[HOLDER] == Container(ContainerState.STOPPED)


@pytest.mark.parametrize("name", [HOLDER, "jellyfin"])
def test_a_container_that_vanishes_during_the_look_is_left_to_the_next_one(scene: Scene, name: str) -> None:
    script = [
        (path, 404, {"message": "No such container"}) if path.endswith(f"/{name}-id/json") else (path, status, content)
        for path, status, content in WELL
    ]
    observed = scene.observe(*script)
    assert observed.docker
    assert set(observed.containers) == set(PROJECT) - {name}


def test_another_refusal_is_reported_with_dockers_words(scene: Scene) -> None:
    observed = scene.observe(WELL[0], (WELL[1][0], 500, {"message": "cannot be read"}))
    assert not observed.docker
    assert observed.trouble == f"Docker answers GET /containers/{HOLDER}-id/json with status 500: cannot be read"


def test_what_compose_run_makes_is_no_service(scene: Scene) -> None:
    once = row("jellyfin", "exited", **{"com.docker.compose.oneoff": "True"}) | {"Id": "jellyfin-run"}
    observed = scene.observe((LIST, 200, [*WELL_ROWS, once]), *WELL[1:])
    assert observed.containers["jellyfin"] == Container()


def test_a_docker_without_a_socket(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = Gateway(scene.folder, resolve=look_up_nothing, state=scene.folder / "endpoints.json")
    monkeypatch.setattr(docker, "DOCKER_SOCKET", str(scene.folder / "gone.sock"))
    observed = Observer(scene.folder, scene.tables).observe(gateway, held=True)
    assert observed == Observation(docker=False, held=True, network=None, trouble=observed.trouble, **TOLD)
    assert observed.trouble.startswith(f"Docker does not answer at {scene.folder}/gone.sock: ")


def test_a_compose_file_that_cannot_be_read_is_reported(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = subprocess.CompletedProcess([], 15, "", "yaml: line 3:\n  mapping values are not allowed\n")
    monkeypatch.setattr(subprocess, "run", lambda command, **_: refused)
    observed = scene.observe()
    assert observed.trouble == (
        f"compose cannot read {scene.folder}/compose.yml: yaml: line 3: mapping values are not allowed"
    )


@pytest.mark.parametrize(
    "said",
    [subprocess.TimeoutExpired(["docker", "compose"], 60), FileNotFoundError("docker"), "{", "[]", '{"services": [1]}'],
    ids=str,
)
def test_whatever_compose_says_the_outer_barrier_is_looked_at(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, said: Exception | str
) -> None:
    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        if isinstance(said, Exception):
            raise said
        return subprocess.CompletedProcess(command, 0, said, "")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(keeper, "stands", lambda nft, text: False)
    observed = scene.observe()
    assert (observed.barrier, observed.docker, observed.network, observed.tunnel) == (False, False, None, None)
    assert observed.trouble


def test_a_tunnel_that_cannot_be_asked_in_time_does_not_hide_the_outer_barrier(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def handshake_age(pid: int, configured: float) -> float:
        raise subprocess.TimeoutExpired(["wg", "show"], 10)

    monkeypatch.setattr(observe, "_handshake_age", handshake_age)
    monkeypatch.setattr(keeper, "stands", lambda nft, text: False)
    scene.answering = set()
    assert not scene.observe().barrier


@pytest.mark.parametrize(
    ("tables", "bridge", "well"),
    [
        ({"ip_nat": RULES, "ip_docker_bridges": None}, True, True),
        ({"ip_nat": "", "ip_docker_bridges": RULES}, True, True),
        ({"ip_nat": RULES, "ip_docker_bridges": None}, False, False),
        ({"ip_nat": None, "ip_docker_bridges": None}, True, False),
        ({"ip_nat": RULES.replace(VPN_BRIDGE, "docker0"), "ip_docker_bridges": None}, True, False),
    ],
)
def test_the_network_is_its_bridge_and_its_rules(
    scene: Scene, tables: dict[str, str | None], bridge: bool, well: bool
) -> None:
    scene.tables = Tables(**tables)
    if not bridge:
        (scene.folder / "net" / VPN_BRIDGE).rmdir()
    assert scene.observe().network is well


def test_any_resolver_of_the_tunnel_is_enough_and_without_one_the_handshake_is_reported(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.answering = {"10.66.0.2"}
    assert scene.observe().tunnel == Tunnel(answered=True)
    scene.answering = set()
    monkeypatch.setattr(observe.time, "time", lambda: 1_000_100.0)
    for scene.handshakes, age in (("key\t1000000\n", 100.0), ("key\t0\n", None), ("", None), ("key\t²\n", None)):
        assert scene.observe().tunnel == Tunnel(answered=False, handshake_age=age, received=7)


def test_other_signs_are_asked_for_once_no_resolver_answers(scene: Scene) -> None:
    observer = Observer(scene.folder, scene.tables)
    for scene.answering, asked in (({"10.66.0.1"}, 0), (set(), 0), (set(), 1), ({"10.66.0.2"}, 2), (set(), 2)):
        scene.observe(observer=observer)
        assert scene.provoked == [("10.66.0.1", "10.66.0.2")] * asked


def test_what_is_wrong_with_the_host_itself_is_reported(scene: Scene) -> None:
    scene.forwarding_off = ("net.ipv4.ip_forward",)
    scene.obstacles = (Problem(Code.LAN_NOT_COVERED, "another router"),)
    observed = scene.observe()
    assert (observed.forwarding_off, observed.obstacles) == (scene.forwarding_off, scene.obstacles)


def test_a_handshake_from_before_the_configuration_was_written_proves_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.answering, scene.handshakes = set(), "key\t1000000\n"
    monkeypatch.setattr(observe.time, "time", lambda: 1_000_100.0)
    path = scene.folder / "gateway" / "run" / "tunnel" / "wg0.conf"
    files.write(path, "", mode=0o600)
    for written, age in ((1_000_000, 100.0), (1_000_050, None)):
        os.utime(path, (written, written))
        found = scene.observe().tunnel
        assert found is not None
        assert found.handshake_age == age


def test_another_key_is_asked_for_by_another_name(scene: Scene) -> None:
    before = scene.observe().asked
    files.write(scene.folder / "gateway" / "private.key", "another\n", mode=0o600)
    after = scene.observe().asked
    assert before[:-1] == after[:-1]
    assert before[-1] != after[-1]
    assert "another" not in "".join(after)


def test_a_namespace_without_the_tunnel_is_no_answer(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def inside(pid: int, make: object) -> socket.socket:
        raise OSError(errno.ENODEV, "No such device")

    monkeypatch.setattr(netns, "inside", inside)
    assert scene.observe().tunnel == Tunnel(answered=False, received=7, interface=False)


RESOLVER = """
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', 53)); s.settimeout(20)
print('ready', flush=True)
while True:
    q, a = s.recvfrom(999); s.sendto(q[:2] + b'\\x81\\x80' + q[4:], a)
"""


@needed
def test_the_tunnel_is_asked_inside_its_namespace_and_by_wg0_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With real packets: a resolver that answers by the uplink is no sign of state."""
    monkeypatch.setattr(observe, "_handshake_age", lambda pid, configured: None)
    monkeypatch.setattr(dns, "ANSWER_TIMEOUT_S", 1.0)
    observer = Observer(tmp_path, Tables())
    with built() as lab, contextlib.ExitStack() as running:
        for where, program in (
            (lab.vpn, "print('ready', flush=True); sys.stdin.readline()"),
            (lab.internet, RESOLVER),
        ):
            process = running.enter_context(lab.python(where, program))
            running.callback(process.kill)
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            if where == lab.vpn:
                holder = process.pid
            else:
                resolver = process
        with netns.inside(holder, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as line:
            assert dns.answers(line, WORLD, 5), "the control: by the uplink it does answer"
        assert observer._tunnel(holder, 0, (WORLD,)) == Tunnel(answered=False, interface=False)
        lab.add_tunnel()
        # An answer ends the wait; on a busy machine it may take longer than a second.
        monkeypatch.setattr(dns, "ANSWER_TIMEOUT_S", 10.0)
        assert observer._tunnel(holder, 0, (PROVIDER,)) == Tunnel(answered=True)
        monkeypatch.setattr(dns, "ANSWER_TIMEOUT_S", 1.0)
        assert not observer._tunnel(holder, 0, (WORLD,)).answered
        resolver.kill()
        resolver.wait()
        dead = [observer._tunnel(holder, 0, (PROVIDER,)) for _ in range(2)]
        assert not any(one.answered for one in dead)
        assert dead[1].received is not None
        assert dead[0].received is not None
        assert dead[1].received > dead[0].received, "an echo through the tunnel is a sign that it carries"


def test_a_table_that_was_edited_by_hand_does_not_stand(tmp_path: Path) -> None:
    """keeper.stands itself: the kernel's form against the note of what was loaded."""
    text, note = "table inet mediaserver_barrier {\n}\n", tmp_path / "barrier.json"
    listed = 'table inet mediaserver_barrier {\n\tchain a {\n\t\tiifname "br-vpn" drop\n\t}\n}\n'
    noted = {"text": files.digest(text), "fingerprint": barrier.fingerprint(listed)}
    note.write_text(json.dumps(noted))
    edited = listed.replace("drop", "accept")
    for found, stands in ((listed, True), (edited, False), (None, False)):
        assert keeper.stands(Tables(inet_mediaserver_barrier=found), text, note) is stands


def test_a_barrier_that_another_program_is_loading_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keeper is being restarted by "vpn-gateway apply", which holds the lock until the barrier stands."""
    lock, standing = tmp_path / "lock", threading.Event()
    monkeypatch.setattr(keeper, "stands", lambda nft, table: standing.is_set())
    observer = Observer(tmp_path, Tables(), _lock=lock)
    with ThreadPoolExecutor() as beside:
        with files.locked(lock):
            found = beside.submit(observer._barrier_stands, FakeGateway())  # type: ignore[arg-type]
            time.sleep(0.3)
            assert not found.done(), "it has judged while the lock was held"
            standing.set()
        assert found.result(10) is True


def test_a_barrier_that_is_gone_is_seen_while_another_process_holds_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "stands", lambda nft, table: False)
    monkeypatch.setattr(observe, "LOCK_PATIENCE_S", 0.2)
    observer = Observer(tmp_path, Tables(), _lock=tmp_path / "lock")
    with files.locked(tmp_path / "lock"):
        assert observer._barrier_stands(FakeGateway()) is False  # type: ignore[arg-type]


class FakeGateway:
    def outer(self) -> str:
        return "a table"


@pytest.mark.parametrize(
    ("counters", "packets"), [({"out": 3, "host": 4, "in": 50}, 7), ({"out": 2, "passing": 9}, 2), ({}, None)]
)
def test_what_came_from_inside_and_was_dropped_is_counted_wherever_it_went(
    counters: dict[str, int], packets: int | None
) -> None:
    listed = "".join(
        f"\tcounter leak_attempts_{name} {{\n\t\tpackets {n} bytes 9\n\t}}\n" for name, n in counters.items()
    )
    tables = Tables(inet_mediaserver_barrier=listed or None)
    assert tables.leak_attempts(OUTER_TABLE) == packets
