# SPDX-License-Identifier: GPL-3.0-or-later
"""The probes of the leak test: packets that try to leave a network namespace, and how each is sent.

A capture outside identifies a probe by its name in the payload, or by its source port where the first packet has no
payload (TCP).
"""

from __future__ import annotations

import errno
import os
import re
import socket
import struct
from dataclasses import dataclass

MARK = "leakprobe-"
MARKED = re.compile(rb"leakprobe-([a-z0-9-]+)")
FIRST_TCP_PORT = 20001
UDP_PORT, TCP_PORT = 9009, 9010
SSDP, LPD, ALL_NODES = "239.255.255.250", "239.192.152.143", "ff02::1"
SSDP_IPV6, LPD_IPV6 = "ff02::c", "ff15::efc0:988f"
DOCKERS_RESOLVER = "127.0.0.11"
PATIENCE_S = 0.2
SO_BINDTODEVICE = 25


@dataclass(frozen=True)
class Probe:
    """One kind of packet.

    ``target`` is a key of the prober's configuration or an address, ``how`` says what the socket is bound to.
    """

    kind: str
    target: str
    port: int = 0
    how: str = "unbound"
    name: tuple[str, ...] = ()  # the domain of a DNS query


def _probes() -> dict[str, Probe]:
    found: dict[str, Probe] = {}
    for how in ("unbound", "device", "source"):
        for family, prefix, target, resolver in (("", "", "target", "resolver"), ("6", "ipv6-", "target6", "target6")):
            found |= {
                f"{prefix}tcp-{how}": Probe(f"tcp{family}", target, TCP_PORT, how),
                f"{prefix}udp-{how}": Probe(f"udp{family}", target, UDP_PORT, how),
                f"{prefix}icmp-{how}": Probe(f"icmp{family}", target, how=how),
                f"{prefix}dns-udp-{how}": Probe(f"dns{family}", resolver, 53, how, ("lab",)),
                f"{prefix}dns-tcp-{how}": Probe(f"tcp{family}", resolver, 53, how),
                f"{prefix}dns-tls-{how}": Probe(f"tcp{family}", resolver, 853, how),
                f"{prefix}dns-quic-{how}": Probe(f"udp{family}", resolver, 853, how),
            }
        found |= {
            f"lan-tcp-{how}": Probe("tcp", "laptop", TCP_PORT, how),
            f"lan-udp-{how}": Probe("udp", "laptop", UDP_PORT, how),
            f"lan-icmp-{how}": Probe("icmp", "laptop", how=how),
            f"pi-dns-{how}": Probe("dns", "gateway", 53, how, ("lab",)),
            f"pi-dns-tcp-{how}": Probe("tcp", "gateway", 53, how),
            f"pi-dns-tls-{how}": Probe("tcp", "gateway", 853, how),
            f"pi-dns-quic-{how}": Probe("udp", "gateway", 853, how),
            f"pi-icmp-{how}": Probe("icmp", "gateway", how=how),
            f"pi-udp-{how}": Probe("udp", "gateway", UDP_PORT, how),
            f"pi-lan-tcp-{how}": Probe("tcp", "pi", TCP_PORT, how),
            f"pi-lan-udp-{how}": Probe("udp", "pi", UDP_PORT, how),
            f"endpoint-{how}": Probe("udp", "endpoint", 51820, how),
            f"ssdp-{how}": Probe("udp", SSDP, 1900, how),
            f"lpd-{how}": Probe("udp", LPD, 6771, how),
            f"ipv6-pi-tcp-{how}": Probe("tcp6", "gateway6", TCP_PORT, how),
            f"ipv6-pi-udp-{how}": Probe("udp6", "gateway6", UDP_PORT, how),
            f"ipv6-pi-icmp-{how}": Probe("icmp6", "gateway6", how=how),
            f"ipv6-pi-dns-udp-{how}": Probe("dns6", "gateway6", 53, how, ("lab",)),
            f"ipv6-pi-dns-tcp-{how}": Probe("tcp6", "gateway6", 53, how),
            f"ipv6-pi-dns-tls-{how}": Probe("tcp6", "gateway6", 853, how),
            f"ipv6-pi-dns-quic-{how}": Probe("udp6", "gateway6", 853, how),
        }
    found["ipv6-multicast"] = Probe("udp6", ALL_NODES, UDP_PORT, "device")
    found["ipv6-ssdp"] = Probe("udp6", SSDP_IPV6, 1900, "device")
    found["ipv6-lpd"] = Probe("udp6", LPD_IPV6, 6771, "device")
    found["dns-docker"] = Probe("dns", DOCKERS_RESOLVER, 53, name=("lab",))
    found["dns-docker-tcp"] = Probe("tcp-dns", DOCKERS_RESOLVER, 53, name=("lab",))
    found["dns-docker-one-label"] = Probe("dns", DOCKERS_RESOLVER, 53)
    # As a resolver with a search list queries a single label.
    found["dns-docker-search"] = Probe("dns", DOCKERS_RESOLVER, 53, name=("house", "lab"))
    return found


