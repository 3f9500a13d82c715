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
from collections.abc import Iterable, Sequence
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

# After conntrack (-200), so that every packet's state is known; before Docker's filter rules (0), so that
# nothing of Docker's sees what is dropped here. A drop is final in nft, an accept is not: Docker's rules
# still apply.
PRIORITY = -150
# The counter of new connections to published ports from outside mediaserver_lan.
OUTSIDE_LAN = "strangers"
# Marks connections that came in from the LAN or the host. Only their replies may leave by the uplink: a reply on a
# connection that came in through the tunnel must not, whatever the routes say when the tunnel is gone.
LAN_MARK = 0x7569
# A TCP segment of a web interface that belongs to a connection which this kernel no longer knows: Docker forgets
# connections when a container restarts, while their other ends go on. Such a segment opens no connection, so it is
# dropped without being counted. A SYN alone would open one.
LATE_ANSWER = "tcp sport @ui_ports tcp flags & (ack | rst) != 0x0"
INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,14}")

Endpoint = tuple[str, int]
# A bridge by which a service's connections come to the host, and the TCP port that they may open there.
Way = tuple[str, int]


@dataclass(frozen=True)
class OuterBarrier:
    """The host's table: what may pass between the VPN bridge and everything else.

    A household's own services outside the VPN have a bridge each. Docker lets no packet pass from one bridge to
    another, so a service reaches another one at the host's address on the VPN bridge, where Docker's proxy answers.
    """

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
    containers: Sequence[str] = ()  # IPv4 prefixes of Docker's own networks: never let in by their own addresses
    tunnel: str = TUNNEL_DEVICE
    uplink: str = UPLINK


