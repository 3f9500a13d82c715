# SPDX-License-Identifier: GPL-3.0-or-later
"""Network namespaces in which the barriers are tested in the kernel, with real packets between them.

Three namespaces in a row stand for the VPN namespace, the Pi and the internet. No packet leaves them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from mediaserver._core.names import VPN_BRIDGE
from mediaserver.firewall import barrier

NEEDED = [
    pytest.mark.skipif(os.getuid() != 0, reason="network namespaces need root"),
    pytest.mark.skipif(shutil.which("nft") is None, reason="needs nft (Debian package nftables)"),
    pytest.mark.skipif(shutil.which("ip") is None, reason="needs ip (Debian package iproute2)"),
]


def needed(test: Callable[..., None]) -> Callable[..., None]:
    """Mark a single test with all that is NEEDED."""
    for mark in NEEDED:
        test = mark(test)
    return test


HOLDER, BRIDGE, UPLINK, WORLD, TUNNEL, PROVIDER = (
    "172.31.254.2",
    "172.31.254.1",
    "198.18.16.10",
    "198.18.16.20",
    "10.66.0.2",
    "10.66.0.1",
)
ENDPOINT_PORT, UI_PORT, PEER_PORT, PUBLISHED = 51820, 9091, 51413, 9191
OUTSIDER, TAILNET = "203.0.113.7", "100.64.0.7"
# Docker's networks on the Pi, and a container's address in one of them.
CONTAINERS, CONTAINER = "172.30.0.0/16", "172.30.7.2"
LAN = ["198.18.16.0/24", "100.64.0.0/10"]
# A household's own service outside the VPN, with an address that the LAN's networks hold, as Docker's pools mostly are.
OWN_BRIDGE, OWN_ADDRESS, OWN_NETWORK = "br-own-lan", "100.64.30.2", "100.64.30.0/24"
# What that service opens of one in the VPN namespace, and what services in the namespace open of a service outside.
PORT_INSIDE, PORT_OUTSIDE = 6800, 8989
OUTER = barrier.render_outer(
    barrier.OuterBarrier(
        endpoints=[(WORLD, ENDPOINT_PORT)],
        ui_ports=[UI_PORT],
        published=[PUBLISHED],
        lan=LAN,
        containers=[CONTAINERS],
        own_bridges=[OWN_BRIDGE],
        bridge_address=BRIDGE,
        reaches=[(VPN_BRIDGE, PORT_OUTSIDE), (OWN_BRIDGE, PORT_INSIDE)],
        reached=[PORT_INSIDE],
    )
)
INNER = barrier.render_inner(
    barrier.InnerBarrier(
        endpoints=[(WORLD, ENDPOINT_PORT)],
        ui_ports=[UI_PORT],
        lan=LAN,
        bridge_address=BRIDGE,
        forwarded_ports=[PEER_PORT],
        reachable=[PORT_OUTSIDE],
        reached=[PORT_INSIDE],
        containers=[CONTAINERS, OWN_NETWORK],
    )
)

# Far longer than anything here takes. A barrier may hold back what a program waits for.
PATIENT_S = 20
OPENING = f"import socket, sys; socket.setdefaulttimeout({PATIENT_S})"


def run(*command: str, stdin: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=check, timeout=20)


def next_line(program: subprocess.Popen[str]) -> str:
    """Return what a program says next, or nothing when it has ended."""
    assert program.stdout is not None
    return program.stdout.readline().strip()


def go_on(program: subprocess.Popen[str]) -> None:
    """Let a program that waits for a line go on."""
    assert program.stdin is not None
    program.stdin.write("go\n")
    program.stdin.flush()


@dataclass(frozen=True)
class NetworkLab:
    """Names of the three namespaces: inside the VPN, the Pi, the internet."""

    vpn: str
    pi: str
    internet: str

    def load(self, where: str, table: str) -> None:
        run("ip", "netns", "exec", where, "nft", "-f", "-", stdin=table)

    def listing(self, where: str, table: str) -> str:
        return run("ip", "netns", "exec", where, "nft", "list", "table", "inet", table).stdout

    def counted(self, where: str, table: str, counter: str) -> int:
        listed = run("ip", "netns", "exec", where, "nft", "list", "counter", "inet", table, counter).stdout
        return int(listed.split("packets ")[1].split()[0])

    def python(self, where: str, program: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["ip", "netns", "exec", where, "python3", "-c", f"{OPENING}\n{program}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    @contextlib.contextmanager
    def running(self, where: str, program: str) -> Iterator[subprocess.Popen[str]]:
        """Run a program, and end it with the block."""
        started = self.python(where, program)
        try:
            yield started
        finally:
            started.kill()
            started.communicate()

    @contextlib.contextmanager
    def server(self, where: str, program: str) -> Iterator[subprocess.Popen[str]]:
        """Run a program that prints "ready" when it listens.

        It waits PATIENT_S for its client, whose interpreter may take seconds to start.
        """
        with self.running(where, program) as listener:
            assert next_line(listener) == "ready"
            yield listener

    def set_kernel(self, where: str, name: str, value: int) -> None:
        run("ip", "netns", "exec", where, "sh", "-c", f"echo {value} > /proc/sys/net/{name}")

    def add_tunnel(self) -> None:
        """Add a pair of interfaces from the VPN namespace to the internet, past the Pi, in place of WireGuard."""
        for line in f"""
            link add wg0 netns {self.vpn} type veth peer name provider0 netns {self.internet}
            -n {self.vpn} address add {TUNNEL}/24 dev wg0
            -n {self.internet} address add {PROVIDER}/24 dev provider0
            -n {self.vpn} link set wg0 up
            -n {self.internet} link set provider0 up
        """.strip().splitlines():
            run("ip", *line.split())

    def arrives(self, *, mark: int = 0, port: int = 6881, kind: str = "DGRAM", source: str = HOLDER) -> bool:
        """Say whether something sent from the VPN namespace to the internet arrives there."""
        # It looks at what its socket has received once the sender has ended.
        program = (
            f"s = socket.socket(socket.AF_INET, socket.SOCK_{kind}); s.bind(('', {port}))\n"
            f"{'s.listen()' if kind == 'STREAM' else ''}\nprint('ready', flush=True)\n"
            "sys.stdin.readline(); s.settimeout(0.5)\n"
            f"print({'s.accept()' if kind == 'STREAM' else 's.recv(9)'})"
        )
        with self.server(self.internet, program) as listener:
            self.python(
                self.vpn,
                f"s = socket.socket(socket.AF_INET, socket.SOCK_{kind}); s.settimeout(1)\n"
                f"s.setsockopt(socket.SOL_SOCKET, 36, {mark}); s.bind(('{source}', 0))\n"
                f"s.connect(('{WORLD}', {port})); s.send(b'probe')",
            ).wait(timeout=2 * PATIENT_S)
            go_on(listener)
            return listener.wait(timeout=2 * PATIENT_S) == 0

    def ui_answers(self, where: str, port: int = UI_PORT) -> bool:
        """Say whether a server in the VPN namespace can be spoken to from elsewhere."""
        return self._answers(self.vpn, ("", port), where, f"socket.create_connection(('{HOLDER}', {port}), 1)")

    def the_server_says(self, *, listening: bool) -> str:
        """Ask the VPN server as WireGuard would; return "answer", "refused" or "silence"."""
        server = (
            f"s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', {ENDPOINT_PORT}))\n"
            "print('ready', flush=True); _, a = s.recvfrom(9); s.sendto(b'answer', a)"
        )
        client = (
            "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1)\n"
            "s.setsockopt(socket.SOL_SOCKET, 36, 51820)\n"
            f"s.connect(('{WORLD}', {ENDPOINT_PORT})); s.send(b'question')\n"
            "try: print(s.recv(9).decode())\nexcept TimeoutError: print('silence')\n"
            "except ConnectionRefusedError: print('refused')"
        )
        with self.server(self.internet, server) if listening else contextlib.nullcontext():
            return self.python(self.vpn, client).communicate(timeout=2 * PATIENT_S)[0].strip()

    def add_address(self, address: str) -> None:
        """Give the internet one more address, which the Pi and the VPN namespace reach by its first one."""
        run("ip", "-n", self.internet, "address", "add", f"{address}/32", "dev", "world0")
        run("ip", "-n", self.pi, "route", "add", address, "via", WORLD)

    def add_outsider(self) -> None:
        """Give the internet an address outside mediaserver_lan."""
        self.add_address(OUTSIDER)

    def forget_connections(self, where: str) -> None:
        """Flush the connection tracking table of a namespace, as Docker does in part when a container restarts."""
        flush = (
            "import struct; s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12); s.settimeout(2)\n"  # NETFILTER
            # ctnetlink's DELETE without attributes, and REQUEST with ACK (linux/netfilter/nfnetlink_conntrack.h).
            "s.send(struct.pack('=IHHIIBBH', 20, 1 << 8 | 2, 5, 1, 0, 0, 0, 0))\n"
            "assert struct.unpack('=i', s.recv(99)[16:20])[0] == 0"
        )
        assert self.python(where, flush).wait(timeout=2 * PATIENT_S) == 0

    def answer_late(self, client: str, address: str, port: int, *, server: str, source: str = "") -> bool:
        """Let a connection be opened and forgotten, then let its server send; say whether the client receives that."""
        program = (
            f"s = socket.create_server(('{address}', {port})); print('ready', flush=True)\n"
            "c, _ = s.accept(); print('met', flush=True)\n"
            "sys.stdin.readline(); c.send(b'late'); print('sent', flush=True); sys.stdin.readline()"
        )
        call = (
            f"c = socket.create_connection(('{address}', {port}), 1, ('{source}', 0)); print('met', flush=True)\n"
            "sys.stdin.readline(); c.settimeout(1); assert c.recv(9) == b'late'"
        )
        with self.server(server, program) as listener, self.running(client, call) as caller:
            assert next_line(caller) == "met"
            assert next_line(listener) == "met"
            self.forget_connections(self.pi)
            go_on(listener)
            assert next_line(listener) == "sent"
            go_on(caller)
            return caller.wait(timeout=2 * PATIENT_S) == 0

    @contextlib.contextmanager
    def service(self, bridge: str, port: int, address: str = CONTAINER) -> Iterator[str]:
        """Have a container of Docker's behind a bridge of the Pi, its port 8096 published; yield its namespace."""
        name, gateway = f"{self.pi}-{bridge}"[-28:], f"{address.rpartition('.')[0]}.1"
        run("ip", "netns", "add", name)
        try:
            for line in f"""
                -n {self.pi} link add {bridge} type bridge
                -n {self.pi} address add {gateway}/24 dev {bridge}
                -n {self.pi} link set {bridge} up
                link add eth0 netns {name} type veth peer name v-{bridge[-12:]} netns {self.pi}
                -n {self.pi} link set v-{bridge[-12:]} master {bridge} up
                -n {name} address add {address}/24 dev eth0
                -n {name} link set eth0 up
                -n {name} route add default via {gateway}
            """.strip().splitlines():
                run("ip", *line.split())
            # As Docker does it: what comes by one of its own bridges goes to its proxy instead.
            translate = f'meta iifkind != "bridge" fib daddr type local tcp dport {port} dnat to {address}:8096'
            hook = "type nat hook prerouting priority -100;"
            self.load(self.pi, f"table ip published{port} {{\nchain there {{\n{hook}\n{translate}\n}}\n}}\n")
            yield name
        finally:
            run("ip", "netns", "delete", name, check=False)
            run("ip", "-n", self.pi, "link", "delete", bridge, check=False)
            run("ip", "netns", "exec", self.pi, "nft", "delete", "table", "ip", f"published{port}", check=False)

    def serves(self, container: str, where: str, source: str, *, address: str = UPLINK, port: int = PUBLISHED) -> bool:
        """Say whether a server in a container, at its port 8096, answers a client at an address."""
        ask = f"socket.create_connection(('{address}', {port}), 1, ('{source}', 0))"
        return self._answers(container, ("", 8096), where, ask, answer="peer[0].encode()", expected=source)

    def web_interface_answers(self, where: str, source: str, port: int = PUBLISHED) -> bool:
        """Say whether a program on the Pi itself, as Docker's proxy is one, can be spoken to from an address."""
        ask = f"socket.create_connection(('{UPLINK}', {port}), 1, ('{source}', 0))"
        return self._answers(self.pi, ("", port), where, ask)

    def opens(self, client: str, server: str, address: str, port: int) -> bool:
        """Say whether a server at an address of its namespace answers a client elsewhere."""
        return self._answers(server, (address, port), client, f"socket.create_connection(('{address}', {port}), 0.7)")

    def _answers(
        self,
        server: str,
        place: tuple[str, int],
        client: str,
        ask: str,
        *,
        answer: str = "b'hello'",
        expected: str = "hello",
    ) -> bool:
        """Have a server accept one connection and send ``answer``; return whether the client receives ``expected``.

        ``ask`` opens the client's connection, ``answer`` is an expression of Python. The kernel opens a connection at
        once; the server's answer may take longer on a busy machine.
        """
        program = (
            f"s = socket.create_server({place}); print('ready', flush=True)\n"
            f"c, peer = s.accept(); c.send({answer}); sys.stdin.readline()"
        )
        receive = f"s = {ask}; s.settimeout(5); assert s.recv(99) == b'{expected}'"
        with self.server(server, program):
            return self.python(client, receive).wait(timeout=2 * PATIENT_S) == 0

    def talk(
        self,
        client: str,
        server: str,
        address: str,
        port: int = 7777,
        *,
        meanwhile: Callable[[], None] | None = None,
        scope: tuple[str, str] = ("", ""),
    ) -> tuple[bool, bool]:
        """Open a TCP connection, then say whether client and server receive data on it.

        ``scope`` names the interfaces of client and server to which a link-local address belongs.
        """
        there, here = (f"{address}%{name}" if name else address for name in scope)
        met = (
            "print('met', flush=True); sys.stdin.readline(); c.settimeout(1)\n"
            "c.send(b'hello'); assert c.recv(9) == b'hello'; sys.stdin.readline()"
        )
        family = "socket.AF_INET6" if ":" in address else "socket.AF_INET"
        program = (
            f"where = socket.getaddrinfo('{here}', {port})[0][4]\n"
            f"s = socket.create_server(where, family={family}); print('ready', flush=True); c, _ = s.accept()\n{met}"
        )
        call = f"c = socket.create_connection(('{there}', {port}), 1)\n{met}"
        with self.server(server, program) as listener, self.running(client, call) as caller:
            # The client may meet a server that does not meet it: its last packet of the handshake was dropped.
            if next_line(caller) != "met" or next_line(listener) != "met":
                return False, False
            if meanwhile is not None:
                meanwhile()
            go_on(caller)
            go_on(listener)
            time.sleep(1.2)  # neither closes the connection before the other has listened to the end
            for side in (caller, listener):
                side.communicate(timeout=2 * PATIENT_S)
            return caller.returncode == 0, listener.returncode == 0


