# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of the lab, and the WireGuard configurations of the provider and its clients."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import images
from engine import FOLDER, docker, write
from topology import TUNNEL_RESOLVER, WIREGUARD_PORT, LabHousehold, Provider


def key(name: str) -> tuple[str, str]:
    """Return a private and a public WireGuard key; they are created at the first call and kept in build/lab/keys."""
    path = FOLDER / "keys" / name
    if not path.exists():
        write(path, docker("run", "--rm", images.tag("provider"), "wg", "genkey"), mode=0o600)
    private = path.read_text(encoding="utf-8")
    public_path = path.with_suffix(".pub")
    if not public_path.exists():
        tool = ["run", "--rm", "--interactive", images.tag("provider"), "wg", "pubkey"]
        write(public_path, docker(*tool, stdin=private))
    return private.strip(), public_path.read_text(encoding="utf-8").strip()


def preshared(provider: Provider, household: LabHousehold) -> str | None:
    """Return the preshared key of a household and the second server; None for the first server, which has none."""
    return key(f"{provider.name}-{household.name}")[0] if provider.number > 1 else None


def secret(name: str) -> str:
    """Return a password; it is created at the first call and kept in build/lab/keys."""
    path = FOLDER / "keys" / name
    if not path.exists():
        write(path, secrets.token_urlsafe(18), mode=0o600)
    return path.read_text(encoding="utf-8")


def server_configuration(
    private_key: str, clients: Mapping[LabHousehold, str], shared: Mapping[LabHousehold, str | None]
) -> str:
    """Return the configuration of a server for ``wg setconf``: one peer per household."""
    lines = ["[Interface]", f"PrivateKey = {private_key}", f"ListenPort = {WIREGUARD_PORT}"]
    for household, public_key in clients.items():
        lines += [
            "",
            "[Peer]",
            f"PublicKey = {public_key}",
            f"AllowedIPs = {household.tunnel_address}/32, {household.tunnel_address_ipv6}/128",
            *_preshared(shared.get(household)),
        ]
    return "\n".join(lines) + "\n"


def client_configuration(
    servers: Mapping[Provider, str], household: LabHousehold, private_key: str, shared: Mapping[Provider, str | None]
) -> str:
    """Return the configuration file that the provider gives to a household; the first peer is preferred."""
    lines = [
        "[Interface]",
        f"PrivateKey = {private_key}",
        f"Address = {household.tunnel_address}/32, {household.tunnel_address_ipv6}/128",
        f"DNS = {TUNNEL_RESOLVER}",
    ]
    for provider, public_key in servers.items():
        lines += ["", "[Peer]", f"PublicKey = {public_key}", "AllowedIPs = 0.0.0.0/0, ::/0"]
        lines += [f"Endpoint = {provider.address}:{WIREGUARD_PORT}", *_preshared(shared.get(provider))]
    return "\n".join(lines) + "\n"


def _preshared(value: str | None) -> list[str]:
    return [f"PresharedKey = {value}"] if value else []
