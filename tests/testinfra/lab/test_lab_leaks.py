# SPDX-License-Identifier: GPL-3.0-or-later
"""Each barrier drops and counts a packet to the uplink, and the capture has none of them."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import household_lab
import observer
import pytest
import topology
from contract import INNER, OUTER, Containers, nft

PROBE = shlex.quote((Path(__file__).parent / "probe.py").read_text(encoding="utf-8"))
TRACE = f"udp and host {topology.INTERNET_HOST} and port 9"


@pytest.fixture
def send(host: Any, containers: Containers) -> Callable[[str], Any]:
    """Send one probe from the VPN namespace, by ``socket`` or by ``frame``."""
    (network,) = containers["vpn"]["NetworkSettings"]["Networks"].values()
    source, namespace = network["IPAddress"], containers.namespace("vpn")
    return lambda kind: host.run(f"{namespace} python3 -c {PROBE} {kind} {source} {topology.INTERNET_HOST}")


def leak_attempts(host: Any, table: str, prefix: str = "") -> int:
    counters = [item["counter"] for item in nft(host, table, prefix) if "counter" in item]
    return sum(counter["packets"] for counter in counters if counter["name"] == "leak_attempts_out")


def test_capture_has_packet_of_the_pi(host: Any, lab_household: topology.LabHousehold) -> None:
    with observer.capturing(lab_household, "contract: control") as capture:
        host.check_output(f"python3 -c {PROBE} socket {lab_household.pi} {topology.INTERNET_HOST}")
    assert capture.packets(TRACE)


def test_inner_barrier_drops_packet_to_uplink(
    host: Any, lab_household: topology.LabHousehold, containers: Containers, send: Callable[[str], Any]
) -> None:
    namespace = containers.namespace("vpn")
    before = leak_attempts(host, INNER, namespace)
    with observer.capturing(lab_household, "contract: inner") as capture:
        sent = send("socket")
    assert "Operation not permitted" in sent.stderr
    # At least: packets of Transmission, in the same namespace, are counted too.
    assert leak_attempts(host, INNER, namespace) >= before + 1, "the probe has not reached the barrier"
    assert capture.packets(TRACE) == []


def test_outer_barrier_drops_raw_frame(
    host: Any, lab_household: topology.LabHousehold, send: Callable[[str], Any]
) -> None:
    before = leak_attempts(host, OUTER)
    with observer.capturing(lab_household, "contract: outer") as capture:
        sent = send("frame")
        household_lab.address_seen_from_transmission(host)
    assert sent.rc == 0, sent.stderr
    assert leak_attempts(host, OUTER) >= before + 1, "the probe has not reached the barrier"
    assert capture.packets(TRACE) == []
    assert capture.packets(f"udp port {topology.WIREGUARD_PORT}"), "the capture is empty"
