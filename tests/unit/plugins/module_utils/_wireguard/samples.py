# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and configurations of the WireGuard tests. No host uses these keys."""

from __future__ import annotations

import base64
from typing import Any


def sample_key(number: int) -> str:
    """Return a valid, clamped key that is recognisable in a failing test."""
    return base64.b64encode(bytes([number * 8]) + bytes([number]) * 30 + b"\x40").decode()


PRIVATE, SERVER, SECOND_SERVER, PRESHARED = (sample_key(number) for number in (1, 2, 3, 4))

MINIMAL = f"""\
[Interface]
PrivateKey = {PRIVATE}
Address = 10.66.0.2/32
DNS = 10.66.0.1

[Peer]
PublicKey = {SERVER}
AllowedIPs = 0.0.0.0/0
Endpoint = 198.18.0.20:51820
"""
MINIMAL_NORMAL: dict[str, Any] = {
    "private_key": PRIVATE,
    "addresses": ["10.66.0.2/32"],
    "dns": ["10.66.0.1"],
    "mtu": None,
    "peers": [
        {
            "public_key": SERVER,
            "preshared_key": None,
            "host": "198.18.0.20",
            "port": 51820,
            "allowed_ips": ["0.0.0.0/0"],
            "keepalive": 25,
        }
    ],
    "notes": [],
}
