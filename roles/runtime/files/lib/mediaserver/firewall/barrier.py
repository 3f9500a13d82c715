# SPDX-License-Identifier: GPL-3.0-or-later
"""The two barriers around the VPN namespace, as nft files.

Pure text; keeper.py and the holder's entry point load it. Each file is one transaction that replaces the whole table,
so a reload has no gap and changes no other table. No chain has the name of an nft keyword ("in", "out" and "fwd" are
keywords), and a closing brace always has a line to itself.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

from mediaserver._core.names import (
    INNER_TABLE,
    JELLYFIN_BRIDGE,
    OUTER_TABLE,
    TUNNEL_DEVICE,
    UPLINK,
    VPN_BRIDGE,
    WIREGUARD_MARK,
)
from mediaserver.firewall import nft_text as text
from mediaserver.firewall.nft_text import OUTSIDE_LAN, Endpoint
from mediaserver.firewall.own_rules import InnerRules, OuterRules, OwnServices, Way

# Marks connections that came in from the LAN or the host. Only their replies may leave by the uplink: a reply on a
# connection that came in through the tunnel must not, whatever the routes say when the tunnel is gone.
LAN_MARK = 0x7569
LATE_ANSWER = text.late_answer("ui_ports")


@dataclass(frozen=True)
class OuterBarrier:
    """The host's table: what may pass between the VPN bridge and everything else."""

    endpoints: Sequence[Endpoint]  # IPv4 address and UDP port of each WireGuard server
    ui_ports: Sequence[int]  # TCP, as the containers have them (forwarding comes after Docker's DNAT)
    lan: Sequence[str]  # IPv4 prefixes that may open the UIs
    published: Sequence[int]  # TCP, as the host has them: Docker's proxy listens there when its DNAT is gone
    containers: Sequence[str] = ()  # IPv4 prefixes of Docker's own networks on this host
    bridge: str = VPN_BRIDGE
    jellyfin_bridge: str = JELLYFIN_BRIDGE
    own_bridges: Sequence[str] = ()  # of a household's own services outside the VPN
    bridge_address: str = ""  # the host's own address on the VPN bridge; needed for the next two
    reaches: Sequence[Way] = ()  # what one service may open of another, at bridge_address
    reached: Sequence[int] = ()  # TCP ports in the VPN namespace that only the host opens: ends of such ways


@dataclass(frozen=True)
class InnerBarrier:
    """The table inside the VPN namespace."""

    endpoints: Sequence[Endpoint]
    ui_ports: Sequence[int]
    lan: Sequence[str]
    bridge_address: str  # the host's own address on the bridge, from which it opens the UIs
    fwmark: int = WIREGUARD_MARK  # what WireGuard puts on its own packets
    forwarded_ports: Sequence[int] = ()  # TCP and UDP, opened in the tunnel for torrent peers
    reachable: Sequence[int] = ()  # TCP ports at bridge_address that services in the namespace may open
    reached: Sequence[int] = ()  # TCP ports that the host alone may open, for another service
    # IPv4 prefixes of Docker's own networks. Packets that come with these addresses are dropped.
    containers: Sequence[str] = ()
    tunnel: str = TUNNEL_DEVICE
    uplink: str = UPLINK


def render_outer(settings: OuterBarrier, *, owned: bool = False) -> str:
    """Return the nft file of the host's table. Raises ValueError for a setting that cannot be one.

    ``owned`` is for a process that stays (nft(8): a table's flags owner and persist, Linux 6.9): no other process can
    flush or change the table then, and it stays when its owner dies.
    """
    bridge, jellyfin_bridge = text.interface(settings.bridge), text.interface(settings.jellyfin_bridge)
    own = OuterRules.of(
        OwnServices(settings.own_bridges, settings.bridge_address, settings.reaches, settings.reached),
        (bridge, jellyfin_bridge),
    )
    body = [
        *text.named_set("endpoints", "ipv4_addr . inet_service", text.endpoints_of(settings.endpoints)),
        *text.named_set("ui_ports", "inet_service", text.ports_of(settings.ui_ports)),
        *text.named_set("published", "inet_service", text.ports_of(settings.published)),
        *text.named_set("lan", "ipv4_addr", text.prefixes_of(settings.lan), interval=True),
        *text.named_set("containers", "ipv4_addr", text.prefixes_of(settings.containers), interval=True),
        *own.sets,
        *text.counters("leak_attempts_out", "leak_attempts_in", "leak_attempts_host", OUTSIDE_LAN),
        *text.chain(
            "passing",
            f'iifname "{bridge}" goto from_vpn',
            *own.between_bridges,
            f'oifname "{bridge}" goto to_vpn',
            # Jellyfin's container, also where it is addressed directly; replies to what it asks itself pass.
            f'oifname "{jellyfin_bridge}" ct direction reply ct state established,related accept',
            f'oifname "{jellyfin_bridge}" goto to_pages',
            *own.passing,
            # A published port that Docker translates to a container on any other bridge.
            "meta l4proto tcp ct status dnat ct direction original ct original proto-dst @published goto to_pages",
            hook="forward",
        ),
        *text.chain(
            "arriving",
            *own.ways,
            f'iifname "{bridge}" goto to_host',
            *own.arriving,
            'iifname != "lo" tcp dport @published goto to_pages',
            hook="input",
        ),
        *text.chain(
            "from_vpn",
            text.drop("leak_attempts_out", "meta nfproto ipv6"),
            "ip daddr . udp dport @endpoints accept",
            "ct direction reply ct state established,related accept",
            f"ip daddr @lan {LATE_ANSWER} drop",
            text.drop("leak_attempts_out"),
        ),
        *text.chain(
            "to_vpn",
            text.drop("leak_attempts_in", "meta nfproto ipv6"),
            "ct state established,related accept",
            "ip saddr @lan tcp dport @ui_ports accept",
            text.drop("leak_attempts_in"),
        ),
        *text.chain(
            "to_host",
            text.drop("leak_attempts_host", "meta nfproto ipv6"),
            "ct state established accept",
            f"{LATE_ANSWER} drop",
            *own.late,
            text.drop("leak_attempts_host"),
        ),
        *text.chain(
            "to_pages",
            "ip saddr @lan accept",
            # A container of this host, which comes by a bridge: from a physical interface the address would be false.
            'meta iifkind "bridge" ip saddr @containers accept',
            text.drop(OUTSIDE_LAN),
        ),
    ]
    return text.table(OUTER_TABLE, body, flags="owner, persist" if owned else "")


