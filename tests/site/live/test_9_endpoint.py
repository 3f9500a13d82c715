# SPDX-License-Identifier: GPL-3.0-or-later
"""A name that leads nowhere while the tunnel runs: the peer has no endpoint, and no packet goes in circles."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import houses
import playbook
import pytest
import topology
from contract import Household

pytestmark = pytest.mark.faults

NAME = "vpn.test"
HOSTS = houses.FOLDER / "internet" / "hosts" / "endpoint"
TUNNEL = (
    "$(docker ps --quiet --filter label=com.docker.compose.project=mediaserver "
    "--filter label=com.docker.compose.service=wireguard)"
)
# What keepalives and handshakes may send in SECONDS, many times over; a packet that goes in circles sends megabytes.
SECONDS, BYTES = 10, 100_000
PATIENCE_S = 60


def move(address: str) -> None:
    fresh = HOSTS.with_name(".endpoint.new")
    fresh.write_text(f"{address} {NAME}\n", encoding="utf-8")
    fresh.replace(HOSTS)


def sent(host: Any) -> int:
    return int(host.check_output(f"docker exec {TUNNEL} cat /sys/class/net/wg0/statistics/tx_bytes"))


@pytest.fixture(scope="module")
def by_name(house: Household, inventory: str, lab_house: topology.House) -> Iterator[str]:
    """Extra variables with which the first server, whose key stays the same, is known by a name."""
    text = house["gateway_provider_config"].replace(topology.PROVIDERS[0].address, NAME)
    yield json.dumps({"gateway_provider_config": "[Peer]".join(text.split("[Peer]")[:2])})
    HOSTS.unlink(missing_ok=True)
    back = playbook.run(inventory)
    assert back.ok, back.failures


@pytest.mark.parametrize("address", ["0.0.0.0", "127.0.0.1", "224.0.0.1", ""], ids=lambda address: address or "none")
def test_a_peer_whose_name_leads_nowhere_has_no_endpoint(host: Any, inventory: str, by_name: str, address: str) -> None:
    HOSTS.unlink(missing_ok=True)
    if address:
        move(address)
    # The result is another matter: a run may say that there is no tunnel.
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
