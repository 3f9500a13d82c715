# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends one UDP packet to the internet by eth0 of the current network namespace.

probe.py socket SOURCE TARGET    from a socket that is bound to eth0's address
probe.py frame SOURCE TARGET     as a raw frame, which does not pass the inner barrier
"""

from __future__ import annotations

import socket
import struct
import sys
from pathlib import Path

PORT = 9
COMPLETE = 0x2  # ATF_COM of linux/if_arp.h


def send_by_socket(source: str, target: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((source, 0))
        sender.sendto(b"probe", (target, PORT))


def send_by_frame(source: str, target: str, gateway_mac: bytes) -> None:
    udp = struct.pack("!HHHH", PORT, PORT, 8 + 5, 0) + b"probe"
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0)
    head += socket.inet_aton(source) + socket.inet_aton(target)
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    head = head[:10] + struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF) + head[12:]
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind(("eth0", 0))
        own_mac = sender.getsockname()[4]
        sender.send(gateway_mac + own_mac + struct.pack("!H", 0x0800) + head + udp)


def main(kind: str, source: str, target: str) -> None:
    if kind == "socket":
        send_by_socket(source, target)
        return
    # The bridge's MAC address is in the ARP table.
    for line in Path("/proc/net/arp").read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        # Skip incomplete entries: requests of the prober without an answer.
        if fields[5] == "eth0" and int(fields[2], 16) & COMPLETE:
            send_by_frame(source, target, bytes.fromhex(fields[3].replace(":", "")))
            return
    raise SystemExit("the ARP table has no complete entry for eth0; expected the bridge")


main(*sys.argv[1:])