@contextlib.contextmanager
def built() -> Iterator[NetworkLab]:
    """Create the namespaces, and remove them; the test is skipped where this machine does not allow it."""
    names = NetworkLab(*(f"ms-{os.getpid()}-{role}" for role in ("vpn", "pi", "internet")))
    made = []
    try:
        for name in (names.vpn, names.pi, names.internet):
            if run("ip", "netns", "add", name, check=False).returncode != 0:
                pytest.skip("this machine does not allow new network namespaces")
            made.append(name)
        for line in f"""
            link add eth0 netns {names.vpn} type veth peer name br-vpn netns {names.pi}
            link add uplink0 netns {names.pi} type veth peer name world0 netns {names.internet}
            -n {names.vpn} address add {HOLDER}/24 dev eth0
            -n {names.pi} address add {BRIDGE}/24 dev br-vpn
            -n {names.pi} address add {UPLINK}/24 dev uplink0
            -n {names.internet} address add {WORLD}/24 dev world0
            -n {names.vpn} link set eth0 up
            -n {names.vpn} link set lo up
            -n {names.pi} link set br-vpn up
            -n {names.pi} link set uplink0 up
            -n {names.internet} link set world0 up
            -n {names.vpn} route add default via {BRIDGE}
            -n {names.internet} route add 172.31.254.0/24 via {UPLINK}
        """.strip().splitlines():
            run("ip", *line.split())
        names.set_kernel(names.pi, "ipv4/ip_forward", 1)
        # As in the holder; else the kernel's own router solicitations are counted.
        names.set_kernel(names.vpn, "ipv6/conf/all/disable_ipv6", 1)
        yield names
    finally:
        for name in made:
            run("ip", "netns", "delete", name, check=False)
