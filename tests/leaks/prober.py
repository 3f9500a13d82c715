# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on the Pi and tries, without a pause, every way out of every container's network namespace.

    prober.py CONFIGURATION

Each probe carries its name where the packet has room for it, and has a TCP port of its own where it has not; so
whoever captures outside knows which one got through. What arrives at the Pi itself, on whichever bridge, is noted
in ``heard``; ``rounds`` counts how often all probes were sent, so that silence can be told from idleness.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

MARK = "leakprobe-"
MARKED = re.compile(rb"leakprobe-([a-z0-9-]+)")
FIRST_TCP_PORT = 20001
HEARING_PORTS = (53, 1900, 6771, 9009)
SSDP, LPD, ALL_NODES = "239.255.255.250", "239.192.152.143", "ff02::1"
RUN = Path("/run/leak-prober")
# Time that answers to TCP and resolvers' own retries get within a round.
LINGER_S = 0.3
SIOCGIFADDR, SO_BINDTODEVICE = 0x8915, 25


@dataclass(frozen=True)
class Way:
    """How a socket is bound before it sends; by default, not at all."""

    device: str = ""
    source: str = ""


UNBOUND = Way()


class Probes:
    """Every way out, by name. A probe that the system refuses has not got out."""

    def __init__(self, where: dict[str, str]) -> None:
        self.open: list[socket.socket] = []
        target, resolver, laptop, endpoint, gateway = (
            where[key] for key in ("target", "resolver", "laptop", "endpoint", "gateway")
        )
        device = Way(device="eth0")
        source = Way(source=_address("eth0"))
        self.all: dict[str, Callable[[str], None]] = {}
        for kind, way in (("unbound", UNBOUND), ("device", device), ("source", source)):
            self.all[f"tcp-{kind}"] = partial(self.tcp, target=target, way=way)
            self.all[f"udp-{kind}"] = partial(self.udp, target=target, port=9009, way=way)
            self.all[f"icmp-{kind}"] = partial(self.icmp, target=target, way=way)
            self.all[f"dns-udp-{kind}"] = partial(self.dns, resolver=resolver, way=way)
        self.all |= {
            "dns-docker": partial(self.dns, resolver="127.0.0.11"),
            "dns-docker-one-label": partial(self.dns, resolver="127.0.0.11", domain=()),
            "dns-docker-search": partial(self.dns, resolver="127.0.0.11", domain=("house", "lab")),
            "dns-tcp": partial(self.tcp, target=resolver),
            "dns-tls": partial(self.tcp, target=resolver),
            "dns-pi": partial(self.dns, resolver=gateway),
            "endpoint-unmarked": partial(self.udp, target=endpoint, port=51820),
            "endpoint-unmarked-device": partial(self.udp, target=endpoint, port=51820, way=device),
            "lan-tcp": partial(self.tcp, target=laptop),
            "lan-udp-device": partial(self.udp, target=laptop, port=9009, way=device),
            "bridge-neighbour": partial(self.udp, target=gateway, port=9009),
            "bridge-neighbour-device": partial(self.udp, target=gateway, port=9009, way=device),
            "ssdp-device": partial(self.udp, target=SSDP, port=1900, way=device),
            "lpd-device": partial(self.udp, target=LPD, port=6771, way=device),
            "ipv6-unbound": partial(self.udp6, target="fd00:66::1"),
            "ipv6-multicast": partial(self.udp6, target=ALL_NODES, device="eth0"),
        }

    def round(self) -> None:
        for name, send in self.all.items():
            with contextlib.suppress(OSError):
                send(name)
        time.sleep(LINGER_S)
        for line in self.open:
            line.close()

    def socket(self, kind: int, way: Way, protocol: int = 0) -> socket.socket:
        line = socket.socket(socket.AF_INET, kind, protocol)
        self.open.append(line)
        line.setblocking(False)
        if way.device:
            line.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, way.device.encode())
        if way.source:
            line.bind((way.source, 0))
        return line

    def tcp(self, name: str, target: str, way: Way = UNBOUND) -> None:
        problem = self.socket(socket.SOCK_STREAM, way).connect_ex((target, tcp_port(name)))
        if problem not in (0, errno.EINPROGRESS):
            raise OSError(problem, name)

    def udp(self, name: str, target: str, port: int, way: Way = UNBOUND) -> None:
        self.socket(socket.SOCK_DGRAM, way).sendto(f"{MARK}{name}".encode(), (target, port))

    def udp6(self, name: str, target: str, device: str = "") -> None:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as line:
            line.setblocking(False)
            scope = socket.if_nametoindex(device) if device else 0
            line.sendto(f"{MARK}{name}".encode(), (target, 9009, 0, scope))

    def icmp(self, name: str, target: str, way: Way = UNBOUND) -> None:
        data = struct.pack("!BBHHH", 8, 0, 0, os.getpid() & 0xFFFF, 1) + f"{MARK}{name}".encode()
        data += b"\0" * (len(data) % 2)
        total = sum(struct.unpack(f"!{len(data) // 2}H", data))
        total = (total & 0xFFFF) + (total >> 16)
        checked = data[:2] + struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF) + data[4:]
        self.socket(socket.SOCK_RAW, way, socket.IPPROTO_ICMP).sendto(checked, (target, 0))

    def dns(self, name: str, resolver: str, domain: tuple[str, ...] = ("lab",), way: Way = UNBOUND) -> None:
        labels = (f"{MARK}{name}", *domain)
        wire = b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"
        question = struct.pack("!6H", os.getpid() & 0xFFFF, 0x0100, 1, 0, 0, 0) + wire + struct.pack("!HH", 1, 1)
        self.socket(socket.SOCK_DGRAM, way).sendto(question, (resolver, 53))


