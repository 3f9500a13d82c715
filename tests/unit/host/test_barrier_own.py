# SPDX-License-Identifier: GPL-3.0-or-later
"""The barriers in the kernel, with real packets: what a household's own services reach, and who reaches them.

Between two bridges, Docker's proxy on the Pi accepts a connection and opens another one. Here a server on the Pi stands
for the first of them, and a client on the Pi for the second.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from barrier_lab import (
    BRIDGE,
    HOLDER,
    INNER,
    NEEDED,
    OUTER,
    OUTSIDER,
    OWN_ADDRESS,
    OWN_BRIDGE,
    PORT_INSIDE,
    PORT_OUTSIDE,
    PUBLISHED,
    UI_PORT,
    UPLINK,
    WORLD,
    House,
    built,
    run,
)
from mediaserver._core.names import JELLYFIN_BRIDGE, OUTER_TABLE

pytestmark = NEEDED


@pytest.fixture
def house() -> Iterator[House]:
    with built() as made:
        yield made


@pytest.fixture
def own(house: House) -> Iterator[str]:
    with house.service(OWN_BRIDGE, PUBLISHED, OWN_ADDRESS) as container:
        yield container


def test_the_outer_barrier_lets_an_own_service_open_what_it_reaches_alone(house: House, own: str) -> None:
    assert house.opens(own, house.pi, BRIDGE, PORT_OUTSIDE), "the control: without a barrier it is reached"
    assert house.opens(own, house.vpn, HOLDER, UI_PORT), "the control: without a barrier it is reached"
    house.load(house.pi, OUTER)
    assert house.opens(own, house.pi, BRIDGE, PORT_INSIDE)
    assert not house.opens(own, house.pi, BRIDGE, PORT_OUTSIDE), "it opens what only another service reaches"
    assert not house.opens(own, house.pi, UPLINK, PUBLISHED), "it opens a published port that it does not reach"
    assert not house.opens(own, house.vpn, HOLDER, UI_PORT), "it opens a web interface by the holder's own address"
    assert house.counted(house.pi, OUTER_TABLE, "strangers") >= 3


def test_the_outer_barrier_lets_the_vpn_namespace_open_what_it_reaches_alone(house: House) -> None:
    house.load(house.pi, OUTER)
    assert house.opens(house.vpn, house.pi, BRIDGE, PORT_OUTSIDE)
    assert not house.opens(house.vpn, house.pi, BRIDGE, PORT_INSIDE)
    assert not house.opens(house.vpn, house.pi, UPLINK, PORT_OUTSIDE), "the port is open at another address, too"


def test_the_inner_barrier_lets_the_vpn_namespace_open_what_it_reaches_alone(house: House) -> None:
    assert house.opens(house.vpn, house.pi, UPLINK, PORT_OUTSIDE), "the control: without a barrier it is reached"
    house.load(house.vpn, INNER)
    assert house.opens(house.vpn, house.pi, BRIDGE, PORT_OUTSIDE)
    assert not house.opens(house.vpn, house.pi, BRIDGE, PORT_INSIDE)
    assert not house.opens(house.vpn, house.pi, UPLINK, PORT_OUTSIDE), "the port is open at another address, too"


def test_the_inner_barrier_opens_a_reached_port_for_the_host_alone(house: House, own: str) -> None:
    assert house.opens(own, house.vpn, HOLDER, UI_PORT), "the control: without a barrier it is reached"
    house.load(house.vpn, INNER)
    assert house.opens(house.pi, house.vpn, HOLDER, PORT_INSIDE)
    assert not house.opens(house.world, house.vpn, HOLDER, PORT_INSIDE), "the LAN opens a port that is not published"
    assert not house.opens(own, house.vpn, HOLDER, UI_PORT), "a container opens a web interface by its own address"


def test_a_way_is_open_for_its_own_service_alone(house: House) -> None:
    with house.service(JELLYFIN_BRIDGE, 2222) as jellyfin:
        house.load(house.pi, OUTER)
        assert not house.opens(jellyfin, house.pi, BRIDGE, PORT_INSIDE)
        assert house.opens(jellyfin, house.pi, UPLINK, PORT_INSIDE), "the port of another address is concerned"


def test_an_own_service_is_reached_by_its_published_port_alone_and_by_the_lan_alone(house: House, own: str) -> None:
    house.add_outsider()
    there = {"address": OWN_ADDRESS, "port": 8096}
    run("ip", "-n", house.world, "route", "add", f"{OWN_ADDRESS}/32", "via", UPLINK)
    assert house.serves(own, house.world, WORLD, **there), "the control: without a barrier a neighbour reaches it"
    assert house.serves(own, house.world, OUTSIDER), "the control: without a barrier it is answered"
    house.load(house.pi, OUTER)
    assert not house.serves(own, house.world, WORLD, **there)
    assert not house.serves(own, house.world, OUTSIDER)
    assert house.serves(own, house.world, WORLD), "the LAN cannot open it"


def test_an_own_service_outside_the_vpn_reaches_the_internet(house: House, own: str) -> None:
    run("ip", "-n", house.world, "route", "add", f"{OWN_ADDRESS}/32", "via", UPLINK)
    house.load(house.pi, OUTER)
    assert house.opens(own, house.world, WORLD, 443)


def test_a_late_answer_from_a_reached_port_is_dropped_and_not_counted(house: House) -> None:
    house.load(house.pi, OUTER)
    assert not house.answer_late(house.pi, HOLDER, PORT_INSIDE, server=house.vpn), "it was not forgotten"
    assert house.counted(house.pi, OUTER_TABLE, "leak_attempts_host") == 0
