# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs images/laptop/access_check.py on a household's laptop, and reads what the services answered.

The services are those of the registry that have a web interface in every household.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import services
from engine import OURS, docker, remove
from images import tag
from topology import LabHousehold

LOG = "/var/log/access-check"
LONGEST_S = 900
# As in the registry: the check has a request for each of them (tests/unit/lab/test_access_check.py).
SERVICES = [f"{name}:{port}" for name, port in services.web_interfaces().items()]
# What the unmodified images run without passwords, where it is not their default.
COMMANDS = {
    "transmission": ("sh", "-c", "transmission-daemon --foreground --no-auth --allowed '*.*.*.*' --config-dir /tmp")
}


@dataclass(frozen=True)
class Answer:
    """An answer that differs from the one before.

    ``s`` counts seconds from the start; ``status`` is the HTTP status, 0 without an answer; ``open`` says whether the
    service could be used without a password.
    """

    service: str
    s: float
    status: int
    open: bool


def start(household: LabHousehold) -> None:
    """Check the Pi's services in the background until ``stop``, at most LONGEST_S; the earlier log is dropped."""
    stop(household)
    check = f"exec python3 /access_check.py {household.pi} {LONGEST_S} {' '.join(SERVICES)} >{LOG}"
    docker("exec", "--detach", f"{household.name}-laptop", "sh", "-c", check)


def stop(household: LabHousehold) -> None:
    docker("exec", f"{household.name}-laptop", "sh", "-c", "pkill -f 'access_check[.]py' || true")


def answers(household: LabHousehold) -> list[Answer]:
    """Return what the check in the background has logged."""
    text = docker("exec", f"{household.name}-laptop", "sh", "-c", f"cat {LOG} 2>/dev/null || true")
    return [Answer(**json.loads(line)) for line in text.splitlines()]


def check(household: LabHousehold, address: str, seconds: float) -> list[Answer]:
    """Check the services at an address for some seconds; return the answers."""
    text = docker("exec", f"{household.name}-laptop", "python3", "/access_check.py", address, str(seconds), *SERVICES)
    return [Answer(**json.loads(line)) for line in text.splitlines()]


@contextmanager
def unprotected_services(household: LabHousehold) -> Iterator[str]:
    """Run the services from their unmodified images, without passwords, on the LAN; return their one address."""
    owner, *others = [f"{household.name}-unprotected-{name}" for name in reversed(services.web_interfaces())]
    networks: dict[str, tuple[str, ...]] = {owner: ("--network", household.name, "--ip", household.unprotected)}
    networks |= dict.fromkeys(others, ("--network", f"container:{owner}"))
    try:
        for container, network in networks.items():
            service = container.removeprefix(f"{household.name}-unprotected-")
            remove(container)
            command = COMMANDS.get(service, ())
            docker("run", "--detach", *OURS, "--name", container, *network, tag(service), *command)
        yield household.unprotected
    finally:
        for container in reversed(networks):
            remove(container)
