# SPDX-License-Identifier: GPL-3.0-or-later
"""The barriers in the kernel: loaded by nft in network namespaces of their own, and tried with real packets.

Three namespaces in a row stand for the VPN namespace, the Pi and the world. Nothing leaves them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from mediaserver import barrier

pytestmark = [
    pytest.mark.skipif(os.getuid() != 0, reason="network namespaces need root"),
    pytest.mark.skipif(shutil.which("nft") is None, reason="needs nft (Debian package nftables)"),
    pytest.mark.skipif(shutil.which("ip") is None, reason="needs ip (Debian package iproute2)"),
]

HOLDER, BRIDGE, UPLINK, WORLD, TUNNEL, PROVIDER = (
    "172.31.254.2",
    "172.31.254.1",
    "198.18.16.10",
    "198.18.16.20",
    "10.66.0.2",
    "10.66.0.1",
)
ENDPOINT_PORT, UI_PORT, PEER_PORT, PUBLISHED = 51820, 9091, 51413, 9191
STRANGER = "203.0.113.7"
OUTER = barrier.render_outer(
    barrier.OuterBarrier(
        endpoints=[(WORLD, ENDPOINT_PORT)], ui_ports=[UI_PORT], published=[PUBLISHED], lan=["198.18.16.0/24"]
    )
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
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def set_kernel(self, where: str, name: str, value: int) -> None:
        run("ip", "netns", "exec", where, "sh", "-c", f"echo {value} > /proc/sys/net/{name}")

    def add_tunnel(self) -> None:
        """A pair of interfaces from the VPN namespace to the world, past the Pi, stands for WireGuard's."""
        for line in f"""
            link add wg0 netns {self.vpn} type veth peer name provider0 netns {self.world}
            -n {self.vpn} address add {TUNNEL}/24 dev wg0
            -n {self.world} address add {PROVIDER}/24 dev provider0
            -n {self.vpn} link set wg0 up
            -n {self.world} link set provider0 up
        """.strip().splitlines():
            run("ip", *line.split())

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

    def the_server_says(self, *, listening: bool) -> str:
        """Ask the VPN server as WireGuard would; return "answer", "refused" or "silence"."""
        if listening:
            server = self.python(
                self.world,
                f"s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', {ENDPOINT_PORT}))\n"
                "s.settimeout(1.5); print('ready', flush=True); _, a = s.recvfrom(9); s.sendto(b'answer', a)",
            )
            assert server.stdout is not None
            assert server.stdout.readline() == "ready\n"
        client = self.python(
            self.vpn,
            "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1)\n"
            "s.setsockopt(socket.SOL_SOCKET, 36, 51820)\n"
            f"s.connect(('{WORLD}', {ENDPOINT_PORT})); s.send(b'question')\n"
            "try: print(s.recv(9).decode())\nexcept TimeoutError: print('silence')\n"
            "except ConnectionRefusedError: print('refused')",
        )
        said = client.communicate(timeout=10)[0].strip()
        if listening:
            server.wait(timeout=10)
        return said

    def talk(
        self, client: str, server: str, address: str, port: int = 7777, *, meanwhile: Callable[[], None] | None = None
    ) -> tuple[bool, bool]:
        """Open a TCP connection, then say whether the client and the server hear each other on it."""
        met = (
            "print('met', flush=True); sys.stdin.readline(); c.settimeout(1)\n"
            "c.send(b'hello'); assert c.recv(9) == b'hello'; sys.stdin.readline()"
        )
        family = "socket.AF_INET6" if ":" in address else "socket.AF_INET"
        listener = self.python(
            server,
            f"s = socket.create_server(('{address}', {port}), family={family}); s.settimeout(1.5)\n"
            f"print('ready', flush=True); c, _ = s.accept()\n{met}",
        )
        assert listener.stdout is not None
        assert listener.stdout.readline() == "ready\n"
        caller = self.python(client, f"c = socket.create_connection(('{address}', {port}), 1)\n{met}")
        both = (caller, listener)
        lines = [side.stdout.readline() for side in both if side.stdout is not None]
        if lines == ["met\n", "met\n"]:
            if meanwhile is not None:
                meanwhile()
            for side in both:
                assert side.stdin is not None
                side.stdin.write("go\n")
                side.stdin.flush()
            time.sleep(1.2)  # neither closes the connection before the other has listened to the end
        for side in both:
            side.communicate(timeout=10)
        return caller.returncode == 0, listener.returncode == 0

    def add_stranger(self) -> None:
        """Give the world an address that is in no LAN of ours."""
        run("ip", "-n", self.world, "address", "add", f"{STRANGER}/32", "dev", "world0")
        run("ip", "-n", self.pi, "route", "add", STRANGER, "via", WORLD)

    def page_answers(self, where: str, source: str, port: int = PUBLISHED) -> bool:
        """Say whether a program on the Pi itself, as Docker's proxy is one, can be spoken to from an address."""
        server = self.python(
            self.pi,
            f"s = socket.create_server(('', {port})); s.settimeout(1.5); print('ready', flush=True)\n"
            "c, _ = s.accept(); c.send(b'hello')",
        )
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        ask = f"s = socket.create_connection(('{UPLINK}', {port}), 1, ('{source}', 0)); assert s.recv(9) == b'hello'"
        answered = self.python(where, ask).wait(timeout=10) == 0
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
        names.set_kernel(names.pi, "ipv4/ip_forward", 1)
        # As in the holder; else the kernel's own router solicitations are counted.
        names.set_kernel(names.vpn, "ipv6/conf/all/disable_ipv6", 1)
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


