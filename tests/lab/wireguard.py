# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of the lab, and the two sides of a provider's WireGuard configuration."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import images
from engine import FOLDER, docker, write
from topology import TUNNEL_RESOLVER, WIREGUARD_PORT, House, Provider


def key(name: str) -> tuple[str, str]:
    """Return a WireGuard key pair of the lab, made on the spot and kept in build/lab/keys."""
    path = FOLDER / "keys" / name
    if not path.exists():
        write(path, docker("run", "--rm", images.tag("provider"), "wg", "genkey"), mode=0o600)
    private = path.read_text(encoding="utf-8")
    public_path = path.with_suffix(".pub")
    if not public_path.exists():
        tool = ["run", "--rm", "--interactive", images.tag("provider"), "wg", "pubkey"]
        write(public_path, docker(*tool, stdin=private))
    return private.strip(), public_path.read_text(encoding="utf-8").strip()


def preshared(provider: Provider, house: House) -> str | None:
    """The secret that the second server shares with each house besides the keys; the first one knows none."""
    return key(f"{provider.name}-{house.name}")[0] if provider.number > 1 else None


def secret(name: str) -> str:
    """Return a password of the lab, made on the spot and kept in build/lab/keys."""
    path = FOLDER / "keys" / name
    if not path.exists():
        write(path, secrets.token_urlsafe(18), mode=0o600)
    return path.read_text(encoding="utf-8")


def server_configuration(private_key: str, clients: Mapping[House, str], shared: Mapping[House, str | None]) -> str:
    """What ``wg setconf`` gets on the provider's side: one peer a house, by its public key and the secret it shares."""
    lines = ["[Interface]", f"PrivateKey = {private_key}", f"ListenPort = {WIREGUARD_PORT}"]
    for house, public_key in clients.items():
        lines += [
            "",
            "[Peer]",
            f"PublicKey = {public_key}",
            f"AllowedIPs = {house.in_tunnel}/32, {house.in_tunnel_ipv6}/128",
            *_preshared(shared.get(house)),
        ]
    return "\n".join(lines) + "\n"


def client_configuration(
    servers: Mapping[Provider, str], house: House, private_key: str, shared: Mapping[Provider, str | None]
) -> str:
    """The file that the provider hands to a household: its servers by their public keys, the first one preferred."""
    lines = [
        "[Interface]",
        f"PrivateKey = {private_key}",
        f"Address = {house.in_tunnel}/32, {house.in_tunnel_ipv6}/128",
        f"DNS = {TUNNEL_RESOLVER}",
    ]
    for provider, public_key in servers.items():
        lines += ["", "[Peer]", f"PublicKey = {public_key}", "AllowedIPs = 0.0.0.0/0, ::/0"]
        lines += [f"Endpoint = {provider.address}:{WIREGUARD_PORT}", *_preshared(shared.get(provider))]
    return "\n".join(lines) + "\n"


def _preshared(value: str | None) -> list[str]:
    return [f"PresharedKey = {value}"] if value else []
