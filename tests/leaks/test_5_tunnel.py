# SPDX-License-Identifier: GPL-3.0-or-later
"""IPv6 in the tunnel, which must not leave elsewhere, and the forwarded port, also after a failover."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import ipv6
import pytest
import shared_hosts
import topology
from engine import docker
from lab_control import LabControl
from outages import unreachable_endpoints
from report import Row
from test_1_leaks import PROBES
from waiting import wait_for
from watch import watching

pytestmark = pytest.mark.full
SETTLED_S = 5
FIXED_PORT = 45678
PATIENCE_S = 90


@pytest.fixture
def ipv6_in_tunnel(lab: LabControl) -> Iterator[None]:
    lab.converge("--extra-vars", json.dumps({"mediaserver_ipv6": True}))
    lab.wait_until_healthy()
    yield
    lab.converge()
    lab.wait_until_healthy()


def reaches(lab: LabControl, address: str) -> bool:
    """Return whether the holder, which also runs without a tunnel, can ping an IPv6 address."""
    output = lab.pi(f"docker exec mediaserver-vpn-1 ping -6 -c 1 -W 2 {address} 2>&1; echo status $?")
    assert "PING" in output or "connect:" in output, output  # printed by ping, not by docker
    return output.endswith("status 0\n")


@pytest.mark.usefixtures("ipv6_in_tunnel")
def test_ipv6_leaves_only_through_tunnel(lab: LabControl, rows: list[Row]) -> None:
    assert reaches(lab, topology.SERVER_IPV6), "no IPv6 in the tunnel"
    session = lab.rpc("session-get", {"fields": ["version"]})
    assert session["version"]
    with ipv6.enabled(lab), watching(lab, "IPv6 in the tunnel") as watch:
        # vpn-monitor would restart the tunnel at once.
        lab.pi("systemctl stop vpn-monitor && docker kill mediaserver-wireguard-1")
        try:
            assert not reaches(lab, topology.SERVER_IPV6), "IPv6 without a tunnel"
        finally:
            lab.pi("systemctl start vpn-monitor")
        lab.wait_until_healthy()
        time.sleep(SETTLED_S)
    found = [(name, watch.seen[name]) for name in PROBES] + [("any", len(watch.others))]
    rows += [Row("tunnel killed, IPv6 in it", "both", name, times) for name, times in found]
    watch.assert_no_leaks()
    assert reaches(lab, topology.SERVER_IPV6), "no IPv6 in the restarted tunnel"


def forwarded(lab: LabControl) -> tuple[str, int]:
    state = lab.monitor_state()
    return str(state["endpoint"]), int(state["forwarded_port"] or 0)


def has_a_port_of(lab: LabControl, provider: topology.Provider) -> bool:
    address, port = forwarded(lab)
    return address == provider.address and port >= provider.first_port


@pytest.fixture
def fixed_port(lab: LabControl) -> Iterator[topology.Provider]:
    """A server that forwards FIXED_PORT permanently, and a household that is configured for it."""
    lab.wait_until_healthy()
    provider = next(one for one in topology.PROVIDERS if one.address == forwarded(lab)[0])
    chain = f"type nat hook prerouting priority dstnat;\ntcp dport {FIXED_PORT} dnat to {lab.household.tunnel_address}"
    rules = f"table ip fixed_port {{\nchain inwards {{\n{chain}\n}}\n}}\n"
    docker("exec", "--interactive", provider.name, "nft", "-f", "-", stdin=rules)
    lab.converge("--extra-vars", json.dumps({"gateway_natpmp": False, "gateway_peer_port_forwarded": FIXED_PORT}))
    yield provider
    docker("exec", provider.name, "nft", "delete", "table", "ip", "fixed_port")
    lab.converge()
    lab.wait_until_healthy()


def test_fixed_forwarded_port_reaches_transmission(lab: LabControl, fixed_port: topology.Provider) -> None:
    lab.wait_until_healthy()
    assert lab.rpc("session-get", {"fields": ["peer-port"]})["peer-port"] == FIXED_PORT
    assert shared_hosts.connects_from_internet(fixed_port.address, FIXED_PORT)
    inner = lab.inside("nft list set inet mediaserver_inner forwarded_ports")
    assert f"elements = {{ {FIXED_PORT} }}" in inner, "the port of the former NAT-PMP lease is still open"
    lab.converge("--extra-vars", json.dumps({"gateway_natpmp": False, "gateway_peer_port_forwarded": 0}))
    lab.wait_until_healthy()
    # The control: the provider still forwards the port, and the barriers drop its packets.
    assert not shared_hosts.connects_from_internet(fixed_port.address, FIXED_PORT)


def test_requests_forwarded_port_again_after_failover(lab: LabControl) -> None:
    lab.wait_until_healthy()
    before, _port = forwarded(lab)
    other = next(provider for provider in topology.PROVIDERS if provider.address != before)
    with unreachable_endpoints(lab, before):
        wait_for(lambda: has_a_port_of(lab, other), f"a port of {other.name}", PATIENCE_S)
        port = forwarded(lab)[1]
        assert lab.rpc("session-get", {"fields": ["peer-port"]})["peer-port"] == port
        assert shared_hosts.connects_from_internet(other.address, port)
        # The control: a port that was not requested is closed.
        assert not shared_hosts.connects_from_internet(other.address, port + 1)
    lab.wait_until_healthy()
