# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of the lab: from the range for tests, unique, and each in its network."""

from __future__ import annotations

from collections import Counter
from ipaddress import ip_address, ip_network

import pytest
import topology
from topology import HOUSEHOLDS, PROVIDERS, LabHousehold

ON_INTERNET = [
    topology.INTERNET_GATEWAY,
    topology.INTERNET_HOST,
    topology.RESOLVER,
    topology.REGISTRY,
    *(provider.address for provider in PROVIDERS),
    *(household.public_address for household in HOUSEHOLDS),
]
EVERY_HOUSEHOLD = pytest.mark.parametrize("household", HOUSEHOLDS, ids=lambda household: household.name)


def test_networks_are_in_range_for_tests() -> None:
    networks = [ip_network(topology.INTERNET), *(ip_network(household.lan) for household in HOUSEHOLDS)]
    assert all(network.subnet_of(ip_network("198.18.0.0/15")) for network in networks)
    assert ip_network(topology.LAB) == ip_network("198.18.0.0/15")
    assert not any(one.overlaps(other) for number, one in enumerate(networks) for other in networks[number + 1 :])


def test_addresses_on_internet_are_unique() -> None:
    assert [address for address, times in Counter(ON_INTERNET).items() if times > 1] == []
    assert all(ip_address(address) in ip_network(topology.INTERNET) for address in ON_INTERNET)


@EVERY_HOUSEHOLD
def test_addresses_of_household_are_unique_and_on_its_lan(household: LabHousehold) -> None:
    addresses = [household.router, household.pi, household.laptop, household.machine]
    assert len(set(addresses)) == len(addresses)
    assert all(ip_address(address) in ip_network(household.lan) for address in addresses)


def test_each_household_has_tunnel_address() -> None:
    addresses = [topology.TUNNEL_RESOLVER, *(household.tunnel_address for household in HOUSEHOLDS)]
    assert len(set(addresses)) == len(addresses)
    assert all(ip_address(address) in ip_network(topology.TUNNEL) for address in addresses)
    addresses = [topology.SERVER_IPV6, *(household.tunnel_address_ipv6 for household in HOUSEHOLDS)]
    assert len(set(addresses)) == len(addresses)
    assert all(ip_address(address) in ip_network(topology.TUNNEL_IPV6) for address in addresses)


def test_first_household_has_documented_addresses() -> None:
    household = LabHousehold(1)
    assert (household.pi, household.router, household.laptop) == ("198.18.16.10", "198.18.16.1", "198.18.16.20")
    assert [provider.address for provider in PROVIDERS] == ["198.18.0.20", "198.18.0.21"]
    assert [one.tunnel_address for one in HOUSEHOLDS] == ["10.66.0.11", "10.66.0.12"]