def render_outer(settings: OuterBarrier, *, owned: bool = False) -> str:
    """Return the nft file of the host's table. Raises ValueError for a setting that cannot be one.

    ``owned`` is for a process that stays (nft(8): a table's flags owner and persist, Linux 6.9): no other process can
    flush or change the table then, and it stays when its owner dies.
    """
    bridge, jellyfin_bridge = _interface(settings.bridge), _interface(settings.jellyfin_bridge)
    own = _Own.of(settings)
    body = [
        *_set("endpoints", "ipv4_addr . inet_service", _endpoints(settings.endpoints)),
        *_set("ui_ports", "inet_service", _ports(settings.ui_ports)),
        *_set("published", "inet_service", _ports(settings.published)),
        *_set("lan", "ipv4_addr", _prefixes(settings.lan), interval=True),
        *_set("containers", "ipv4_addr", _prefixes(settings.containers), interval=True),
        *own.sets,
        *_counters("leak_attempts_out", "leak_attempts_in", "leak_attempts_host", OUTSIDE_LAN),
        *_chain(
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
        *_chain(
            "arriving",
            *own.ways,
            f'iifname "{bridge}" goto to_host',
            *own.arriving,
            'iifname != "lo" tcp dport @published goto to_pages',
            hook="input",
        ),
        *_chain(
            "from_vpn",
            _drop("leak_attempts_out", "meta nfproto ipv6"),
            "ip daddr . udp dport @endpoints accept",
            "ct direction reply ct state established,related accept",
            f"ip daddr @lan {LATE_ANSWER} drop",
            _drop("leak_attempts_out"),
        ),
        *_chain(
            "to_vpn",
            _drop("leak_attempts_in", "meta nfproto ipv6"),
            "ct state established,related accept",
            "ip saddr @lan tcp dport @ui_ports accept",
            _drop("leak_attempts_in"),
        ),
        *_chain(
            "to_host",
            _drop("leak_attempts_host", "meta nfproto ipv6"),
            "ct state established accept",
            f"{LATE_ANSWER} drop",
            *own.late,
            _drop("leak_attempts_host"),
        ),
        *_chain(
            "to_pages",
            "ip saddr @lan accept",
            # A container of this host, which comes by a bridge: from a physical interface the address would be false.
            'meta iifkind "bridge" ip saddr @containers accept',
            _drop(OUTSIDE_LAN),
        ),
    ]
    return _table(OUTER_TABLE, body, flags="owner, persist" if owned else "")


@dataclass(frozen=True)
class _Own:
    """The parts of the outer table for a household's own services; all empty where there are none."""

    sets: Sequence[str] = ()
    between_bridges: Sequence[str] = ()
    passing: Sequence[str] = ()
    ways: Sequence[str] = ()
    arriving: Sequence[str] = ()
    late: Sequence[str] = ()

    @classmethod
    def of(cls, settings: OuterBarrier) -> _Own:
        bridges = [f'"{_interface(name)}"' for name in sorted(set(settings.own_bridges))]
        ways = sorted({(f'"{_interface(name)}"', _port(port)) for name, port in settings.reaches})
        sets: list[str] = []
        between, passing, arriving, late = [], [], [], []
        if bridges:
            every = sorted({*bridges, f'"{settings.bridge}"', f'"{settings.jellyfin_bridge}"'})
            sets += [*_set("own_bridges", "ifname", bridges), *_set("bridges", "ifname", every)]
            # By their own addresses they reach none of the others, and are reached by published ports alone.
            between = [f"iifname @own_bridges oifname @bridges {_drop(OUTSIDE_LAN)}"]
            passing = [
                "oifname @own_bridges ct direction reply ct state established,related accept",
                "oifname @own_bridges ct status dnat goto to_pages",
                f"oifname @own_bridges {_drop(OUTSIDE_LAN)}",
            ]
            arriving = [f"iifname @own_bridges tcp dport @published {_drop(OUTSIDE_LAN)}"]
        accept = []
        if ways:
            address = f"ip daddr {ipaddress.IPv4Address(settings.bridge_address)}"
            sets += _set("reaches", "ifname . inet_service", [f"{name} . {port}" for name, port in ways])
            sets += _set("reachable", "inet_service", _ports([port for _name, port in settings.reaches]))
            accept = [f"{address} iifname . tcp dport @reaches accept"]
            arriving += [f'iifname != "lo" {address} tcp dport @reachable {_drop(OUTSIDE_LAN)}']
        if settings.reached:
            sets += _set("reached", "inet_service", _ports(settings.reached))
            late = [f"{LATE_ANSWER.replace('@ui_ports', '@reached')} drop"]
        return cls(sets, between, passing, accept, arriving, late)


def render_inner(settings: InnerBarrier) -> str:
    """Return the nft file of the namespace's table. Raises ValueError as ``render_outer`` does."""
    tunnel, uplink = (f'"{_interface(settings.tunnel)}"', f'"{_interface(settings.uplink)}"')
    house = _prefixes([*settings.lan, f"{ipaddress.IPv4Address(settings.bridge_address)}/32"])
    forwarded = _ports(settings.forwarded_ports)
    reply, house_mark = "ct direction reply ct state", f"{LAN_MARK:#010x}"
    if not 0 < settings.fwmark < 2**32:
        raise ValueError(f"fwmark {settings.fwmark} is not a mark of 32 bits other than 0")
    peers = [f"iifname {tunnel} meta l4proto {{ tcp, udp }} th dport @forwarded_ports accept"] if forwarded else []
    sets, out, back, called = [], [], [], []
    address = ipaddress.IPv4Address(settings.bridge_address)
    if settings.reachable:
        sets += _set("reachable", "inet_service", _ports(settings.reachable))
        out = [f"oifname {uplink} ip daddr {address} tcp dport @reachable accept"]
        back = [f"iifname {uplink} ip saddr {address} tcp sport @reachable {reply} established accept"]
    if settings.reached:
        sets += _set("reached", "inet_service", _ports(settings.reached))
        called = [f"iifname {uplink} ip saddr {address} tcp dport @reached ct mark set {house_mark} accept"]
    if settings.containers:
        sets += _set("containers", "ipv4_addr", _prefixes(settings.containers), interval=True)
        called += [f"iifname {uplink} ip saddr @containers {_drop('leak_attempts_in')}"]
    body = [
        *_set("endpoints", "ipv4_addr . inet_service", _endpoints(settings.endpoints)),
        *_set("ui_ports", "inet_service", _ports(settings.ui_ports)),
        *_set("house", "ipv4_addr", house, interval=True),
        *_set("forwarded_ports", "inet_service", forwarded),
        *sets,
        *_counters("leak_attempts_out", "leak_attempts_in", "leak_attempts_passing"),
        *_chain(
            "leaving",
            'oifname "lo" accept',
            # WireGuard's own packets: without a route to the endpoint they would go round in the tunnel without end.
            f"oifname {tunnel} meta mark {settings.fwmark:#010x} drop",
            f"oifname {tunnel} accept",
            f"oifname {uplink} meta mark {settings.fwmark:#010x} ip daddr . udp dport @endpoints accept",
            f"oifname {uplink} ct mark {house_mark} {reply} established,related accept",
            *out,
            _drop("leak_attempts_out"),
            hook="output",
            policy="drop",
        ),
        *_chain(
            "arriving",
            'iifname "lo" accept',
            f"iifname {tunnel} ct state established,related accept",
            *peers,
            f"iifname {uplink} ip saddr . udp sport @endpoints {reply} established accept",
            f"iifname {uplink} meta l4proto icmp ct state related accept",
            *back,
            *called,
            f"iifname {uplink} ip saddr @house tcp dport @ui_ports ct mark set {house_mark} accept",
            # Connections of a former namespace: without a reset, a peer keeps its end for a quarter of an hour, and
            # accepts no other connection from the same address and port meanwhile.
            f"iifname {tunnel} tcp flags & (syn | rst) == 0x0 reject with tcp reset",
            _drop("leak_attempts_in"),
            hook="input",
            policy="drop",
        ),
        *_chain("passing", _drop("leak_attempts_passing"), hook="forward", policy="drop"),
    ]
    return _table(INNER_TABLE, body)


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
    """Return a digest of a table's listing: equal as long as the table stands as it was loaded.

    Take one right after loading and compare later ones with it (the kernel's form is not the file's form).
    """
    return hashlib.sha256(normalise_listing(listing).encode()).hexdigest()


def _sorted(elements: str) -> str:
    return ", ".join(sorted(" ".join(element.split()) for element in elements.split(",")))


def _table(name: str, body: Iterable[str], *, flags: str = "") -> str:
    flagged = [f"    flags {flags}"] if flags else []
    # The first statement makes the table when it is not there yet, so that the second never fails; one that a
    # dead owner left is adopted by it.
    head = [f"table inet {name} {{", *flagged, "}", f"delete table inet {name}", f"table inet {name} {{", *flagged]
    return "\n".join([*head, *(f"    {line}" for line in body), "}"]) + "\n"


def _set(name: str, kind: str, elements: Sequence[str], *, interval: bool = False) -> list[str]:
    # An empty set matches nothing; nft has no way to write empty elements.
    flags = ["    flags interval"] if interval else []
    listed = [f"    elements = {{ {', '.join(elements)} }}"] if elements else []
    return [f"set {name} {{", f"    type {kind}", *flags, *listed, "}"]


def _counters(*names: str) -> list[str]:
    return [line for name in names for line in (f"counter {name} {{", "}")]


def _chain(name: str, *rules: str, hook: str = "", policy: str = "accept") -> list[str]:
    base = [f"    type filter hook {hook} priority {PRIORITY}; policy {policy};"] if hook else []
    return [f"chain {name} {{", *base, *(f"    {rule}" for rule in rules), "}"]


def _drop(counter: str, match: str = "") -> str:
    return f"{match} counter name {counter} drop".strip()


def _interface(name: str) -> str:
    if not INTERFACE.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a network interface")
    return name


def _port(port: int) -> str:
    if not 0 < port < 65536:
        raise ValueError(f"{port} is not a port")
    return str(port)


def _ports(ports: Sequence[int]) -> list[str]:
    return [_port(port) for port in sorted(set(ports))]


def _endpoints(endpoints: Sequence[Endpoint]) -> list[str]:
    known = sorted({(ipaddress.IPv4Address(address), port) for address, port in endpoints})
    return [f"{address} . {_port(port)}" for address, port in known]


def _prefixes(prefixes: Sequence[str]) -> list[str]:
    # Collapsed here, because nft refuses a set whose intervals overlap.
    return [str(prefix) for prefix in ipaddress.collapse_addresses(ipaddress.IPv4Network(p) for p in prefixes)]
