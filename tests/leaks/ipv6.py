# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets IPv6 in, which the namespace and the house's network do not have by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from engine import LabError
from stage import LAN_IPV6, VPN_GATEWAY_IPV6, Stage

HOLDER_IPV6, PI_IPV6 = "fd00:66::2", "fd00:67::10"
NOBODYS_HARDWARE = "02:00:00:00:00:67"


@contextmanager
def let_in(stage: Stage) -> Iterator[None]:
    """Open every way out that IPv6 could take: addresses, a route by eth0, and a Pi that passes packets on."""
    for device in ("all", "eth0"):
        stage.inside(f"sysctl --quiet --write net.ipv6.conf.{device}.disable_ipv6=0")
    stage.inside(f"ip -6 address replace {HOLDER_IPV6}/64 dev eth0 nodad")
    stage.pi("sysctl --quiet --write net.ipv6.conf.br-vpn.disable_ipv6=0")
    stage.pi(f"ip -6 address replace {VPN_GATEWAY_IPV6}/64 dev br-vpn nodad")
    with on_the_lan(stage):
        stage.inside(f"ip -6 route replace default via {VPN_GATEWAY_IPV6} dev eth0")
        try:
            yield
        finally:
            with suppress(LabError):  # gone, where the bridge was made anew meanwhile
                stage.pi(f"ip -6 address delete {VPN_GATEWAY_IPV6}/64 dev br-vpn")
            stage.inside("sysctl --quiet --write net.ipv6.conf.all.disable_ipv6=1")


@contextmanager
def on_the_lan(stage: Stage) -> Iterator[None]:
    """Have a neighbour with IPv6 on the house's network, to whom the Pi passes packets on."""
    stage.pi("sysctl --quiet --write net.ipv6.conf.eth0.disable_ipv6=0")
    stage.pi(f"ip -6 address replace {PI_IPV6}/64 dev eth0 nodad")
    # Nobody has this address: what goes to it need only be seen on the way.
    stage.pi(f"ip -6 neighbour replace {LAN_IPV6} lladdr {NOBODYS_HARDWARE} dev eth0 nud permanent")
    stage.pi("sysctl --quiet --write net.ipv6.conf.all.forwarding=1")
    try:
        yield
    finally:
        stage.pi("sysctl --quiet --write net.ipv6.conf.all.forwarding=0")
        stage.pi(f"ip -6 neighbour delete {LAN_IPV6} dev eth0; ip -6 address delete {PI_IPV6}/64 dev eth0")
