# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds Ethernet frames and capture files."""

from __future__ import annotations

import struct
from ipaddress import ip_address

from packets import IPV4, IPV6


def frame(ethertype: int, payload: bytes = b"") -> bytes:
    return bytes(12) + struct.pack("!H", ethertype) + payload


def ports(source: int, target: int) -> bytes:
    return struct.pack("!HHHH", source, target, 8, 0)


def ipv4(
    protocol: int, source: str, target: str, payload: bytes = b"", *, fragment: int = 0, options: bytes = b""
) -> bytes:
    head = 0x45 + len(options) // 4
    fields = struct.pack("!BBHHHBBH", head, 0, 20 + len(options) + len(payload), 0, fragment, 64, protocol, 0)
    addresses = ip_address(source).packed + ip_address(target).packed
    return frame(IPV4, fields + addresses + options + payload)


def ipv6(protocol: int, source: str, target: str, payload: bytes = b"") -> bytes:
    addresses = ip_address(source).packed + ip_address(target).packed
    return frame(IPV6, struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + addresses + payload)


def capture(*frames: bytes, order: str = "<") -> bytes:
    head = struct.pack(f"{order}IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
    records = (struct.pack(f"{order}IIII", 0, 0, len(data), len(data)) + data for data in frames)
    return head + b"".join(records)
