# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on the Pi and sends all probes from every container's network namespace, in a loop.

    prober.py CONFIGURATION

Probes that arrive at the Pi itself, on any bridge, are recorded in ``received``. ``rounds`` has one line for each
complete round: the namespace's inode number and the start (monotonic, in seconds). Without a round, no probe arriving
proves nothing.
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

# On disk, so that records remain after a reboot.
RECORDS = Path("/var/lib/leak-prober")
UDP_PORTS, TCP_PORTS = (53, 853, 1900, 6771, probes.UDP_PORT), (53, 853, probes.TCP_PORT)
# Time for TCP handshakes and the retries of Docker's resolver in a round.
LINGER_S = 0.3
SIOCGIFADDR = 0x8915
RULES, BY_DEVICE = ("ip", "-4", "rule"), ("oif", "eth0", "lookup", "100", "priority", "101")
GLOBAL_SCOPE = "00"


def send_all(where: dict[str, Any]) -> bool:
    """Send every probe once. Returns False when this namespace is not in a network that is to be probed."""
    own = _addresses("eth0")
    networks = where["networks"]
    prefix = own["4"].rpartition(".")[0] + "."
    if prefix not in networks:
        return False
    shift = probes.SHIFT * list(networks).index(prefix)
    targets = {**where, **networks[prefix]}
    route_by_device()
    sockets = []
    for name in probes.PROBES:
        with contextlib.suppress(OSError):  # the kernel refused it, so it has not left
            sockets.append(probes.send(name, targets, own, shift=shift))
    time.sleep(LINGER_S)
    for sent in sockets:
        sent.close()
    return True


def route_by_device() -> None:
    """Route packets of sockets that are bound to eth0 by the Pi, as in an ordinary container.

    The VPN namespace has no default route by eth0. Without this rule such a socket resolves the target by ARP in its
    own network, and no packet reaches the outer barrier. Table 100 is the namespace's table for replies to the LAN;
    where it is missing, the next rule applies.
    """
    if not subprocess.run([*RULES, "show", *BY_DEVICE], capture_output=True, check=True).stdout:
        subprocess.run([*RULES, "add", *BY_DEVICE], check=True)


def _addresses(device: str) -> dict[str, str]:
    """Return a device's addresses in this namespace: IPv4 as ``4``, and a global IPv6 one, if any, as ``6``."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as request:
        packed = fcntl.ioctl(request, SIOCGIFADDR, struct.pack("256s", device.encode()))
    found = {"4": socket.inet_ntoa(packed[20:24])}
    # Columns: address, index, prefix, scope, flags, device. Without IPv6 in the kernel the file does not exist.
    with contextlib.suppress(FileNotFoundError):
        for row in Path("/proc/self/net/if_inet6").read_text(encoding="ascii").splitlines():
            address, _index, _prefix, scope, _flags, name = row.split()
            if name == device and scope == GLOBAL_SCOPE:
                found["6"] = socket.inet_ntop(socket.AF_INET6, bytes.fromhex(address))
    return found


def namespaces(programs: list[str]) -> dict[int, int]:
    """Return the network namespaces of all containers: their inode numbers, each with a process in it.

    With ``programs``, only those in which one of these runs (/proc/<pid>/comm).
    """
    found: dict[int, int] = {}
    own = os.stat("/proc/self/ns/net").st_ino
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                number = (entry / "ns/net").stat().st_ino
                # Containers only: systemd gives some of its services a namespace without network.
                if number == own or "docker" not in (entry / "cgroup").read_text(encoding="ascii"):
                    continue
                if not programs or (entry / "comm").read_text(encoding="utf-8").strip() in programs:
                    found.setdefault(number, int(entry.name))
    return found


def probe(pid: int, where: dict[str, Any]) -> bool:
    """Send a round of probes from the namespace of a process, in a child; return whether the round is complete."""
    child = os.fork()
    if child == 0:
        status = 1
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            with open(f"/proc/{pid}/ns/net", "rb") as namespace:
                os.setns(namespace.fileno(), os.CLONE_NEWNET)
            status = 0 if send_all(where) else 2
        os._exit(status)
    return os.waitpid(child, 0)[1] == 0


def record_datagrams(port: int) -> None:
    """Record every datagram of a probe that arrives at the Pi on a port, on any bridge, IPv4 or IPv6."""
    with _listener(socket.SOCK_DGRAM, port) as listener:
        listener.settimeout(0.5)
        joined: set[int] = set()
        while True:
            for number, name in socket.if_nameindex():
                # Only on bridges to containers: joining a group on the uplink would send packets to the LAN.
                if number not in joined and name.startswith("br-"):
                    joined.add(number)
                    _join(listener, number)
            with contextlib.suppress(TimeoutError):
                data, sender = listener.recvfrom(2048)
                if (found := probes.MARKED.search(data)) and sender[0] != "::1":
                    record("received", found[1].decode())


def record_echoes(kind: int, protocol: int) -> None:
    """Record every echo request of a probe that arrives at the Pi."""
    with socket.socket(kind, socket.SOCK_RAW, protocol) as listener:
        while True:
            if found := probes.MARKED.search(listener.recv(2048)):
                record("received", found[1].decode())


def record_connections(port: int) -> None:
    """Record every TCP connection of a probe that the Pi accepts on a port."""
    with _listener(socket.SOCK_STREAM, port) as listener:
        listener.listen()
        while True:
            with contextlib.suppress(OSError):
                connection, sender = listener.accept()
                connection.close()
                if name := probes.tcp_probe(sender[1]):
                    record("received", name)


def _listener(kind: int, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6, kind)
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("::", port))
    return listener


def _join(listener: socket.socket, number: int) -> None:
    # An interface that does not support a group receives none of its packets.
    for group in (probes.SSDP, probes.LPD):
        with contextlib.suppress(OSError):
            request = socket.inet_aton(group) + socket.inet_aton("0.0.0.0") + struct.pack("@i", number)
            listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
    for group in (probes.ALL_NODES, probes.SSDP_IPV6, probes.LPD_IPV6):
        with contextlib.suppress(OSError):
            request = socket.inet_pton(socket.AF_INET6, group) + struct.pack("@i", number)
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, request)


def record(file: str, word: str) -> None:
    with (RECORDS / file).open("a", encoding="ascii") as stream:
        stream.write(word + "\n")


def end(failure: threading.ExceptHookArgs) -> None:
    """End the process when a thread fails; systemd restarts it."""
    threading.__excepthook__(failure)
    os._exit(1)


def main(configuration: str) -> None:
    threading.excepthook = end
    where = json.loads(Path(configuration).read_text(encoding="utf-8"))
    RECORDS.mkdir(parents=True, exist_ok=True)
    listeners: list[tuple[Callable[..., None], tuple[int, ...]]] = [
        *((record_datagrams, (port,)) for port in UDP_PORTS),
        *((record_connections, (port,)) for port in TCP_PORTS),
        (record_echoes, (socket.AF_INET, socket.IPPROTO_ICMP)),
        (record_echoes, (socket.AF_INET6, socket.IPPROTO_ICMPV6)),
    ]
    for listen, arguments in listeners:
        threading.Thread(target=listen, args=arguments, daemon=True).start()
    while True:
        for number, pid in namespaces(where["programs"]).items():
            begun = time.monotonic()
            if probe(pid, where):
                record("rounds", f"{number}@{begun:.2f}")
        time.sleep(0.1)


if __name__ == "__main__":
    main(sys.argv[1])
