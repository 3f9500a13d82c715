# SPDX-License-Identifier: GPL-3.0-or-later
"""Signs that the tunnel carries although its resolvers are silent: packets that come out of it.

What is sent here asks for such packets: an echo from each resolver, and the root zone's servers from two of the root
servers themselves (their addresses stand in every resolver's hints file; the question has no personal data). The
answers are not read. The interface counts them, and it counts none of WireGuard's own keepalives.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import socket
import struct
from collections.abc import Sequence
from pathlib import Path

from mediaserver._core import sockets
from mediaserver._core.names import TUNNEL_DEVICE
from mediaserver.tunnel import dns

# a.root-servers.net and k.root-servers.net (https://www.iana.org/domains/root/servers).
ROOT_SERVERS = ("198.41.0.4", "193.0.14.129")
ECHO_REQUEST, ECHO_REPLY = 8, 0


def checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def echo(number: int, sequence: int, size: int) -> bytes:
    """Return an ICMP echo request with ``size`` bytes of data (RFC 792)."""
    data = b"\0" * size
    head = struct.pack("!BBHHH", ECHO_REQUEST, 0, 0, number, sequence)
    return head[:2] + struct.pack("!H", checksum(head + data)) + head[4:] + data


def provoke(resolvers: Sequence[str]) -> None:
    """Send the questions, from a thread in the VPN namespace. Raises OSError without a tunnel."""
    number = secrets.randbelow(1 << 16)
    with sockets.udp(TUNNEL_DEVICE) as line:
        line.setblocking(False)
        for server in ROOT_SERVERS:
            with contextlib.suppress(OSError):
                line.sendto(dns.question(number), (server, dns.PORT))
    with echo_socket() as line:
        line.setblocking(False)
        for resolver in resolvers:
            with contextlib.suppress(OSError):
                line.sendto(echo(number, 1, 32), (resolver, 0))


def echo_socket() -> socket.socket:
    """Return an ICMP socket that is bound to the tunnel. Raises OSError without one."""
    return sockets.bound(socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP), TUNNEL_DEVICE)


def received(pid: int) -> int | None:
    """Return how many packets have come out of the tunnel in the namespace of a process; None without a tunnel."""
    try:
        text = Path(f"/proc/{pid}/net/dev").read_text(encoding="ascii")
    except OSError:
        return None
    found = re.search(rf"^\s*{TUNNEL_DEVICE}:\s*\d+\s+(\d+)", text, re.MULTILINE)
    return int(found[1]) if found else None
