# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw packets: one that is sent past the barriers, and captures in which it is searched for."""

from __future__ import annotations

import contextlib
import re
import select
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from mediaserver._core.names import VPN_BRIDGE

# The port discard (RFC 863), as source and destination.
PORT = 9
DRAIN_S = 2.0
ETH_P_ALL = 3
# Interfaces of the host that are the VPN namespace's own side, so a packet on them has not left it.
INSIDE = re.compile(rf"{re.escape(VPN_BRIDGE)}|veth.*|lo")


def listen(device: str) -> socket.socket:
    """Return a socket that sees every frame of an interface of this namespace (packet(7))."""
    line = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    try:
        line.bind((device, ETH_P_ALL))
    except OSError:
        line.close()
        raise
    return line


@contextlib.contextmanager
def sniff_host_interfaces() -> Iterator[list[socket.socket]]:
    """Listen on every interface of the host behind the barriers."""
    with contextlib.ExitStack() as stack:
        names = [name for _unused, name in socket.if_nameindex() if not INSIDE.fullmatch(name) and is_up(name)]
        lines = []
        for name in names:
            with contextlib.suppress(OSError):  # one that has just gone carries nothing
                lines.append(stack.enter_context(listen(name)))
        yield lines


def is_up(name: str) -> bool:
    """Say whether an interface can carry anything (IFF_UP, netdevice(7)); one that is down cannot even be heard."""
    try:
        return bool(int(Path(f"/sys/class/net/{name}/flags").read_text(encoding="ascii"), 16) & 1)
    except FileNotFoundError:
        return False  # it has just gone


def appears(word: str, lines: Sequence[socket.socket], *, wait: float = 1.5) -> bool:
    """Say whether a frame with this word comes by within ``wait`` seconds; what waits by then is still looked at."""
    deadline = time.monotonic() + wait
    # A busy line is never empty; what had come by the deadline is read long before this.
    end = deadline + DRAIN_S
    while time.monotonic() < end and (ready := select.select(lines, [], [], max(0.0, deadline - time.monotonic()))[0]):
        for line in ready:
            if word.encode() in line.recv(65536):
                return True
    return False


def datagram(source: str, target: str, data: bytes) -> bytes:
    """Return an IPv4 packet with UDP in it, without UDP's optional checksum (RFC 791, RFC 768)."""
    udp = struct.pack("!HHHH", PORT, PORT, 8 + len(data), 0) + data
    ends = socket.inet_aton(source) + socket.inet_aton(target)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0) + ends
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    return head[:10] + struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF) + head[12:] + udp
