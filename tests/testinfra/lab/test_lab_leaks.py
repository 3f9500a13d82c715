# SPDX-License-Identifier: GPL-3.0-or-later
"""Each barrier stops and counts what tries to leave by the uplink, and the observer sees none of it."""

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
    """Send one probe from the namespace: by ``socket``, or by ``frame`` past the inner barrier."""
    (network,) = containers["vpn"]["NetworkSettings"]["Networks"].values()
    source, namespace = network["IPAddress"], containers.namespace("vpn")
    return lambda kind: host.run(f"{namespace} python3 -c {PROBE} {kind} {source} {topology.INTERNET_HOST}")


def leak_attempts(host: Any, table: str, prefix: str = "") -> int:
    counters = [item["counter"] for item in nft(host, table, prefix) if "counter" in item]
    return sum(counter["packets"] for counter in counters if counter["name"] == "leak_attempts_out")


def test_the_observer_sees_what_the_pi_itself_sends(host: Any, lab_house: topology.House) -> None:
    with observer.watching(lab_house, "contract: control") as capture:
        host.check_output(f"python3 -c {PROBE} socket {lab_house.pi} {topology.INTERNET_HOST}")
    assert capture.packets(TRACE)


def test_the_inner_barrier_stops_a_program_at_the_uplink(
    host: Any, lab_house: topology.House, containers: Containers, send: Callable[[str], Any]
) -> None:
    namespace = containers.namespace("vpn")
    before = leak_attempts(host, INNER, namespace)
    with observer.watching(lab_house, "contract: inner") as capture:
        sent = send("socket")
    assert "Operation not permitted" in sent.stderr
    # Transmission lives there too, and what it tries meanwhile is counted beside the probe.
    assert leak_attempts(host, INNER, namespace) >= before + 1, "the probe did not arrive at the barrier"
    assert capture.packets(TRACE) == []


def test_the_outer_barrier_stops_what_the_inner_one_cannot_see(
    host: Any, lab_house: topology.House, send: Callable[[str], Any]
) -> None:
    before = leak_attempts(host, OUTER)
    with observer.watching(lab_house, "contract: outer") as capture:
        sent = send("frame")
        household_lab.address_seen_from_transmission(host)
    assert sent.rc == 0, sent.stderr
    assert leak_attempts(host, OUTER) >= before + 1, "the probe did not arrive at the barrier"
    assert capture.packets(TRACE) == []
    assert capture.packets(f"udp port {topology.WIREGUARD_PORT}"), "the observer saw nothing at all"
