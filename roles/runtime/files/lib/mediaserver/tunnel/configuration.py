# SPDX-License-Identifier: GPL-3.0-or-later
"""The tunnel's configuration: settings and state in, text for containers and barriers out. Pure.

``gateway.json`` (written by Ansible) says what is wanted, ``endpoints.json`` (ours) which peer is active and the
address of each endpoint's name.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mediaserver._core.errors import GatewayError
from mediaserver._core.names import VPN_BRIDGE, WIREGUARD_MARK
from mediaserver.firewall import barrier
from mediaserver.services import UNLISTED, Service

UPLINK_MTU = 1500
# Bytes that WireGuard adds to an IPv4 or IPv6 packet (wg-quick(8) subtracts the same).
WIREGUARD_OVERHEAD = 80
KEEPALIVE_S = 25
THIS_NETWORK = ipaddress.IPv4Network("0.0.0.0/8")


@dataclass(frozen=True)
class Peer:
    """One WireGuard server: a name or IPv4 address, a UDP port and its keys (base64)."""

    host: str
    port: int
    public_key: str
    preshared_key: str | None = None
    allowed_ips: tuple[str, ...] = ("0.0.0.0/0",)
    keepalive: int = KEEPALIVE_S

    @classmethod
    def from_json(cls, data: dict[str, Any], *, ipv6: bool) -> Peer:
        return cls(
            data["host"],
            int(data["port"]),
            data["public_key"],
            data.get("preshared_key"),
            tuple(data.get("allowed_ips") or ("0.0.0.0/0", *(["::/0"] if ipv6 else []))),
            int(data.get("keepalive") or KEEPALIVE_S),
        )

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Settings:
    """The wanted gateway, as ``gateway.json`` has it."""

    subnet: ipaddress.IPv4Network
    lan: tuple[str, ...]
    ui_ports: tuple[int, ...]
    published_ports: tuple[int, ...]  # of all web interfaces, as the host has them
    forwarded_port: int
    natpmp_server: str  # empty where the provider's ports are not asked for
    ipv6: bool
    mtu: int
    addresses: tuple[str, ...]
    resolvers: tuple[str, ...]
    peers: tuple[Peer, ...]
    containers: tuple[str, ...] = ()  # where Docker takes the subnets of its networks from
    own_bridges: tuple[str, ...] = ()  # of a household's own services outside the VPN
    reaches: tuple[tuple[str, int], ...] = ()  # a bridge, and the port that its service may open at bridge_address
    reached_ports: tuple[int, ...] = ()  # ports in the VPN namespace that only the host opens, for other services
    vpn_service_ports: tuple[int, ...] = ()  # all at which services in the VPN namespace listen, published or not
    services: tuple[Service, ...] = UNLISTED

    @property
    def bridge_address(self) -> str:
        return str(self.subnet[1])

    @property
    def closed_ports(self) -> tuple[int, ...]:
        """Ports that must not be open to the internet: no peer of a torrent is meant there."""
        return tuple(sorted({*self.ui_ports, *self.vpn_service_ports}))

    @property
    def reachable_ports(self) -> tuple[int, ...]:
        """Ports of the bridge address that services in the VPN namespace may open."""
        return tuple(sorted(port for bridge, port in self.reaches if bridge == VPN_BRIDGE))

    @property
    def holder_address(self) -> str:
        return str(self.subnet[2])

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """Raises GatewayError when a key is missing or of the wrong kind."""
        try:
            data: dict[str, Any] = json.loads(text)
            return cls(
                subnet=ipaddress.IPv4Network(data["subnet"]),
                lan=tuple(data["lan"]),
                ui_ports=tuple(int(port) for port in data["ui_ports"]),
                published_ports=tuple(int(port) for port in data["published_ports"]),
                forwarded_port=int(data["forwarded_port"]),
                natpmp_server=str(data["natpmp_server"]),
                ipv6=bool(data["ipv6"]),
                mtu=int(data["mtu"]) or UPLINK_MTU - WIREGUARD_OVERHEAD,
                addresses=tuple(data["addresses"]),
                resolvers=tuple(data["resolvers"]),
                peers=tuple(Peer.from_json(peer, ipv6=bool(data["ipv6"])) for peer in data["peers"]),
                # Absent where a run was cut off between the programs and this file; then the barrier is narrower.
                containers=tuple(data.get("containers", ())),
                # Absent in a household without own services.
                own_bridges=tuple(data.get("own_bridges", ())),
                reaches=tuple((str(one["bridge"]), int(one["port"])) for one in data.get("reaches", ())),
                reached_ports=tuple(int(port) for port in data.get("reached_ports", ())),
                vpn_service_ports=tuple(int(port) for port in data.get("vpn_service_ports", ())),
                services=tuple(map(Service.from_json, data["services"])) if "services" in data else UNLISTED,
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise GatewayError(f"gateway.json cannot be used ({error!r}); run the playbook again") from error


@dataclass(frozen=True)
class State:
    """The active peer, and the last known address of each name. A damaged file is replaced, and nothing opens."""

    active: str
    addresses: dict[str, str]
    # Addresses that a name has now and that are refused; not kept in the file.
    rejected: dict[str, str] = field(default_factory=dict, compare=False)
    lost: bool = field(default=False, compare=False)  # there was a text, and it could not be read

    @classmethod
    def from_json(cls, text: str | None) -> State:
        try:
            data = json.loads(text or "{}")
            addresses = {str(k): str(ipaddress.IPv4Address(v)) for k, v in data.get("addresses", {}).items()}
            return cls(str(data.get("active", "")), addresses)
        except (ValueError, AttributeError, RecursionError):
            return cls("", {}, lost=True)

    def to_json(self) -> str:
        return json.dumps({"active": self.active, "addresses": self.addresses}, indent=2, sort_keys=True) + "\n"


def forbidden(settings: Settings, address: str) -> str:
    """Return why an address cannot be an endpoint, else an empty text: a route to it would be a route into the LAN."""
    if not address:
        return ""
    candidate = ipaddress.IPv4Address(address)
    special = candidate.is_loopback or candidate.is_multicast or candidate.is_link_local or candidate.is_unspecified
    # Reserved is also the broadcast address. What begins with 0 is "this network" (RFC 1122), and leads nowhere.
    if special or candidate.is_reserved or candidate in THIS_NETWORK:
        return "not a public address"
    if candidate in settings.subnet:
        return f"in the VPN namespace's own network {settings.subnet} (gateway_subnet)"
    if any(candidate in ipaddress.IPv4Network(pool) for pool in settings.containers):
        return "in a network of Docker's on this host (docker_address_pools)"
    return next((f"in the LAN {net} (mediaserver_lan)" for net in settings.lan
                 if candidate in ipaddress.IPv4Network(net)), "")  # fmt: skip


def next_state(settings: Settings, state: State, resolve: Callable[[str], str | None]) -> State:
    """Keep what is known, resolve only names that are new, and drop peers that are gone."""
    addresses: dict[str, str] = {}
    rejected = dict(state.rejected)
    for host in dict.fromkeys(peer.host for peer in settings.peers):
        try:
            address: str | None = str(ipaddress.IPv4Address(host))
        except ValueError:
            address = state.addresses.get(host) or resolve(host)
        if address and forbidden(settings, address):
            rejected[host] = address
        elif address:
            addresses[host] = address
    names = [peer.name for peer in settings.peers]
    return State(state.active if state.active in names else names[0], addresses, rejected)


def resolved_again(settings: Settings, state: State, resolve: Callable[[str], str | None]) -> State:
    """Resolve every name again; one that cannot be resolved now keeps its address."""
    asked = next_state(settings, State(state.active, {}), resolve)
    return State(asked.active, state.addresses | asked.addresses, asked.rejected)


def failed_over(settings: Settings, state: State) -> State:
    """Make the next peer that has an address the active one; after the last one comes the first."""
    names = [peer.name for peer in settings.peers if peer.host in state.addresses]
    if not names:
        return state
    after = names.index(state.active) + 1 if state.active in names else 0
    return State(names[after % len(names)], state.addresses)


def endpoints(settings: Settings, state: State) -> list[tuple[str, int]]:
    """Every address and UDP port that the barriers let the tunnel reach."""
    known = {(state.addresses[p.host], p.port) for p in settings.peers if p.host in state.addresses}
    return sorted(known)


def active_peer(settings: Settings, state: State) -> Peer:
    return next((peer for peer in settings.peers if peer.name == state.active), settings.peers[0])


def outer_table(settings: Settings, state: State, *, owned: bool = False) -> str:
    allowed = tuple(endpoints(settings, state))
    return barrier.render_outer(
        barrier.OuterBarrier(
            endpoints=allowed,
            ui_ports=settings.ui_ports,
            published=settings.published_ports,
            lan=settings.lan,
            containers=settings.containers,
            own_bridges=settings.own_bridges,
            bridge_address=settings.bridge_address,
            reaches=settings.reaches,
            reached=settings.reached_ports,
        ),
        owned=owned,
    )


def inner_table(settings: Settings, state: State, leased_port: int = 0) -> str:
    ports = {settings.forwarded_port, leased_port} - {0, *settings.closed_ports}
    return barrier.render_inner(
        barrier.InnerBarrier(
            endpoints=tuple(endpoints(settings, state)),
            ui_ports=settings.ui_ports,
            lan=settings.lan,
            bridge_address=settings.bridge_address,
            fwmark=WIREGUARD_MARK,
            forwarded_ports=sorted(ports),
            reachable=settings.reachable_ports,
            reached=settings.reached_ports,
            # Without own services outside the VPN, no container has a reason to try.
            containers=settings.containers if settings.own_bridges else (),
        )
    )


def tunnel_configuration(settings: Settings, state: State, private_key: str) -> str:
    """Text for ``wg setconf`` (wg(8), CONFIGURATION FILE FORMAT)."""
    peer = active_peer(settings, state)
    lines = ["[Interface]", f"PrivateKey = {private_key}", f"FwMark = {WIREGUARD_MARK}", "", "[Peer]"]
    lines.append(f"PublicKey = {peer.public_key}")
    if peer.preshared_key:
        lines.append(f"PresharedKey = {peer.preshared_key}")
    if peer.host in state.addresses:
        lines.append(f"Endpoint = {state.addresses[peer.host]}:{peer.port}")
    lines.append(f"AllowedIPs = {', '.join(peer.allowed_ips)}")
    lines.append(f"PersistentKeepalive = {peer.keepalive}")
    return "\n".join(lines) + "\n"


def container_files(settings: Settings, state: State, private_key: str, leased_port: int = 0) -> dict[str, str]:
    """What the containers read, by path below ``gateway/run``; shell variables hold no secret.

    ``leased_port`` is one that the provider forwards at the moment, 0 for none.
    """
    peer = active_peer(settings, state)
    tunnel = {
        "ADDRESSES": " ".join(settings.addresses),
        "ENDPOINT": state.addresses.get(peer.host, ""),
        "GATEWAY": settings.bridge_address,
        "MTU": settings.mtu,
        "IPV6": int(settings.ipv6),
    }
    holder = {
        "SUBNET": settings.subnet,
        "GATEWAY": settings.bridge_address,
        "ADDRESS": settings.holder_address,
    }
    return {
        "holder/inner.nft": inner_table(settings, state, leased_port),
        "holder/holder.env": "".join(f"{key}='{value}'\n" for key, value in holder.items()),
        "tunnel/tunnel.env": "".join(f"{key}='{value}'\n" for key, value in tunnel.items()),
        "tunnel/wg0.conf": tunnel_configuration(settings, state, private_key),
    }
