# SPDX-License-Identifier: GPL-3.0-or-later
"""An endpoint name without a usable address: the peer gets no endpoint, and no packet loops in the tunnel."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import endpoint_name
import playbook
import pytest
import topology
from contract import Household

pytestmark = pytest.mark.faults

TUNNEL = (
    "$(docker ps --quiet --filter label=com.docker.compose.project=mediaserver "
    "--filter label=com.docker.compose.service=wireguard)"
)
# Far more than keepalives and handshakes send in SECONDS; a packet that loops sends megabytes.
SECONDS, BYTES = 10, 100_000
PATIENCE_S = 60


def sent(host: Any) -> int:
    return int(host.check_output(f"docker exec {TUNNEL} cat /sys/class/net/wg0/statistics/tx_bytes"))


@pytest.fixture(scope="module")
def by_name(household: Household, inventory: str, lab_household: topology.LabHousehold) -> Iterator[str]:
    """Extra variables with the first server only, by name; its key is the same."""
    text = endpoint_name.provider_configuration(household["gateway_provider_config"])
    yield json.dumps({"gateway_provider_config": text})
    endpoint_name.remove()
    back = playbook.run(inventory)
    assert back.ok, back.failures


@pytest.mark.parametrize("address", ["0.0.0.0", "127.0.0.1", "224.0.0.1", ""], ids=lambda address: address or "none")
def test_peer_without_usable_address_has_no_endpoint(host: Any, inventory: str, by_name: str, address: str) -> None:
    endpoint_name.remove()
    if address:
        endpoint_name.set_address(address)
    # Without a check of the result: the run may fail because the tunnel is down.
    playbook.run(inventory, "--tags", "gateway", "--extra-vars", by_name)
    deadline = time.monotonic() + PATIENCE_S
    show = f"docker exec {TUNNEL} wg show wg0 endpoints"
    while (shown := host.run(show).stdout.split())[1:] != ["(none)"]:
        assert time.monotonic() < deadline, shown
        time.sleep(1)
    assert host.check_output(f"docker exec {TUNNEL} ip route show dev eth0 proto 77") == ""
    before = sent(host)
    time.sleep(SECONDS)
    assert sent(host) - before < BYTES
