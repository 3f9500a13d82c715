# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab around a household, for tests that need the internet host, the provider or the laptop."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from contract import Household

sys.path.append(str(Path(__file__).resolve().parents[1] / "lab"))

import engine
import households
import topology

ADDRESS_PAGE = f"http://{topology.INTERNET_HOST}/"
PROVIDER_ADDRESSES = [provider.address for provider in topology.PROVIDERS]
QUERIES = "/var/log/queries"


def find_household(household: Household) -> topology.LabHousehold | None:
    """Return the lab's household of this Pi; None for a Pi that is not the lab's."""
    return next((one for one in topology.HOUSEHOLDS if one.pi == household.get("ansible_host")), None)


def reboot(household: topology.LabHousehold) -> None:
    households.reboot_pi(household)


def address_seen_from_transmission(host: Any) -> str:
    """Return Transmission's public address; empty when the internet host is not reached."""
    answer: str = host.run(f"docker exec mediaserver-transmission-1 curl --silent --max-time 5 {ADDRESS_PAGE}").stdout
    return answer.strip()


def address_seen_from_pi(host: Any) -> str:
    program = f"import urllib.request as r; print(r.urlopen('{ADDRESS_PAGE}', timeout=5).read().decode())"
    answer: str = host.check_output(f'python3 -c "{program}"')
    return answer.strip()


def on_laptop(household: topology.LabHousehold, *command: str, stdin: str | None = None) -> str:
    return engine.docker("exec", "--interactive", f"{household.name}-laptop", *command, stdin=stdin)


def queries(container: str, name: str) -> list[str]:
    """Return the log lines of a resolver for ``name``; the client's address is the last word."""
    log = engine.docker("exec", container, "cat", QUERIES)
    return [line for line in log.splitlines() if f" {name} from " in line]


def queries_at_provider(name: str) -> list[str]:
    return [line for provider in topology.PROVIDERS for line in queries(provider.name, name)]


def queries_in_public(name: str) -> list[str]:
    return queries(f"{topology.PREFIX}-internet", name)
