# SPDX-License-Identifier: GPL-3.0-or-later
"""The port that the provider forwards on request leads to Transmission, and nothing else is open there."""

from __future__ import annotations

import json
from typing import Any

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
