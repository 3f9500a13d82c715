# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on the Pi and tries, without a pause, every way out of every container's network namespace.

    prober.py CONFIGURATION

What arrives at the Pi itself, on whichever bridge, is noted in ``heard``; ``rounds`` has, for each time that all probes
were sent, the namespace's number and when it was begun, so that silence can be told from idleness.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import probes

# On disk: what was noted before a reboot counts after it.
NOTES = Path("/var/lib/leak-prober")
HEARING_UDP, HEARING_TCP = (53, 853, 1900, 6771, probes.UDP_PORT), (53, 853, probes.TCP_PORT)
# Time that answers to TCP and resolvers' own retries get within a round.
LINGER_S = 0.3
SIOCGIFADDR = 0x8915
RULES, BY_THE_DEVICE = ("ip", "-4", "rule"), ("oif", "eth0", "lookup", "100", "priority", "101")
GLOBAL_SCOPE = "00"


def try_all(where: dict[str, Any]) -> bool:
    """Try every way out once. False when this namespace is nobody's whose ways out are to be tried."""
    own = _addresses("eth0")
    networks = where["networks"]
    prefix = own["4"].rpartition(".")[0] + "."
    if prefix not in networks:
        return False
    shift = probes.SHIFT * list(networks).index(prefix)
    there = {**where, **networks[prefix]}
    route_by_the_device()
    lines = []
    for name in probes.PROBES:
        with contextlib.suppress(OSError):  # what the system refuses has not got out
            lines.append(probes.send(name, there, own, shift=shift))
    time.sleep(LINGER_S)
    for line in lines:
        line.close()
    return True


def route_by_the_device() -> None:
    """Have what is bound to eth0 go by the Pi, as it would from any container.

    There is no default route by eth0 in the VPN namespace: without one, such a socket asks its own network for the
    stranger's address, where nobody answers, and no packet comes as far as the outer barrier. Table 100 is the
    namespace's own for replies to the house; where it is missing, the next rule holds.
    """
    if not subprocess.run([*RULES, "show", *BY_THE_DEVICE], capture_output=True, check=True).stdout:
        subprocess.run([*RULES, "add", *BY_THE_DEVICE], check=True)


def _addresses(device: str) -> dict[str, str]:
    """A device's addresses in this namespace: the IPv4 one as ``4``, and as ``6`` a global IPv6 one, if any."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        packed = fcntl.ioctl(line, SIOCGIFADDR, struct.pack("256s", device.encode()))
    found = {"4": socket.inet_ntoa(packed[20:24])}
    # Address, index, prefix, scope, flags, device; there is no such file where IPv6 is not in the kernel.
    with contextlib.suppress(FileNotFoundError):
        for row in Path("/proc/self/net/if_inet6").read_text(encoding="ascii").splitlines():
            address, _index, _prefix, scope, _flags, name = row.split()
            if name == device and scope == GLOBAL_SCOPE:
                found["6"] = socket.inet_ntop(socket.AF_INET6, bytes.fromhex(address))
    return found


def namespaces(programs: list[str]) -> dict[int, int]:
    """Network namespaces of all containers' processes: their numbers, each with a process in it.

    With ``programs``, only those where one of these runs, by the name that the kernel has for it.
    """
    found: dict[int, int] = {}
    own = os.stat("/proc/self/ns/net").st_ino
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                number = (entry / "ns/net").stat().st_ino
                # Containers only: systemd gives some of its services a namespace without any way out.
                if number == own or "docker" not in (entry / "cgroup").read_text(encoding="ascii"):
                    continue
                if not programs or (entry / "comm").read_text(encoding="utf-8").strip() in programs:
                    found.setdefault(number, int(entry.name))
    return found


def probe(pid: int, where: dict[str, Any]) -> bool:
    """One round in the namespace of a process, in a child; says whether all of it could be tried."""
    child = os.fork()
    if child == 0:
        status = 1
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            with open(f"/proc/{pid}/ns/net", "rb") as namespace:
                os.setns(namespace.fileno(), os.CLONE_NEWNET)
            status = 0 if try_all(where) else 2
        os._exit(status)
    return os.waitpid(child, 0)[1] == 0


def hear(port: int) -> None:
    """Note every datagram of a probe that reaches the Pi on a port, by whichever bridge and family."""
    with _listener(socket.SOCK_DGRAM, port) as line:
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
                if (found := probes.MARKED.search(data)) and sender[0] != "::1":
                    note("heard", found[1].decode())


def hear_echoes(kind: int, protocol: int) -> None:
    """Note every ping of a probe that reaches the Pi."""
    with socket.socket(kind, socket.SOCK_RAW, protocol) as line:
        while True:
            if found := probes.MARKED.search(line.recv(2048)):
                note("heard", found[1].decode())


def hear_connections(port: int) -> None:
    """Note every connection of a probe that reaches the Pi on a port."""
    with _listener(socket.SOCK_STREAM, port) as line:
        line.listen()
        while True:
            with contextlib.suppress(OSError):
                caller, sender = line.accept()
                caller.close()
                if name := probes.tcp_probe(sender[1]):
                    note("heard", name)


def _listener(kind: int, port: int) -> socket.socket:
    line = socket.socket(socket.AF_INET6, kind)
    line.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    line.bind(("::", port))
    return line


def _join(line: socket.socket, number: int) -> None:
    # Where a group does not go with an interface, nothing of it can be heard there.
    for group in (probes.SSDP, probes.LPD):
        with contextlib.suppress(OSError):
            request = socket.inet_aton(group) + socket.inet_aton("0.0.0.0") + struct.pack("@i", number)
            line.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
    for group in (probes.ALL_NODES, probes.SSDP_IPV6, probes.LPD_IPV6):
        with contextlib.suppress(OSError):
            request = socket.inet_pton(socket.AF_INET6, group) + struct.pack("@i", number)
            line.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, request)


def note(file: str, word: str) -> None:
    with (NOTES / file).open("a", encoding="ascii") as stream:
        stream.write(word + "\n")


def end(failure: threading.ExceptHookArgs) -> None:
    """Without one of its ears the prober is no use; systemd starts it anew, or it is missed."""
    threading.__excepthook__(failure)
    os._exit(1)


def main(configuration: str) -> None:
    threading.excepthook = end
    where = json.loads(Path(configuration).read_text(encoding="utf-8"))
    NOTES.mkdir(parents=True, exist_ok=True)
    hearing: list[tuple[Callable[..., None], tuple[int, ...]]] = [
        *((hear, (port,)) for port in HEARING_UDP),
        *((hear_connections, (port,)) for port in HEARING_TCP),
        (hear_echoes, (socket.AF_INET, socket.IPPROTO_ICMP)),
        (hear_echoes, (socket.AF_INET6, socket.IPPROTO_ICMPV6)),
    ]
    for listen, arguments in hearing:
        threading.Thread(target=listen, args=arguments, daemon=True).start()
    while True:
        for number, pid in namespaces(where["programs"]).items():
            begun = time.monotonic()
            if probe(pid, where):
                note("rounds", f"{number}@{begun:.2f}")
        time.sleep(0.1)


if __name__ == "__main__":
    main(sys.argv[1])