def tcp_port(name: str) -> int:
    """The port of a TCP probe; 853 and 53 where the port is what matters."""
    fixed = {"dns-tcp": 53, "dns-tls": 853}
    names = ("tcp-unbound", "tcp-device", "tcp-source", "lan-tcp")
    return fixed[name] if name in fixed else FIRST_TCP_PORT + names.index(name)


def _address(device: str) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        packed = fcntl.ioctl(line, SIOCGIFADDR, struct.pack("256s", device.encode()))
    return socket.inet_ntoa(packed[20:24])


def namespaces() -> dict[int, int]:
    """Network namespaces of all processes but the host's own: their numbers, each with a process in it."""
    found: dict[int, int] = {}
    own = os.stat("/proc/self/ns/net").st_ino
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                number = (entry / "ns/net").stat().st_ino
                # Containers only: systemd gives some of its services a namespace without any way out.
                if number != own and "docker" in (entry / "cgroup").read_text(encoding="ascii"):
                    found.setdefault(number, int(entry.name))
    return found


def probe(pid: int, where: dict[str, str]) -> bool:
    """One round in the namespace of a process, in a child; says whether all of it could be tried."""
    child = os.fork()
    if child == 0:
        status = 1
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/ns/net", "rb") as namespace:
                os.setns(namespace.fileno(), os.CLONE_NEWNET)
            Probes(where).round()
            status = 0
        os._exit(status)
    return os.waitpid(child, 0)[1] == 0


def hear(port: int) -> None:
    """Note every probe that reaches the Pi on a port, by whichever bridge and family."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as line:
        line.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        line.bind(("::", port))
        line.settimeout(0.5)
        joined: set[int] = set()
        while True:
            for number, name in socket.if_nameindex():
                # On bridges to containers only: joining a group by the uplink would itself be heard outside.
                if number not in joined and name.startswith("br-"):
                    joined.add(number)
                    _join(line, number)
            with contextlib.suppress(TimeoutError):
                data, sender = line.recvfrom(2048)
                if (found := MARKED.search(data)) and sender[0] != "::1":
                    note("heard", found[1].decode())


def _join(line: socket.socket, number: int) -> None:
    # Where a group does not go with an interface, nothing of it can be heard there.
    for group in (SSDP, LPD):
        with contextlib.suppress(OSError):
            request = socket.inet_aton(group) + socket.inet_aton("0.0.0.0") + struct.pack("@i", number)
            line.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
    with contextlib.suppress(OSError):
        request = socket.inet_pton(socket.AF_INET6, ALL_NODES) + struct.pack("@i", number)
        line.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, request)


def note(file: str, word: str) -> None:
    with (RUN / file).open("a", encoding="ascii") as stream:
        stream.write(word + "\n")


def main(configuration: str) -> None:
    where = json.loads(Path(configuration).read_text(encoding="utf-8"))
    RUN.mkdir(exist_ok=True)
    for port in HEARING_PORTS:
        threading.Thread(target=hear, args=(port,), daemon=True).start()
    while True:
        for pid in namespaces().values():
            if probe(pid, where):
                note("rounds", str(pid))
        time.sleep(0.1)


if __name__ == "__main__":
    main(sys.argv[1])
