# SPDX-License-Identifier: GPL-3.0-or-later
"""Enables IPv6 in the VPN namespace and on the LAN, which have none by default."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

from engine import LabError
from lab_control import LAN_IPV6, VPN_GATEWAY_IPV6, LabControl

HOLDER_IPV6, PI_IPV6 = "fd00:66::2", "fd00:67::10"
UNUSED_MAC = "02:00:00:00:00:67"


@contextmanager
def enabled(lab: LabControl) -> Iterator[None]:
    """Enable every path for IPv6: addresses, a default route by eth0, and forwarding on the Pi."""
    # With a higher metric than the tunnel's default route, where the tunnel carries IPv6.
    route = f"default via {VPN_GATEWAY_IPV6} dev eth0 metric 9999"
    pi, inside = partial(_enabled, lab.pi), partial(_enabled, lab.inside)
    # Restored in reverse order, because "all" also sets eth0.
    with lan_neighbour(lab), pi("br-vpn"), inside("eth0"), inside("all"):
        try:
            lab.inside(f"ip -6 address replace {HOLDER_IPV6}/64 dev eth0 nodad")
            lab.pi(f"ip -6 address replace {VPN_GATEWAY_IPV6}/64 dev br-vpn nodad")
            lab.inside(f"ip -6 route replace {route}")
            yield
        finally:
            # A namespace that was recreated does not have them.
            with suppress(LabError):
                lab.inside(f"ip -6 route delete {route}")
                lab.inside(f"ip -6 address delete {HOLDER_IPV6}/64 dev eth0")


@contextmanager
def lan_neighbour(lab: LabControl) -> Iterator[None]:
    """Add an IPv6 neighbour on the LAN, and enable IPv6 forwarding on the Pi."""
    with _enabled(lab.pi, "eth0"):
        try:
            lab.pi(f"ip -6 address replace {PI_IPV6}/64 dev eth0 nodad")
            # No host has this address: a packet to it is captured on the LAN.
            lab.pi(f"ip -6 neighbour replace {LAN_IPV6} lladdr {UNUSED_MAC} dev eth0 nud permanent")
            lab.pi("sysctl --quiet --write net.ipv6.conf.all.forwarding=1")
            yield
        finally:
            lab.pi(f"ip -6 neighbour delete {LAN_IPV6} dev eth0; ip -6 address delete {PI_IPV6}/64 dev eth0")
            lab.pi("sysctl --quiet --write net.ipv6.conf.all.forwarding=0")


@contextmanager
def _enabled(run: Callable[[str], str], device: str) -> Iterator[None]:
    """Enable IPv6 on an interface, in the namespace in which ``run`` executes commands."""
    setting = f"net.ipv6.conf.{device}.disable_ipv6"
    before = run(f"sysctl --values {setting}").strip()
    run(f"sysctl --quiet --write {setting}=0")
    try:
        yield
    finally:
        # A bridge that was removed has no such setting.
        with suppress(LabError):
            run(f"sysctl --quiet --write {setting}={before}")
