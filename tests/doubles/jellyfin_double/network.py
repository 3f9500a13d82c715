# SPDX-License-Identifier: GPL-3.0-or-later
"""Local addresses: without EnableRemoteAccess, other clients get status 503 (10.11 and 12.0).

Without LocalNetworkSubnets, loopback and the private networks of RFC 1918 are local.
"""

from __future__ import annotations

import ipaddress
from typing import Any

LOCAL = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")


def lets_in(remote: str, network: dict[str, Any]) -> bool:
    """Return whether a client's address is allowed."""
    address = ipaddress.ip_address(remote)
    if network["EnableRemoteAccess"] or address.is_loopback:
        return True
    return any(address in ipaddress.ip_network(one) for one in network["LocalNetworkSubnets"] or LOCAL)