PROBES = _probes()
# The first packet of a TCP connection has no payload, so each of these probes has its own source port.
SOURCE_PORTS = {name: FIRST_TCP_PORT + number for number, name in enumerate(sorted(PROBES))}
# Added per network, so that connection tracking of one network does not occupy the ports of another.
SHIFT = 1000
NAMES_BY_PORT = {port: name for name, port in SOURCE_PORTS.items() if PROBES[name].kind in ("tcp", "tcp6")}


def _socket(kind: str) -> socket.socket:
    family = socket.AF_INET6 if kind.endswith("6") else socket.AF_INET
    if kind.startswith("icmp"):
        return socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_ICMPV6 if kind == "icmp6" else socket.IPPROTO_ICMP)
    return socket.socket(family, socket.SOCK_STREAM if kind.startswith("tcp") else socket.SOCK_DGRAM)


def send(name: str, where: dict[str, str], own: dict[str, str], *, shift: int = 0) -> socket.socket:
    """Send one probe from this process's namespace; return its socket.

    ``own`` has eth0's addresses: IPv4 as ``4``, and IPv6, if any, as ``6``. Raises OSError when it cannot be sent.
    """
    probe = PROBES[name]
    target = where.get(probe.target, probe.target)
    sock = _socket(probe.kind)
    try:
        sock.setblocking(False)
        if probe.how == "device":
            sock.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, b"eth0")
        source = own.get("6" if probe.kind.endswith("6") else "4") if probe.how == "source" else ""
        if source is None:
            raise OSError(errno.EADDRNOTAVAIL, name)
        _bind(sock, probe, SOURCE_PORTS[name] + shift, source)
        if probe.kind == "tcp-dns":
            sock.settimeout(PATIENCE_S)
            sock.connect((target, probe.port))
            question = _data(name, probe)
            sock.send(struct.pack("!H", len(question)) + question)  # RFC 1035, section 4.2.2
        elif probe.kind.startswith("tcp"):
            problem = sock.connect_ex((target, probe.port))
            if problem not in (0, errno.EINPROGRESS):
                raise OSError(problem, name)
        else:
            scope = (0, socket.if_nametoindex("eth0")) if target.startswith("ff") else ()
            sock.sendto(_data(name, probe), (target, probe.port, *scope))
    except OSError:
        sock.close()
        raise
    return sock


def _bind(sock: socket.socket, probe: Probe, port: int, source: str) -> None:
    if probe.kind.startswith("tcp"):
        # Close with RST, so that the port is free for the next round.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.bind((source or ("::" if probe.kind == "tcp6" else "0.0.0.0"), port))
    elif source:
        sock.bind((source, 0))


def _data(name: str, probe: Probe) -> bytes:
    text = f"{MARK}{name}".encode()
    if "dns" in probe.kind:
        labels = (text, *(label.encode() for label in probe.name))
        wire = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
        return struct.pack("!6H", os.getpid() & 0xFFFF, 0x0100, 1, 0, 0, 0) + wire + struct.pack("!HH", 1, 1)
    if probe.kind == "icmp":
        return _echo(text)
    if probe.kind == "icmp6":
        return struct.pack("!BBHHH", 128, 0, 0, os.getpid() & 0xFFFF, 1) + text  # the kernel fills in the checksum
    return text


def _echo(text: bytes) -> bytes:
    data = struct.pack("!BBHHH", 8, 0, 0, os.getpid() & 0xFFFF, 1) + text
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return data[:2] + struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF) + data[4:]


def tcp_probe(source_port: int) -> str | None:
    """Return the TCP probe that sends from a port."""
    return NAMES_BY_PORT.get(source_port) or NAMES_BY_PORT.get(source_port - SHIFT)
