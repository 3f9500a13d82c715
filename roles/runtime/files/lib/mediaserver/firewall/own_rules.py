# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of both barriers for a household's own services, and the ways between them and the VPN namespace.

Own services outside the VPN have a bridge each. Docker lets no packet pass from one bridge to another, so a service
reaches another one at the host's address on the VPN bridge, where Docker's proxy answers.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from mediaserver.firewall import nft_text as text

# A bridge by which a service's connections come to the host, and the TCP port that they may open there.
Way = tuple[str, int]


@dataclass(frozen=True)
class OwnServices:
    """What the barriers know of own services; all empty for a household without any."""

    bridges: Sequence[str] = ()  # of those outside the VPN
    bridge_address: str = ""  # the host's own address on the VPN bridge; needed for ways
    reaches: Sequence[Way] = ()  # what one service may open of another, at bridge_address
    reached: Sequence[int] = ()  # TCP ports in the VPN namespace that only the host opens, for `reaches`


@dataclass(frozen=True)
class OuterRules:
    """The parts of the outer table; all empty for a household without own services."""

    sets: Sequence[str] = ()
    between_bridges: Sequence[str] = ()
    passing: Sequence[str] = ()
    ways: Sequence[str] = ()
    arriving: Sequence[str] = ()
    late: Sequence[str] = ()

    @classmethod
    def of(cls, own: OwnServices, others: Sequence[str]) -> OuterRules:
        """Return the rules; ``others`` are the collection's own bridges. Raises ValueError."""
        bridges = [f'"{text.interface(name)}"' for name in sorted(set(own.bridges))]
        ways = sorted({(f'"{text.interface(name)}"', text.port_of(port)) for name, port in own.reaches})
        sets: list[str] = []
        between, passing, arriving, late = [], [], [], []
        if bridges:
            every = sorted({*bridges, *(f'"{name}"' for name in others)})
            sets += [*text.named_set("own_bridges", "ifname", bridges), *text.named_set("bridges", "ifname", every)]
            # By their own addresses they reach none of the others, and are reached by published ports alone.
            between = [f"iifname @own_bridges oifname @bridges {text.drop(text.OUTSIDE_LAN)}"]
            passing = [
                "oifname @own_bridges ct direction reply ct state established,related accept",
                "oifname @own_bridges ct status dnat goto to_pages",
                f"oifname @own_bridges {text.drop(text.OUTSIDE_LAN)}",
            ]
            arriving = [f"iifname @own_bridges tcp dport @published {text.drop(text.OUTSIDE_LAN)}"]
        accept = []
        if ways:
            here = f"ip daddr {ipaddress.IPv4Address(own.bridge_address)}"
            sets += text.named_set("reaches", "ifname . inet_service", [f"{name} . {port}" for name, port in ways])
            sets += text.named_set("reachable", "inet_service", text.ports_of([port for _name, port in own.reaches]))
            accept = [f"{here} iifname . tcp dport @reaches accept"]
            arriving += [f'iifname != "lo" {here} tcp dport @reachable {text.drop(text.OUTSIDE_LAN)}']
        if own.reached:
            sets += text.named_set("reached", "inet_service", text.ports_of(own.reached))
            late = [f"{text.late_answer('reached')} drop"]
        return cls(sets, between, passing, accept, arriving, late)


@dataclass(frozen=True)
class InnerRules:
    """The parts of the inner table; all empty for a household without own services."""

    sets: Sequence[str] = ()
    leaving: Sequence[str] = ()
    arriving: Sequence[str] = ()

    @classmethod
    def of(
        cls,
        uplink: str,
        address: str,
        mark: str,
        reachable: Sequence[int],
        reached: Sequence[int],
        containers: Sequence[str],
    ) -> InnerRules:
        """Return the rules for ports that services open at ``address``, and for those that only the host opens.

        ``containers`` are prefixes of Docker's networks, from which no packet comes with its own address. Raises
        ValueError.
        """
        here = ipaddress.IPv4Address(address)
        sets: list[str] = []
        leaving, arriving = [], []
        if reachable:
            sets += text.named_set("reachable", "inet_service", text.ports_of(reachable))
            leaving = [f"oifname {uplink} ip daddr {here} tcp dport @reachable accept"]
            answers = "tcp sport @reachable ct direction reply ct state established accept"
            arriving = [f"iifname {uplink} ip saddr {here} {answers}"]
        if reached:
            sets += text.named_set("reached", "inet_service", text.ports_of(reached))
            arriving += [f"iifname {uplink} ip saddr {here} tcp dport @reached ct mark set {mark} accept"]
        if containers:
            sets += text.named_set("containers", "ipv4_addr", text.prefixes_of(containers), interval=True)
            arriving += [f"iifname {uplink} ip saddr @containers {text.drop('leak_attempts_in')}"]
        return cls(sets, leaving, arriving)
