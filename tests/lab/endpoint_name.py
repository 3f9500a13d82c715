# SPDX-License-Identifier: GPL-3.0-or-later
"""A name for the first server of the provider, which the lab's public resolver reads from a hosts(5) file."""

from __future__ import annotations

from engine import FOLDER
from topology import PROVIDERS

NAME = "vpn.test"
HOSTS = FOLDER / "internet" / "hosts" / "endpoint"


def provider_configuration(text: str) -> str:
    """Return a provider's file with its first server only, and with the name as endpoint."""
    return "[Peer]".join(text.replace(PROVIDERS[0].address, NAME).split("[Peer]")[:2])


def set_address(address: str) -> None:
    """Let the name resolve to an address."""
    fresh = HOSTS.with_name(".endpoint.new")
    fresh.write_text(f"{address} {NAME}\n", encoding="utf-8")
    fresh.replace(HOSTS)


def remove() -> None:
    """Let the name resolve to nothing."""
    HOSTS.unlink(missing_ok=True)