def test_published_pages_are_for_the_lan_and_the_pi_also_where_docker_only_passes_them_on(house: House) -> None:
    house.add_stranger()
    run("ip", "-n", house.pi, "link", "set", "lo", "up")
    assert house.page_answers(house.world, STRANGER), "the control: without a barrier he is answered"
    house.load(house.pi, OUTER)
    assert not house.page_answers(house.world, STRANGER)
    assert house.counted(house.pi, barrier.OUTER_TABLE, "strangers") >= 1
    assert house.page_answers(house.world, WORLD), "the house cannot open the page"
    assert house.page_answers(house.pi, UPLINK), "the Pi cannot open its own page"
    assert house.page_answers(house.world, STRANGER, port=2222), "what is not published is none of our business"


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
    house.add_tunnel()
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


ALONE = pytest.mark.parametrize(("where", "text"), [("pi", OUTER), ("vpn", INNER)], ids=["outer", "inner"])
STANDS = pytest.mark.parametrize("barrier_stands", [True, False], ids=["held", "control: no barrier"])


@ALONE
@pytest.mark.parametrize(("listening", "said"), [(True, "answer"), (False, "refused")], ids=["answer", "refusal"])
def test_what_the_server_says_comes_back(house: House, where: str, text: str, listening: bool, said: str) -> None:
    """A refusal is an ICMP error, as is the news that a packet was too big."""
    house.load(getattr(house, where), text)
    assert house.the_server_says(listening=listening) == said


def test_the_inner_barrier_leaves_loopback_alone(house: House) -> None:
    house.load(house.vpn, INNER)
    assert house.talk(house.vpn, house.vpn, "127.0.0.1") == (True, True)


def test_through_the_tunnel_one_may_call_but_not_be_called(house: House) -> None:
    house.add_tunnel()
    assert house.talk(house.world, house.vpn, TUNNEL) == (True, True), "the control: a call gets in"
    house.load(house.vpn, INNER)
    assert house.talk(house.world, house.vpn, TUNNEL, 7778) == (False, False)
    assert house.talk(house.vpn, house.world, PROVIDER) == (True, True)


def test_nothing_passes_through_the_vpn_namespace(house: House) -> None:
    house.add_tunnel()
    house.set_kernel(house.vpn, "ipv4/ip_forward", 1)
    run("ip", "-n", house.pi, "route", "add", PROVIDER, "via", HOLDER)
    assert house.talk(house.pi, house.world, PROVIDER) == (True, True), "the control: it would forward"
    house.load(house.vpn, INNER)
    assert house.talk(house.pi, house.world, PROVIDER, 7778) == (False, False)
    assert house.counted(house.vpn, barrier.INNER_TABLE, "leak_attempts_passing") >= 1


