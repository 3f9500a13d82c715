# SPDX-License-Identifier: GPL-3.0-or-later
"""The household as seen by the internet host, the provider and the laptop."""

from __future__ import annotations

import json
import uuid
from typing import Any

import household_lab
import pytest
import topology
from contract import Household

pytestmark = pytest.mark.evidence(containers=["vpn", "wireguard", "transmission"])


def test_public_address_is_the_providers(host: Any, lab_household: topology.LabHousehold) -> None:
    assert household_lab.address_seen_from_pi(host) == lab_household.public_address, "the address page does not work"
    assert household_lab.address_seen_from_transmission(host) in household_lab.PROVIDER_ADDRESSES


def test_names_are_resolved_by_provider_only(host: Any, lab_household: topology.LabHousehold) -> None:
    inside, outside = (f"{uuid.uuid4().hex}.address.lab" for _round in range(2))

    host.check_output(f"getent hosts {outside}")
    public = household_lab.queries_in_public(outside)
    assert public, "the log of the public resolver does not work"
    assert {line.split()[-1] for line in public} == {lab_household.public_address}

    host.check_output(
        f"docker exec mediaserver-transmission-1 curl --silent --max-time 10 --output /dev/null http://{inside}/"
    )
    assert household_lab.queries_at_provider(inside)
    # The public resolver gets the name from the provider's resolver, never from the household.
    clients = {line.split()[-1] for line in household_lab.queries_in_public(inside)}
    assert clients <= set(household_lab.PROVIDER_ADDRESSES)


def test_laptop_needs_password(household: Household, lab_household: topology.LabHousehold) -> None:
    port = household["mediaserver_ports"]["transmission"]
    url = f"http://{lab_household.pi}:{port}/transmission/web/"
    command = (
        "curl",
        "--silent",
        "--output",
        "/dev/null",
        "--write-out",
        "%{http_code}",
        "--config",
        "-",
        url,
    )
    login = f'user = "{household["transmission_user"]}:{household["transmission_password"]}"\n'
    assert household_lab.on_laptop(lab_household, *command, stdin="") == "401"
    assert household_lab.on_laptop(lab_household, *command, stdin=login) == "200"


def test_vpn_monitor_reports_no_problem(host: Any) -> None:
    state = json.loads(host.file("/run/mediaserver/vpn.json").content_string)
    assert (state["version"], state["state"], state["problems"]) == (2, "online", [])
