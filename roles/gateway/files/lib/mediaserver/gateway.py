# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the VPN gateway to what is configured.

``gateway.json`` (written by Ansible) says what is wanted, ``endpoints.json`` (ours) which peer is active and
the address that each endpoint's name was last seen at. From both come the files that the containers read and
the outer barrier.
"""

from __future__ import annotations

import argparse
import hashlib
import ipaddress
import json
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mediaserver import barrier, files

STATE = Path("/var/lib/mediaserver/vpn/endpoints.json")
LOADED = Path("/run/mediaserver/barrier.json")
UPLINK_MTU = 1500
# Bytes that WireGuard adds to an IPv4 or IPv6 packet (wg-quick(8) subtracts the same).
WIREGUARD_OVERHEAD = 80
KEEPALIVE_S = 25
FWMARK = 51820


class GatewayError(Exception):
    """Something that a person must put right; the text says what and how."""


@dataclass(frozen=True)
class Peer:
    """One WireGuard server: a name or IPv4 address, a UDP port and its keys (base64)."""

    host: str
    port: int
    public_key: str
    preshared_key: str | None = None

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Settings:
    """The wanted gateway, as ``gateway.json`` has it."""

    subnet: ipaddress.IPv4Network
    lan: tuple[str, ...]
    ui_ports: tuple[int, ...]
    forwarded_port: int
    ipv6: bool
    mtu: int
    addresses: tuple[str, ...]
    peers: tuple[Peer, ...]

    @property
    def bridge_address(self) -> str:
        return str(self.subnet[1])

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
                forwarded_port=int(data["forwarded_port"]),
                ipv6=bool(data["ipv6"]),
                mtu=int(data["mtu"]) or UPLINK_MTU - WIREGUARD_OVERHEAD,
                addresses=tuple(data["addresses"]),
                peers=tuple(
                    Peer(p["host"], int(p["port"]), p["public_key"], p.get("preshared_key")) for p in data["peers"]
                ),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise GatewayError(f"gateway.json cannot be used ({error!r}); run the playbook again") from error


@dataclass(frozen=True)
class State:
    """Which peer is active, and where each name was last seen. Lost or corrupt: made again, nothing opens."""

    active: str
    addresses: dict[str, str]

    @classmethod
    def from_json(cls, text: str | None) -> State:
        try:
            data = json.loads(text or "{}")
            return cls(str(data.get("active", "")), {str(k): str(v) for k, v in data.get("addresses", {}).items()})
        except (ValueError, AttributeError):
            return cls("", {})

    def to_json(self) -> str:
        return json.dumps({"active": self.active, "addresses": self.addresses}, indent=2, sort_keys=True) + "\n"


def look_up(host: str) -> str | None:
    """Return an IPv4 address of ``host``, or None when it cannot be resolved now."""
    try:
        return str(socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_DGRAM)[0][4][0])
    except OSError:
        return None


def next_state(settings: Settings, state: State, resolve: Callable[[str], str | None]) -> State:
    """Keep what is known, resolve only names that are new, and drop peers that are gone."""
    addresses: dict[str, str] = {}
    for host in dict.fromkeys(peer.host for peer in settings.peers):
        try:
            address: str | None = str(ipaddress.IPv4Address(host))
        except ValueError:
            address = state.addresses.get(host) or resolve(host)
        if address:
            addresses[host] = address
    names = [peer.name for peer in settings.peers]
    return State(state.active if state.active in names else names[0], addresses)


def endpoints(settings: Settings, state: State) -> list[tuple[str, int]]:
    """Every address and UDP port that the barriers let the tunnel reach."""
    known = {(state.addresses[p.host], p.port) for p in settings.peers if p.host in state.addresses}
    return sorted(known)


def active_peer(settings: Settings, state: State) -> Peer:
    return next((peer for peer in settings.peers if peer.name == state.active), settings.peers[0])


def outer_table(settings: Settings, state: State) -> str:
    return barrier.render_outer(
        barrier.OuterBarrier(endpoints=tuple(endpoints(settings, state)), ui_ports=settings.ui_ports, lan=settings.lan)
    )


def inner_table(settings: Settings, state: State) -> str:
    return barrier.render_inner(
        barrier.InnerBarrier(
            endpoints=tuple(endpoints(settings, state)),
            ui_ports=settings.ui_ports,
            lan=settings.lan,
            bridge_address=settings.bridge_address,
            fwmark=FWMARK,
            forwarded_ports=(settings.forwarded_port,) if settings.forwarded_port else (),
        )
    )


def tunnel_configuration(settings: Settings, state: State, private_key: str) -> str:
    """Text for ``wg setconf`` (wg(8), CONFIGURATION FILE FORMAT)."""
    peer = active_peer(settings, state)
    lines = ["[Interface]", f"PrivateKey = {private_key}", f"FwMark = {FWMARK}", "", "[Peer]"]
    lines.append(f"PublicKey = {peer.public_key}")
    if peer.preshared_key:
        lines.append(f"PresharedKey = {peer.preshared_key}")
    if peer.host in state.addresses:
        lines.append(f"Endpoint = {state.addresses[peer.host]}:{peer.port}")
    lines.append("AllowedIPs = 0.0.0.0/0" + (", ::/0" if settings.ipv6 else ""))
    lines.append(f"PersistentKeepalive = {KEEPALIVE_S}")
    return "\n".join(lines) + "\n"


def container_files(settings: Settings, state: State, private_key: str) -> dict[str, str]:
    """What the containers read, by path below ``gateway/run``; shell variables hold no secret."""
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
        "holder/inner.nft": inner_table(settings, state),
        "holder/holder.env": "".join(f"{key}='{value}'\n" for key, value in holder.items()),
        "tunnel/tunnel.env": "".join(f"{key}='{value}'\n" for key, value in tunnel.items()),
        "tunnel/wg0.conf": tunnel_configuration(settings, state, private_key),
    }


def run(command: Sequence[str], *, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)


def loaded_table() -> str | None:
    """Return the outer table's fingerprint as the kernel has it now, or None when it is not there."""
    listing = run(["nft", "list", "table", "inet", barrier.OUTER_TABLE])
    return barrier.fingerprint(listing.stdout) if listing.returncode == 0 else None


