# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of the lab, and the two sides of a provider's WireGuard configuration."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import images
from engine import FOLDER, docker, write
from topology import WIREGUARD_PORT, House, Provider


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


def secret(name: str) -> str:
    """Return a password of the lab, made on the spot and kept in build/lab/keys."""
    path = FOLDER / "keys" / name
    if not path.exists():
        write(path, secrets.token_urlsafe(18), mode=0o600)
    return path.read_text(encoding="utf-8")


def server_configuration(provider: Provider, private_key: str, clients: Mapping[House, str]) -> str:
    """What ``wg setconf`` gets on the provider's side: one peer a house, by its public key."""
    lines = ["[Interface]", f"PrivateKey = {private_key}", f"ListenPort = {WIREGUARD_PORT}"]
    for house, public_key in clients.items():
        lines += ["", "[Peer]", f"PublicKey = {public_key}", f"AllowedIPs = {provider.client(house)}/32"]
    return "\n".join(lines) + "\n"


def client_configuration(provider: Provider, public_key: str, house: House, private_key: str) -> str:
    """The file that the provider hands to a household."""
    return (
        "[Interface]\n"
        f"PrivateKey = {private_key}\n"
        f"Address = {provider.client(house)}/32\n"
        f"DNS = {provider.resolver}\n\n"
        "[Peer]\n"
        f"PublicKey = {public_key}\n"
        "AllowedIPs = 0.0.0.0/0, ::/0\n"
        f"Endpoint = {provider.address}:{WIREGUARD_PORT}\n"
    )
