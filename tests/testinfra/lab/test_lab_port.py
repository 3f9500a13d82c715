# SPDX-License-Identifier: GPL-3.0-or-later
"""The port that the provider forwards on request leads to Transmission, and nothing else is open there."""

from __future__ import annotations

import json
from typing import Any

import household_lab
import pytest
import rpc
import topology
import world
from contract import Household

pytestmark = pytest.mark.usefixtures("lab_house")


@pytest.fixture
def port(host: Any) -> int:
    state = json.loads(host.file("/run/mediaserver/vpn.json").content_string)
    assert state["state"] == "online", state
    return int(state["forwarded_port"])


def connects(port: int) -> bool:
    return world.connects(topology.PROVIDERS[0].address, port)


def test_the_forwarded_port_leads_to_transmission(port: int, house: Household) -> None:
    assert rpc.session(house)["peer-port"] == port
    assert connects(port)


def test_no_other_port_is_open_at_the_providers_address(port: int) -> None:
    assert [other for other in (9091, 9117, 51413, port + 1) if connects(other)] == []


def test_the_port_is_closed_at_the_pis_own_address(port: int, house: Household, lab_house: topology.House) -> None:
    """Only the tunnel leads to it. The control: a page that the Pi does publish connects, asked in the same way."""

    def connects_on_lan(wanted: int) -> bool:
        url = f"telnet://{lab_house.pi}:{wanted}"
        # Its status tells of the end of the conversation, too; what it says of the connection is for us.
        ask = f"curl --verbose --max-time 2 {url} </dev/null 2>&1 || true"
        return "Connected to" in household_lab.on_laptop(lab_house, "sh", "-c", ask)

    page = house["mediaserver_ports"]["transmission"]
    assert [other for other in (page, port) if connects_on_lan(other)] == [page]
