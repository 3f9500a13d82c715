# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends a visitor from a house's laptop to its services, and reads what was met (see images/laptop/visitor.py)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from engine import OURS, docker, remove
from images import tag
from topology import House

NOTES = "/var/log/visitor"
LONGEST_S = 900


@dataclass(frozen=True)
class Visit:
    """An answer that differed from the one before: the HTTP status (0: none) and whether a stranger could take over."""

    service: str
    s: float
    status: int
    open: bool


def begin(house: House) -> None:
    """Have the visitor try until ``end``, or for a quarter of an hour; earlier notes are dropped."""
    end(house)
    visit = f"exec python3 /visitor.py {house.pi} {LONGEST_S} >{NOTES}"
    docker("exec", "--detach", f"{house.name}-laptop", "sh", "-c", visit)


def end(house: House) -> None:
    docker("exec", f"{house.name}-laptop", "sh", "-c", "pkill -f 'visitor[.]py' || true")


def visits(house: House) -> list[Visit]:
    text = docker("exec", f"{house.name}-laptop", "sh", "-c", f"cat {NOTES} 2>/dev/null || true")
    return [Visit(**json.loads(line)) for line in text.splitlines()]


def visit(house: House, address: str, seconds: float) -> list[Visit]:
    """Try the services at another address for a while; return what was met."""
    text = docker("exec", f"{house.name}-laptop", "python3", "/visitor.py", address, str(seconds))
    return [Visit(**json.loads(line)) for line in text.splitlines()]


@contextmanager
def unclaimed(house: House) -> Iterator[str]:
    """Have the three services on the LAN as their images are, nobody's; return their address."""
    name = f"{house.name}-unclaimed"
    daemon = "transmission-daemon --foreground --no-auth --allowed '*.*.*.*' --config-dir /tmp"
    plans = (
        ("jellyfin", ("--network", house.name, "--ip", house.unclaimed), ()),
        ("jackett", ("--network", f"container:{name}-jellyfin"), ()),
        ("transmission", ("--network", f"container:{name}-jellyfin"), ("sh", "-c", daemon)),
    )
    try:
        for service, network, command in plans:
            container = f"{name}-{service}"
            remove(container)
            docker("run", "--detach", *OURS, "--name", container, *network, tag(service), *command)
        yield house.unclaimed
    finally:
        for service, _, _ in reversed(plans):
            remove(f"{name}-{service}")