def test_an_inner_barrier_without_its_rules_lets_nothing_through(house: House) -> None:
    """Each chain's policy holds when the rules are gone; the other chains are opened to see that one alone."""
    house.add_tunnel()
    house.set_kernel(house.vpn, "ipv4/ip_forward", 1)
    run("ip", "-n", house.pi, "route", "add", PROVIDER, "via", HOLDER)
    house.load(house.vpn, INNER)
    table = f"inet {barrier.INNER_TABLE}"
    house.load(house.vpn, f"flush table {table}\n")
    assert not house.arrives()
    assert house.talk(house.pi, house.world, PROVIDER) == (False, False)
    house.load(house.vpn, f"add rule {table} leaving accept\n")
    assert house.arrives(), "the control: it leaves when that chain accepts"
    assert not house.ui_answers(house.pi)
    house.load(house.vpn, f"add rule {table} arriving accept\n")
    assert house.ui_answers(house.pi), "the control: it arrives when that chain accepts"
    house.load(house.vpn, f"add rule {table} passing accept\n")
    assert house.talk(house.pi, house.world, PROVIDER, 7778) == (True, True), "the control: so it passes"


@STANDS
@pytest.mark.parametrize("other_side", ["world", "pi"])
def test_the_outer_barrier_ends_what_was_open_over_ipv6(house: House, other_side: str, barrier_stands: bool) -> None:
    """A connection that the kernel knew before the barrier came is not let on, in either direction."""
    links = {house.vpn: ["eth0"], house.pi: ["br-vpn", "uplink0"], house.world: ["world0"]}
    for name, interfaces in links.items():
        house.set_kernel(name, "ipv6/conf/all/disable_ipv6", 1)
        for interface in interfaces:
            house.set_kernel(name, f"ipv6/conf/{interface}/accept_dad", 0)  # addresses are usable at once
        house.set_kernel(name, "ipv6/conf/all/disable_ipv6", 0)
    house.set_kernel(house.pi, "ipv6/conf/all/forwarding", 1)
    for line in f"""
        -n {house.vpn} address add fd00:1::2/64 dev eth0 nodad
        -n {house.pi} address add fd00:1::1/64 dev br-vpn nodad
        -n {house.pi} address add fd00:2::1/64 dev uplink0 nodad
        -n {house.world} address add fd00:2::2/64 dev world0 nodad
        -n {house.vpn} route add default via fd00:1::1
        -n {house.world} route add fd00:1::/64 via fd00:2::1
    """.strip().splitlines():
        run("ip", *line.split())
    tracked = "type filter hook prerouting priority -300;\nct state new accept"
    house.load(house.pi, f"table inet tracking {{\nchain look {{\n{tracked}\n}}\n}}\n")

    met = []

    def meanwhile() -> None:
        met.append(True)
        if barrier_stands:
            house.load(house.pi, OUTER)

    heard = house.talk(getattr(house, other_side), house.vpn, "fd00:1::2", meanwhile=meanwhile)
    assert met, "there was no connection that could have ended"
    # What the Pi itself sends is not the barrier's affair: the VPN namespace hears it, and cannot answer.
    assert heard == ((False, other_side == "pi") if barrier_stands else (True, True))


def test_the_outer_barrier_concerns_nobody_else(house: House) -> None:
    """The Pi stays reachable, and what it forwards for others still passes."""
    for line in f"""
        link add guest0 netns {house.vpn} type veth peer name other0 netns {house.pi}
        -n {house.vpn} address add 10.77.0.2/24 dev guest0
        -n {house.pi} address add 10.77.0.1/24 dev other0
        -n {house.vpn} link set guest0 up
        -n {house.pi} link set other0 up
        -n {house.vpn} route replace default via 10.77.0.1
        -n {house.world} route add 10.77.0.0/24 via {UPLINK}
    """.strip().splitlines():
        run("ip", *line.split())
    house.load(house.pi, OUTER)
    assert house.talk(house.world, house.pi, UPLINK, 22) == (True, True)
    assert house.talk(house.vpn, house.world, WORLD) == (True, True)
