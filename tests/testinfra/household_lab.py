# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab around a household, for tests that need to see what the internet sees."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from contract import Household

sys.path.append(str(Path(__file__).resolve().parents[1] / "lab"))

import engine
import houses
import topology

ADDRESS_PAGE = f"http://{topology.INTERNET_HOST}/"
PROVIDER_ADDRESSES = [provider.address for provider in topology.PROVIDERS]
QUERIES = "/var/log/queries"


def find_house(household: Household) -> topology.House | None:
    """The lab's house whose Pi this is; None for a Pi that is not the lab's."""
    return next((house for house in houses.HOUSES if house.pi == household.get("ansible_host")), None)


def reboot(house: topology.House) -> None:
    houses.reboot_pi(house)


def address_seen_from_transmission(host: Any) -> str:
    """What the internet takes Transmission's address for; empty when it is not reached."""
    answer: str = host.run(f"docker exec mediaserver-transmission-1 curl --silent --max-time 5 {ADDRESS_PAGE}").stdout
    return answer.strip()


def address_seen_from_pi(host: Any) -> str:
    program = f"import urllib.request as r; print(r.urlopen('{ADDRESS_PAGE}', timeout=5).read().decode())"
    answer: str = host.check_output(f'python3 -c "{program}"')
    return answer.strip()


def on_laptop(house: topology.House, *command: str, stdin: str | None = None) -> str:
    return engine.docker("exec", "--interactive", f"{house.name}-laptop", *command, stdin=stdin)


def questions(container: str, name: str) -> list[str]:
    """What a resolver was asked about ``name``, one line each; the asking address is the last word."""
    log = engine.docker("exec", container, "cat", QUERIES)
    return [line for line in log.splitlines() if f" {name} from " in line]


def asked_at_provider(name: str) -> list[str]:
    return [line for provider in topology.PROVIDERS for line in questions(provider.name, name)]


def asked_in_public(name: str) -> list[str]:
    return questions(f"{topology.PREFIX}-internet", name)