def barrier_stands(table: str) -> bool:
    """Say whether the kernel's outer table is the one that was loaded from exactly this text."""
    try:
        noted = json.loads(files.read(LOADED) or "{}")
    except ValueError:
        return False
    found = loaded_table()
    return found is not None and noted == {"text": _digest(table), "fingerprint": found}


def load_barrier(table: str) -> None:
    """Load the outer table in one transaction and note how the kernel lists it. Raises GatewayError."""
    loading = run(["nft", "-f", "-"], stdin=table)
    if loading.returncode != 0:
        raise GatewayError(f"the outer barrier could not be loaded, so Docker must not start: {loading.stderr.strip()}")
    found = loaded_table()
    if found is None:
        raise GatewayError("the outer barrier vanished right after it was loaded, so Docker must not start")
    files.write(LOADED, json.dumps({"text": _digest(table), "fingerprint": found}) + "\n", mode=0o600)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _signal(container: str) -> None:
    """Ask a running container to read its files again; one that is not there will read them when it starts."""
    if run(["docker", "inspect", "--format", "{{.State.Running}}", container]).stdout.strip() == "true":
        asked = run(["docker", "kill", "--signal", "HUP", container])
        if asked.returncode != 0:
            raise GatewayError(f"container {container} could not be told to reload: {asked.stderr.strip()}")


class Gateway:
    """The gateway below one project folder (``/opt/mediaserver``)."""

    def __init__(self, root: Path, *, resolve: Callable[[str], str | None] = look_up) -> None:
        self.folder = root / "gateway"
        text = files.read(self.folder / "gateway.json")
        if text is None:
            raise GatewayError(f"{self.folder}/gateway.json is missing; run the playbook again")
        self.settings = Settings.from_json(text)
        self.known = State.from_json(files.read(STATE))
        self.state = next_state(self.settings, self.known, resolve)
        self.outer = outer_table(self.settings, self.state)

    def differences(self) -> list[str]:
        """Name everything that is not as configured, in plain words."""
        found = [f"file {path} is written" for path, text in self._wanted().items() if not self._stands(path, text)]
        if not barrier_stands(self.outer):
            found.append(f"table inet {barrier.OUTER_TABLE} is loaded")
        return found

    def apply(self) -> list[str]:
        """Put right what differs; barriers before the tunnel. Return what was done."""
        done = []
        if not barrier_stands(self.outer):
            load_barrier(self.outer)
            done.append(f"table inet {barrier.OUTER_TABLE} is loaded")
        stale = {path: text for path, text in self._wanted().items() if not self._stands(path, text)}
        for path, text in stale.items():
            files.write(path, text, mode=0o600)
            done.append(f"file {path} is written")
        for folder, container in (("holder", "vpn"), ("tunnel", "wireguard")):
            if any(path.parent.name == folder for path in stale):
                _signal(container)
        return done

    def _wanted(self) -> dict[Path, str]:
        key = files.read(self.folder / "private.key")
        if key is None:
            raise GatewayError(f"{self.folder}/private.key is missing; run the playbook again")
        contents = container_files(self.settings, self.state, key.strip())
        return {self.folder / "run" / path: text for path, text in contents.items()} | {STATE: self.state.to_json()}

    @staticmethod
    def _stands(path: Path, text: str) -> bool:
        return files.stands(path, text, mode=0o600)


def main(arguments: Sequence[str], *, root: Path) -> int:
    parser = argparse.ArgumentParser(prog="vpn-gateway", description="Keeps the VPN gateway as configured.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("barrier", help="load the outer barrier (done before Docker starts; resolves nothing)")
    commands.add_parser("plan", help="print what is not as configured, change nothing")
    commands.add_parser("apply", help="put right what is not as configured, and print it")
    command = parser.parse_args(arguments).command
    try:
        if command == "barrier":
            load_barrier(Gateway(root, resolve=lambda host: None).outer)
            return 0
        gateway = Gateway(root)
        for line in gateway.differences() if command == "plan" else gateway.apply():
            print(line)
        return 0
    except (GatewayError, OSError, ValueError) as error:
        print(f"vpn-gateway: {error}", file=sys.stderr)
        return 1
