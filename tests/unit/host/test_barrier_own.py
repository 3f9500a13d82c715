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
    NetworkLab,
    run,
)
from mediaserver._core.names import JELLYFIN_BRIDGE, OUTER_TABLE

pytestmark = NEEDED


@pytest.fixture
def own(lab: NetworkLab) -> Iterator[str]:
    with lab.service(OWN_BRIDGE, PUBLISHED, OWN_ADDRESS) as container:
        yield container


def test_the_outer_barrier_lets_an_own_service_open_what_it_reaches_alone(lab: NetworkLab, own: str) -> None:
    assert lab.opens(own, lab.pi, BRIDGE, PORT_OUTSIDE), "the control: without a barrier it is reached"
    assert lab.opens(own, lab.vpn, HOLDER, UI_PORT), "the control: without a barrier it is reached"
    lab.load(lab.pi, OUTER)
    assert lab.opens(own, lab.pi, BRIDGE, PORT_INSIDE)
    assert not lab.opens(own, lab.pi, BRIDGE, PORT_OUTSIDE), "it opens what only another service reaches"
    assert not lab.opens(own, lab.pi, UPLINK, PUBLISHED), "it opens a published port that it does not reach"
    assert not lab.opens(own, lab.vpn, HOLDER, UI_PORT), "it opens a web interface by the holder's own address"
    assert lab.counted(lab.pi, OUTER_TABLE, "strangers") >= 3


def test_the_outer_barrier_lets_the_vpn_namespace_open_what_it_reaches_alone(lab: NetworkLab) -> None:
    lab.load(lab.pi, OUTER)
    assert lab.opens(lab.vpn, lab.pi, BRIDGE, PORT_OUTSIDE)
    assert not lab.opens(lab.vpn, lab.pi, BRIDGE, PORT_INSIDE)
    assert not lab.opens(lab.vpn, lab.pi, UPLINK, PORT_OUTSIDE), "the port is open at another address, too"


def test_the_inner_barrier_lets_the_vpn_namespace_open_what_it_reaches_alone(lab: NetworkLab) -> None:
    assert lab.opens(lab.vpn, lab.pi, UPLINK, PORT_OUTSIDE), "the control: without a barrier it is reached"
    lab.load(lab.vpn, INNER)
    assert lab.opens(lab.vpn, lab.pi, BRIDGE, PORT_OUTSIDE)
    assert not lab.opens(lab.vpn, lab.pi, BRIDGE, PORT_INSIDE)
    assert not lab.opens(lab.vpn, lab.pi, UPLINK, PORT_OUTSIDE), "the port is open at another address, too"


def test_the_inner_barrier_opens_a_reached_port_for_the_host_alone(lab: NetworkLab, own: str) -> None:
    assert lab.opens(own, lab.vpn, HOLDER, UI_PORT), "the control: without a barrier it is reached"
    lab.load(lab.vpn, INNER)
    assert lab.opens(lab.pi, lab.vpn, HOLDER, PORT_INSIDE)
    assert not lab.opens(lab.internet, lab.vpn, HOLDER, PORT_INSIDE), "the LAN opens a port that is not published"
    assert not lab.opens(own, lab.vpn, HOLDER, UI_PORT), "a container opens a web interface by its own address"


def test_a_way_is_open_for_its_own_service_alone(lab: NetworkLab) -> None:
    with lab.service(JELLYFIN_BRIDGE, 2222) as jellyfin:
        lab.load(lab.pi, OUTER)
        assert not lab.opens(jellyfin, lab.pi, BRIDGE, PORT_INSIDE)
        assert lab.opens(jellyfin, lab.pi, UPLINK, PORT_INSIDE), "the port of another address is concerned"


def test_an_own_service_is_reached_by_its_published_port_alone_and_by_the_lan_alone(lab: NetworkLab, own: str) -> None:
    lab.add_outsider()
    there = {"address": OWN_ADDRESS, "port": 8096}
    run("ip", "-n", lab.internet, "route", "add", f"{OWN_ADDRESS}/32", "via", UPLINK)
    assert lab.serves(own, lab.internet, WORLD, **there), "the control: without a barrier a neighbour reaches it"
    assert lab.serves(own, lab.internet, OUTSIDER), "the control: without a barrier it is answered"
    lab.load(lab.pi, OUTER)
    assert not lab.serves(own, lab.internet, WORLD, **there)
    assert not lab.serves(own, lab.internet, OUTSIDER)
    assert lab.serves(own, lab.internet, WORLD), "the LAN cannot open it"


def test_an_own_service_outside_the_vpn_reaches_the_internet(lab: NetworkLab, own: str) -> None:
    run("ip", "-n", lab.internet, "route", "add", f"{OWN_ADDRESS}/32", "via", UPLINK)
    lab.load(lab.pi, OUTER)
    assert lab.opens(own, lab.internet, WORLD, 443)


def test_a_late_answer_from_a_reached_port_is_dropped_and_not_counted(lab: NetworkLab) -> None:
    lab.load(lab.pi, OUTER)
    assert not lab.answer_late(lab.pi, HOLDER, PORT_INSIDE, server=lab.vpn), "it was not forgotten"
    assert lab.counted(lab.pi, OUTER_TABLE, "leak_attempts_host") == 0
