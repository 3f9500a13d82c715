# SPDX-License-Identifier: GPL-3.0-or-later
"""What the internet, the provider and the house's laptop see of the household."""

from __future__ import annotations

import json
import uuid
from typing import Any

import household_lab
import pytest
import topology
from contract import Household

pytestmark = pytest.mark.evidence(containers=["vpn", "wireguard", "transmission"])


def test_the_internet_sees_the_provider_and_never_the_house(host: Any, lab_house: topology.House) -> None:
    assert household_lab.address_seen_from_pi(host) == lab_house.exit, "the page would not have told"
    assert household_lab.address_seen_from_transmission(host) in household_lab.PROVIDER_ADDRESSES


def test_names_are_asked_at_the_provider_and_never_in_public(host: Any, lab_house: topology.House) -> None:
    ours, theirs = (f"{uuid.uuid4().hex}.address.lab" for _round in range(2))

    host.check_output(f"getent hosts {theirs}")
    public = household_lab.asked_in_public(theirs)
    assert public, "the public resolver would not have told"
    assert {line.split()[-1] for line in public} == {lab_house.exit}

    host.check_output(
        f"docker exec mediaserver-transmission-1 curl --silent --max-time 10 --output /dev/null http://{ours}/"
    )
    assert household_lab.asked_at_provider(ours)
    # The provider's resolver asks in its own name; the house never does.
    asking = {line.split()[-1] for line in household_lab.asked_in_public(ours)}
    assert asking <= set(household_lab.PROVIDER_ADDRESSES)


def test_the_laptop_is_let_in_with_the_password_only(house: Household, lab_house: topology.House) -> None:
    port = house["mediaserver_ports"]["transmission"]
    url = f"http://{lab_house.pi}:{port}/transmission/web/"
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
    known = f'user = "{house["transmission_user"]}:{house["transmission_password"]}"\n'
    assert household_lab.on_laptop(lab_house, *command, stdin="") == "401"
    assert household_lab.on_laptop(lab_house, *command, stdin=known) == "200"


def test_vpn_monitor_names_no_problem(host: Any) -> None:
    state = json.loads(host.file("/run/mediaserver/vpn.json").content_string)
    assert (state["version"], state["state"], state["problems"]) == (2, "online", [])
