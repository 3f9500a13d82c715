# SPDX-License-Identifier: GPL-3.0-or-later
"""The barriers in the kernel: loaded by nft in network namespaces of their own, and tried with real packets.

Three namespaces in a row stand for the VPN namespace, the Pi and the world. Nothing leaves them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from mediaserver import barrier

pytestmark = [
    pytest.mark.skipif(os.getuid() != 0, reason="network namespaces need root"),
    pytest.mark.skipif(shutil.which("nft") is None, reason="needs nft (Debian package nftables)"),
    pytest.mark.skipif(shutil.which("ip") is None, reason="needs ip (Debian package iproute2)"),
]

HOLDER, BRIDGE, UPLINK, WORLD, TUNNEL = (
    "172.31.254.2",
    "172.31.254.1",
    "198.18.16.10",
    "198.18.16.20",
    "10.66.0.2",
)
ENDPOINT_PORT, UI_PORT, PEER_PORT = 51820, 9091, 51413
OUTER = barrier.render_outer(
    barrier.OuterBarrier(endpoints=[(WORLD, ENDPOINT_PORT)], ui_ports=[UI_PORT], lan=["198.18.16.0/24"])
)
INNER = barrier.render_inner(
    barrier.InnerBarrier(
        endpoints=[(WORLD, ENDPOINT_PORT)],
        ui_ports=[UI_PORT],
        lan=["198.18.16.0/24"],
        bridge_address=BRIDGE,
        forwarded_ports=[PEER_PORT],
    )
)


def run(*command: str, stdin: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=check, timeout=20)


@dataclass(frozen=True)
class House:
    """Names of the three namespaces: inside the VPN, the Pi, the world."""

    vpn: str
    pi: str
    world: str

    def load(self, where: str, table: str) -> None:
        run("ip", "netns", "exec", where, "nft", "-f", "-", stdin=table)

    def listing(self, where: str, table: str) -> str:
        return run("ip", "netns", "exec", where, "nft", "list", "table", "inet", table).stdout

    def counted(self, where: str, table: str, counter: str) -> int:
        listed = run("ip", "netns", "exec", where, "nft", "list", "counter", "inet", table, counter).stdout
        return int(listed.split("packets ")[1].split()[0])

    def python(self, where: str, program: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["ip", "netns", "exec", where, "python3", "-c", f"import socket, sys\n{program}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def arrives(self, *, mark: int = 0, port: int = 6881, kind: str = "DGRAM", source: str = HOLDER) -> bool:
        """Say whether something sent from the VPN namespace to the world arrives there."""
        listener = self.python(
            self.world,
            f"s = socket.socket(socket.AF_INET, socket.SOCK_{kind})"
            f"\ns.bind(('', {port})); s.settimeout(1.5)\n"
            f"{'s.listen()' if kind == 'STREAM' else ''}\nprint('ready', flush=True)\n"
            f"print({'s.accept()' if kind == 'STREAM' else 's.recv(9)'})",
        )
        assert listener.stdout is not None
        assert listener.stdout.readline() == "ready\n"
        sender = self.python(
            self.vpn,
            f"s = socket.socket(socket.AF_INET, socket.SOCK_{kind}); s.settimeout(1)\n"
            f"s.setsockopt(socket.SOL_SOCKET, 36, {mark}); s.bind(('{source}', 0))\n"
            f"s.connect(('{WORLD}', {port})); s.send(b'probe')",
        )
        sender.wait(timeout=10)
        return listener.wait(timeout=10) == 0

    def ui_answers(self, where: str, port: int = UI_PORT) -> bool:
        """Say whether a server in the VPN namespace can be spoken to from elsewhere."""
        server = self.python(
            self.vpn,
            "s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
            f"s.bind(('', {port}))\n"
            "s.listen(); s.settimeout(1.5); print('ready', flush=True)\nc, _ = s.accept(); c.send(b'hello')",
        )
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        client = self.python(
            where, f"s = socket.create_connection(('{HOLDER}', {port}), 1); assert s.recv(9) == b'hello'"
        )
        answered = client.wait(timeout=10) == 0
        server.wait(timeout=10)
        return answered


@pytest.fixture
def house() -> Iterator[House]:
    names = House(*(f"ms-{os.getpid()}-{role}" for role in ("vpn", "pi", "world")))
    made = []
    try:
        for name in (names.vpn, names.pi, names.world):
            if run("ip", "netns", "add", name, check=False).returncode != 0:
                pytest.skip("this machine does not allow new network namespaces")
            made.append(name)
        for line in f"""
            link add eth0 netns {names.vpn} type veth peer name br-vpn netns {names.pi}
            link add uplink0 netns {names.pi} type veth peer name world0 netns {names.world}
            -n {names.vpn} address add {HOLDER}/24 dev eth0
            -n {names.pi} address add {BRIDGE}/24 dev br-vpn
            -n {names.pi} address add {UPLINK}/24 dev uplink0
            -n {names.world} address add {WORLD}/24 dev world0
            -n {names.vpn} link set eth0 up
            -n {names.vpn} link set lo up
            -n {names.pi} link set br-vpn up
            -n {names.pi} link set uplink0 up
            -n {names.world} link set world0 up
            -n {names.vpn} route add default via {BRIDGE}
            -n {names.world} route add 172.31.254.0/24 via {UPLINK}
        """.strip().splitlines():
            run("ip", *line.split())
        run("ip", "netns", "exec", names.pi, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        # As in the holder; else the kernel's own router solicitations are counted.
        run("ip", "netns", "exec", names.vpn, "sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6")
        yield names
    finally:
        for name in made:
            run("ip", "netns", "delete", name, check=False)


@pytest.mark.parametrize(
    ("text", "table"),
    [(OUTER, barrier.OUTER_TABLE), (INNER, barrier.INNER_TABLE)],
    ids=["outer", "inner"],
)
def test_loads_again_and_again_and_keeps_its_fingerprint(house: House, text: str, table: str) -> None:
    house.load(house.pi, "table ip docker {\nchain keep {\n}\n}\n")
    house.load(house.pi, text)
    first = barrier.fingerprint(house.listing(house.pi, table))
    house.load(house.pi, text)
    assert barrier.fingerprint(house.listing(house.pi, table)) == first
    assert "docker" in run("ip", "netns", "exec", house.pi, "nft", "list", "tables").stdout
    house.load(house.pi, f"add element inet {table} ui_ports {{ 1 }}\n")
    assert barrier.fingerprint(house.listing(house.pi, table)) != first


def test_without_barriers_everything_gets_out(house: House) -> None:
    """The control: the probes of the other tests do arrive when nothing holds them."""
    assert house.arrives()
    assert house.arrives(kind="STREAM", port=443)
    assert house.arrives(mark=51820, port=ENDPOINT_PORT)
    assert house.ui_answers(house.world)
    assert house.ui_answers(house.pi)


@pytest.mark.parametrize(("where", "text"), [("pi", OUTER), ("vpn", INNER)], ids=["outer alone", "inner alone"])
def test_one_barrier_alone_holds(house: House, where: str, text: str) -> None:
    place = getattr(house, where)
    table = barrier.OUTER_TABLE if text is OUTER else barrier.INNER_TABLE
    house.load(place, text)
    assert house.arrives(mark=51820, port=ENDPOINT_PORT), "the tunnel cannot reach its server"
    assert house.counted(place, table, "leak_attempts_out") == 0
    assert not house.arrives()
    assert not house.arrives(mark=51820)
    assert not house.arrives(kind="STREAM", port=443)
    assert not house.arrives(kind="STREAM", port=ENDPOINT_PORT)
    assert house.counted(place, table, "leak_attempts_out") >= 4
    assert house.ui_answers(house.world), "the house cannot open the UI"
    assert house.ui_answers(house.pi), "the Pi cannot open the UI"
    assert not house.ui_answers(house.world, port=22)
    assert house.counted(place, table, "leak_attempts_in") >= 1


def test_the_inner_barrier_lets_only_the_marked_reach_the_endpoint(house: House) -> None:
    house.load(house.vpn, INNER)
    assert not house.arrives(port=ENDPOINT_PORT)


def test_the_outer_barrier_keeps_the_vpn_off_the_pi_itself(house: House) -> None:
    house.load(house.pi, OUTER)
    probe = house.python(house.vpn, f"socket.create_connection(('{BRIDGE}', 22), 1)")
    probe.wait(timeout=10)
    assert house.counted(house.pi, barrier.OUTER_TABLE, "leak_attempts_host") >= 1


@pytest.mark.parametrize("barrier_stands", [True, False], ids=["held", "control: without the barrier it gets out"])
def test_a_peer_s_connection_never_moves_to_the_uplink(house: House, barrier_stands: bool) -> None:
    """A peer came in by the tunnel, the tunnel goes, a route leads to the uplink: no reply in clear."""
    for line in f"""
        link add wg0 netns {house.vpn} type veth peer name provider0 netns {house.world}
        -n {house.vpn} address add {TUNNEL}/24 dev wg0
        -n {house.world} address add 10.66.0.1/24 dev provider0
        -n {house.vpn} link set wg0 up
        -n {house.world} link set provider0 up
    """.strip().splitlines():
        run("ip", *line.split())
    spy = f"type filter hook prerouting priority -300;\nip saddr {TUNNEL} counter name clear"
    house.load(house.pi, f"table inet spy {{\ncounter clear {{\n}}\nchain look {{\n{spy}\n}}\n}}\n")
    if barrier_stands:
        house.load(house.vpn, INNER)
    server = house.python(
        house.vpn,
        f"import time; s = socket.socket(); s.bind(('{TUNNEL}', {PEER_PORT})); s.listen(); s.settimeout(3)\n"
        "print('ready', flush=True); c, _ = s.accept(); print('met', flush=True)\n"
        "time.sleep(1); c.send(b'hello'); time.sleep(1)",
    )
    assert server.stdout is not None
    assert server.stdout.readline() == "ready\n"
    client = house.python(
        house.world,
        f"import time; s = socket.create_connection(('{TUNNEL}', {PEER_PORT}), 2); time.sleep(2.5)",
    )
    assert server.stdout.readline() == "met\n", "the forwarded port does not let peers in"
    run("ip", "-n", house.vpn, "address", "add", f"{TUNNEL}/32", "dev", "lo")
    run("ip", "-n", house.vpn, "link", "delete", "wg0")
    server.wait(timeout=10)
    client.wait(timeout=10)
    assert (house.counted(house.pi, "spy", "clear") == 0) == barrier_stands
