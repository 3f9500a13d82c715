# SPDX-License-Identifier: GPL-3.0-or-later
"""What a tunnel may carry besides: IPv6, which has no other way out, and a forwarded port, which a failover changes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import ipv6
import pytest
import topology
import world
from engine import docker
from outages import dead_endpoints
from report import Row
from stage import Stage
from test_1_leaks import PROBES
from waiting import wait_for
from watch import watching

pytestmark = pytest.mark.full
SETTLED_S = 5
HANDED_OUT = 45678
PATIENCE_S = 90


@pytest.fixture
def carried(stage: Stage) -> Iterator[None]:
    """IPv6 in the tunnel."""
    stage.converge("--extra-vars", json.dumps({"mediaserver_ipv6": True}))
    stage.wait_until_well()
    yield
    stage.converge()
    stage.wait_until_well()


def reaches(stage: Stage, address: str) -> bool:
    """From the holder, which is there whether there is a tunnel or not."""
    told = stage.pi(f"docker exec mediaserver-vpn-1 ping -6 -c 1 -W 2 {address} 2>&1; echo status $?")
    assert "PING" in told or "connect:" in told, told  # ping's own words, not Docker's
    return told.endswith("status 0\n")


@pytest.mark.usefixtures("carried")
def test_ipv6_goes_through_the_tunnel_and_nowhere_else(stage: Stage, rows: list[Row]) -> None:
    assert reaches(stage, topology.SERVER_IPV6), "no IPv6 in the tunnel"
    session = stage.rpc("session-get", {"fields": ["version"]})
    assert session["version"]
    with ipv6.let_in(stage), watching(stage, "IPv6 in the tunnel") as watch:
        # The monitor would have the tunnel back at once.
        stage.pi("systemctl stop vpn-monitor && docker kill mediaserver-wireguard-1")
        try:
            assert not reaches(stage, topology.SERVER_IPV6), "IPv6 without a tunnel"
        finally:
            stage.pi("systemctl start vpn-monitor")
        stage.wait_until_well()
        time.sleep(SETTLED_S)
    found = [(name, watch.seen[name]) for name in PROBES] + [("any", len(watch.others))]
    rows += [Row("tunnel killed, IPv6 in it", "both", name, times) for name, times in found]
    watch.assert_shut()
    assert reaches(stage, topology.SERVER_IPV6), "no IPv6 in the tunnel that came back"


def forwarded(stage: Stage) -> tuple[str, int]:
    state = stage.told()
    return str(state["endpoint"]), int(state["forwarded_port"] or 0)


def has_a_port_of(stage: Stage, provider: topology.Provider) -> bool:
    address, port = forwarded(stage)
    return address == provider.address and port >= provider.first_port


@pytest.fixture
def handed_out(stage: Stage) -> Iterator[topology.Provider]:
    """The provider's own page gave the household a port for good, and both sides are set up for it."""
    stage.wait_until_well()
    provider = next(one for one in topology.PROVIDERS if one.address == forwarded(stage)[0])
    leads = f"type nat hook prerouting priority dstnat;\ntcp dport {HANDED_OUT} dnat to {stage.house.in_tunnel}"
    rules = f"table ip handed_out {{\nchain inwards {{\n{leads}\n}}\n}}\n"
    docker("exec", "--interactive", provider.name, "nft", "-f", "-", stdin=rules)
    stage.converge("--extra-vars", json.dumps({"gateway_natpmp": False, "gateway_peer_port_forwarded": HANDED_OUT}))
    yield provider
    docker("exec", provider.name, "nft", "delete", "table", "ip", "handed_out")
    stage.converge()
    stage.wait_until_well()


def test_a_port_that_the_provider_gave_for_good_leads_to_transmission(
    stage: Stage, handed_out: topology.Provider
) -> None:
    stage.wait_until_well()
    assert stage.rpc("session-get", {"fields": ["peer-port"]})["peer-port"] == HANDED_OUT
    assert world.connects(handed_out.address, HANDED_OUT)
    inner = stage.inside("nft list set inet mediaserver_inner forwarded_ports")
    assert f"elements = {{ {HANDED_OUT} }}" in inner, "the port that was asked for before is still open"
    stage.converge("--extra-vars", json.dumps({"gateway_natpmp": False, "gateway_peer_port_forwarded": 0}))
    stage.wait_until_well()
    # The control: the provider sends it on as before, and nobody is let in.
    assert not world.connects(handed_out.address, HANDED_OUT)


def test_a_forwarded_port_is_asked_for_anew_after_a_failover(stage: Stage) -> None:
    stage.wait_until_well()
    before, _port = forwarded(stage)
    other = next(provider for provider in topology.PROVIDERS if provider.address != before)
    with dead_endpoints(stage, before):
        wait_for(lambda: has_a_port_of(stage, other), f"a port of {other.name}", PATIENCE_S)
        port = forwarded(stage)[1]
        assert stage.rpc("session-get", {"fields": ["peer-port"]})["peer-port"] == port
        assert world.connects(other.address, port)
        # The control: nobody else's port there leads anywhere.
        assert not world.connects(other.address, port + 1)
    stage.wait_until_well()
