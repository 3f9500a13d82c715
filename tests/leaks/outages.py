# SPDX-License-Identifier: GPL-3.0-or-later
"""Drops packets at the household's router, between the LAN and the internet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lab_control import LabControl


@contextmanager
def unreachable_endpoints(lab: LabControl, *addresses: str) -> Iterator[None]:
    """Drop all WireGuard packets to and from these servers of the provider."""
    ends = f"{{ {', '.join(addresses)} }} udp"
    with _outage(lab, f"ip daddr {ends} dport 51820 drop", f"ip saddr {ends} sport 51820 drop"):
        yield


@contextmanager
def no_internet(lab: LabControl) -> Iterator[None]:
    """Drop all packets between the LAN and the internet."""
    with _outage(lab, "drop"):
        yield


@contextmanager
def _outage(lab: LabControl, *rules: str) -> Iterator[None]:
    chain = "\n".join(["type filter hook forward priority -10;", *rules])
    lab.router("nft -f -", stdin=f"table ip outage {{\nchain lost {{\n{chain}\n}}\n}}\n")
    try:
        yield
    finally:
        lab.router("nft delete table ip outage")
