# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses: all from the range that is set aside for tests, each given once, each in its own network."""

from __future__ import annotations

from collections import Counter
from ipaddress import ip_address, ip_network

import pytest
import topology
from topology import HOUSES, PROVIDERS, House

ON_INTERNET = [
    topology.INTERNET_GATEWAY,
    topology.INTERNET_HOST,
    topology.RESOLVER,
    topology.REGISTRY,
    *(provider.address for provider in PROVIDERS),
    *(house.exit for house in HOUSES),
]
EVERY_HOUSE = pytest.mark.parametrize("house", HOUSES, ids=lambda house: house.name)


def test_every_network_is_set_aside_for_tests() -> None:
    networks = [ip_network(topology.INTERNET), *(ip_network(house.lan) for house in HOUSES)]
    assert all(network.subnet_of(ip_network("198.18.0.0/15")) for network in networks)
    assert ip_network(topology.LAB) == ip_network("198.18.0.0/15")
    assert not any(one.overlaps(other) for number, one in enumerate(networks) for other in networks[number + 1 :])


def test_each_address_of_the_internet_is_given_once() -> None:
    assert [address for address, times in Counter(ON_INTERNET).items() if times > 1] == []
    assert all(ip_address(address) in ip_network(topology.INTERNET) for address in ON_INTERNET)


@EVERY_HOUSE
def test_each_address_of_a_house_is_given_once_and_is_on_its_lan(house: House) -> None:
    addresses = [house.router, house.pi, house.laptop, house.machine]
    assert len(set(addresses)) == len(addresses)
    assert all(ip_address(address) in ip_network(house.lan) for address in addresses)


def test_the_tunnel_has_an_address_for_each_house() -> None:
    addresses = [topology.TUNNEL_RESOLVER, *(house.in_tunnel for house in HOUSES)]
    assert len(set(addresses)) == len(addresses)
    assert all(ip_address(address) in ip_network(topology.TUNNEL) for address in addresses)
    addresses = [topology.SERVER_IPV6, *(house.in_tunnel_ipv6 for house in HOUSES)]
    assert len(set(addresses)) == len(addresses)
    assert all(ip_address(address) in ip_network(topology.TUNNEL_IPV6) for address in addresses)


def test_the_first_household_has_the_documented_addresses() -> None:
    house = House(1)
    assert (house.pi, house.router, house.laptop) == ("198.18.16.10", "198.18.16.1", "198.18.16.20")
    assert [provider.address for provider in PROVIDERS] == ["198.18.0.20", "198.18.0.21"]
    assert [one.in_tunnel for one in HOUSES] == ["10.66.0.11", "10.66.0.12"]
