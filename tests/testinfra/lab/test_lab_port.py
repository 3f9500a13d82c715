# SPDX-License-Identifier: GPL-3.0-or-later
"""The port that the provider forwards reaches Transmission; other ports are closed."""

from __future__ import annotations

import json
from typing import Any

import household_lab
import pytest
import rpc
import shared_hosts
import topology
from contract import Household

pytestmark = pytest.mark.usefixtures("lab_household")


@pytest.fixture
def port(host: Any) -> int:
    state = json.loads(host.file("/run/mediaserver/vpn.json").content_string)
    assert state["state"] == "online", state
    return int(state["forwarded_port"])


def connects(port: int) -> bool:
    return shared_hosts.connects_from_internet(topology.PROVIDERS[0].address, port)


def test_forwarded_port_reaches_transmission(port: int, household: Household) -> None:
    assert rpc.session(household)["peer-port"] == port
    assert connects(port)


def test_other_ports_are_closed_at_providers_address(port: int) -> None:
    unused = port + len(topology.HOUSEHOLDS)  # the provider's next ports may be those of the lab's other households
    assert [other for other in (9091, 9117, 51413, unused) if connects(other)] == []


def test_forwarded_port_is_closed_on_lan(port: int, household: Household, lab_household: topology.LabHousehold) -> None:
    """The control: a published port connects with the same command."""

    def connects_on_lan(wanted: int) -> bool:
        url = f"telnet://{lab_household.pi}:{wanted}"
        # By its output: curl's status also depends on the end of the connection.
        ask = f"curl --verbose --max-time 2 {url} </dev/null 2>&1 || true"
        return "Connected to" in household_lab.on_laptop(lab_household, "sh", "-c", ask)

    page = household["mediaserver_ports"]["transmission"]
    assert [other for other in (page, port) if connects_on_lan(other)] == [page]
