# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets IPv6 in, which the namespace and the house's network do not have by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

from engine import LabError
from stage import LAN_IPV6, VPN_GATEWAY_IPV6, Stage

HOLDER_IPV6, PI_IPV6 = "fd00:66::2", "fd00:67::10"
NOBODYS_HARDWARE = "02:00:00:00:00:67"


@contextmanager
def let_in(stage: Stage) -> Iterator[None]:
    """Open every way out that IPv6 could take: addresses, a route by eth0, and a Pi that passes packets on."""
    # Behind the tunnel's own, where it carries IPv6.
    route = f"default via {VPN_GATEWAY_IPV6} dev eth0 metric 9999"
    pi, inside = partial(_enabled, stage.pi), partial(_enabled, stage.inside)
    # Put back from the last to the first: "all" takes eth0 along.
    with on_the_lan(stage), pi("br-vpn"), inside("eth0"), inside("all"):
        try:
            stage.inside(f"ip -6 address replace {HOLDER_IPV6}/64 dev eth0 nodad")
            stage.pi(f"ip -6 address replace {VPN_GATEWAY_IPV6}/64 dev br-vpn nodad")
            stage.inside(f"ip -6 route replace {route}")
            yield
        finally:
            # In a namespace that was made anew meanwhile there is nothing of it.
            with suppress(LabError):
                stage.inside(f"ip -6 route delete {route}")
                stage.inside(f"ip -6 address delete {HOLDER_IPV6}/64 dev eth0")


@contextmanager
def on_the_lan(stage: Stage) -> Iterator[None]:
    """Have a neighbour with IPv6 on the house's network, to whom the Pi passes packets on."""
    with _enabled(stage.pi, "eth0"):
        try:
            stage.pi(f"ip -6 address replace {PI_IPV6}/64 dev eth0 nodad")
            # Nobody has this address: what goes to it need only be seen on the way.
            stage.pi(f"ip -6 neighbour replace {LAN_IPV6} lladdr {NOBODYS_HARDWARE} dev eth0 nud permanent")
            stage.pi("sysctl --quiet --write net.ipv6.conf.all.forwarding=1")
            yield
        finally:
            stage.pi(f"ip -6 neighbour delete {LAN_IPV6} dev eth0; ip -6 address delete {PI_IPV6}/64 dev eth0")
            stage.pi("sysctl --quiet --write net.ipv6.conf.all.forwarding=0")


@contextmanager
def _enabled(run: Callable[[str], str], device: str) -> Iterator[None]:
    """Have IPv6 at an interface, where the commands run."""
    setting = f"net.ipv6.conf.{device}.disable_ipv6"
    before = run(f"sysctl --values {setting}").strip()
    run(f"sysctl --quiet --write {setting}=0")
    try:
        yield
    finally:
        # A bridge that was made anew meanwhile has only what it was given.
        with suppress(LabError):
            run(f"sysctl --quiet --write {setting}={before}")