def render_inner(settings: InnerBarrier) -> str:
    """Return the nft file of the namespace's table. Raises ValueError as ``render_outer`` does."""
    tunnel, uplink = (f'"{text.interface(settings.tunnel)}"', f'"{text.interface(settings.uplink)}"')
    lan_prefixes = text.prefixes_of([*settings.lan, f"{ipaddress.IPv4Address(settings.bridge_address)}/32"])
    forwarded = text.ports_of(settings.forwarded_ports)
    reply, lan_mark = "ct direction reply ct state", f"{LAN_MARK:#010x}"
    if not 0 < settings.fwmark < 2**32:
        raise ValueError(f"fwmark {settings.fwmark} is not a mark of 32 bits other than 0")
    peers = [f"iifname {tunnel} meta l4proto {{ tcp, udp }} th dport @forwarded_ports accept"] if forwarded else []
    own = InnerRules.of(
        uplink, settings.bridge_address, lan_mark, settings.reachable, settings.reached, settings.containers
    )
    body = [
        *text.named_set("endpoints", "ipv4_addr . inet_service", text.endpoints_of(settings.endpoints)),
        *text.named_set("ui_ports", "inet_service", text.ports_of(settings.ui_ports)),
        *text.named_set("house", "ipv4_addr", lan_prefixes, interval=True),
        *text.named_set("forwarded_ports", "inet_service", forwarded),
        *own.sets,
        *text.counters("leak_attempts_out", "leak_attempts_in", "leak_attempts_passing"),
        *text.chain(
            "leaving",
            'oifname "lo" accept',
            # WireGuard's own packets: without a route to the endpoint they would enter the tunnel again and again.
            f"oifname {tunnel} meta mark {settings.fwmark:#010x} drop",
            f"oifname {tunnel} accept",
            f"oifname {uplink} meta mark {settings.fwmark:#010x} ip daddr . udp dport @endpoints accept",
            f"oifname {uplink} ct mark {lan_mark} {reply} established,related accept",
            *own.leaving,
            text.drop("leak_attempts_out"),
            hook="output",
            policy="drop",
        ),
        *text.chain(
            "arriving",
            'iifname "lo" accept',
            f"iifname {tunnel} ct state established,related accept",
            *peers,
            f"iifname {uplink} ip saddr . udp sport @endpoints {reply} established accept",
            f"iifname {uplink} meta l4proto icmp ct state related accept",
            *own.arriving,
            f"iifname {uplink} ip saddr @house tcp dport @ui_ports ct mark set {lan_mark} accept",
            # Connections of a former namespace: without a reset, a peer keeps its end for a quarter of an hour, and
            # accepts no other connection from the same address and port meanwhile.
            f"iifname {tunnel} tcp flags & (syn | rst) == 0x0 reject with tcp reset",
            text.drop("leak_attempts_in"),
            hook="input",
            policy="drop",
        ),
        *text.chain("passing", text.drop("leak_attempts_passing"), hook="forward", policy="drop"),
    ]
    return text.table(INNER_TABLE, body)


def normalise_listing(listing: str) -> str:
    """Reduce what ``nft list table`` prints to what does not change while packets pass.

    Counted packets and bytes, handles, white space and the order of a set's elements carry no meaning.
    """
    text = re.sub(r"\bpackets \d+ bytes \d+", "", listing)
    text = re.sub(r"#.*", "", text)
    text = re.sub(r"elements = \{([^{}]*)\}", lambda found: f"elements = {{ {_sorted(found[1])} }}", text)
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def fingerprint(listing: str) -> str:
    """Return a digest of a table's listing: equal as long as the table is as it was loaded.

    Take one right after loading and compare later ones with it (the kernel's form is not the file's form).
    """
    return hashlib.sha256(normalise_listing(listing).encode()).hexdigest()


def _sorted(elements: str) -> str:
    return ", ".join(sorted(" ".join(element.split()) for element in elements.split(",")))
