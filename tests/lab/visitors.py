# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends a visitor from a house's laptop to its services, and reads what was met (see images/laptop/visitor.py)."""

from __future__ import annotations

import json
from dataclasses import dataclass

from engine import docker
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
    docker("exec", f"{house.name}-laptop", "sh", "-c", "pkill -f /visitor.py || true")


def visits(house: House) -> list[Visit]:
    text = docker("exec", f"{house.name}-laptop", "sh", "-c", f"cat {NOTES} 2>/dev/null || true")
    return [Visit(**json.loads(line)) for line in text.splitlines()]
