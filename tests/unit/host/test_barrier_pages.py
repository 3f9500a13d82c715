# SPDX-License-Identifier: GPL-3.0-or-later
"""The published ports in the kernel, with real packets: open for the LAN, the Pi and its containers alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from barrier_lab import (
    CONTAINER,
    NEEDED,
    OUTER,
    OUTSIDER,
    PUBLISHED,
    TAILNET,
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
        made.add_outsider()
        made.add_address(TAILNET)
        run("ip", "-n", made.pi, "link", "set", "lo", "up")
        yield made


def dropped_outside_lan(house: House) -> int:
    return house.counted(house.pi, OUTER_TABLE, "strangers")


def test_published_pages_are_for_the_lan_and_the_pi_also_where_docker_only_passes_them_on(house: House) -> None:
    assert house.page_answers(house.world, OUTSIDER), "the control: without a barrier it is answered"
    house.load(house.pi, OUTER)
    assert not house.page_answers(house.world, OUTSIDER)
    assert dropped_outside_lan(house) >= 1
    assert house.page_answers(house.world, WORLD), "the LAN cannot open the page"
    assert house.page_answers(house.world, TAILNET), "a network that the list names cannot open the page"
    assert house.page_answers(house.pi, UPLINK), "the Pi cannot open its own page"
    assert house.page_answers(house.world, OUTSIDER, port=2222), "what is not published is none of our business"


BRIDGES = pytest.mark.parametrize("bridge", [JELLYFIN_BRIDGE, "br-0123456789ab"], ids=["own", "of another name"])


@BRIDGES
def test_a_published_port_that_docker_translates_is_for_the_lan_alone(house: House, bridge: str) -> None:
    with house.service(bridge, PUBLISHED) as container:
        assert house.serves(container, house.world, OUTSIDER), "the control: without a barrier it is answered"
        house.load(house.pi, OUTER)
        assert not house.serves(container, house.world, OUTSIDER)
        assert dropped_outside_lan(house) >= 1
        assert house.serves(container, house.world, WORLD), "the LAN cannot open it"
        assert house.serves(container, house.world, TAILNET), "a network that the list names cannot open it"


def test_jellyfin_addressed_directly_is_for_the_lan_alone(house: House) -> None:
    """A neighbour can send packets for the container's own address to the Pi."""
    run("ip", "-n", house.world, "route", "add", f"{CONTAINER}/32", "via", UPLINK)
    with house.service(JELLYFIN_BRIDGE, PUBLISHED) as container:
        there = {"address": CONTAINER, "port": 8096}
        assert house.serves(container, house.world, OUTSIDER, **there), "the control: without a barrier it is reached"
        house.load(house.pi, OUTER)
        assert not house.serves(container, house.world, OUTSIDER, **there)
        assert dropped_outside_lan(house) >= 1
        assert house.serves(container, house.world, WORLD, **there)


def test_a_connection_from_outside_the_lan_ends_when_the_barrier_is_loaded(house: House) -> None:
    run("ip", "-n", house.world, "route", "add", f"{CONTAINER}/32", "via", UPLINK, "src", OUTSIDER)
    with house.service(JELLYFIN_BRIDGE, PUBLISHED) as container:
        house.load(house.pi, "table inet tracking {\nchain look {\ntype filter hook prerouting priority -300;\n"
                             "ct state new accept\n}\n}\n")  # fmt: skip
        heard = house.talk(house.world, container, CONTAINER, meanwhile=lambda: house.load(house.pi, OUTER))
    assert heard[1] is False, "the container still receives data from outside the LAN"


def test_jellyfin_reaches_the_internet(house: House) -> None:
    with house.service(JELLYFIN_BRIDGE, PUBLISHED) as container:
        run("ip", "-n", house.world, "route", "add", f"{CONTAINER}/32", "via", UPLINK)
        house.load(house.pi, OUTER)
        assert house.talk(container, house.world, OUTSIDER) == (True, True)


def test_a_published_port_of_another_project_is_not_concerned(house: House) -> None:
    with house.service("br-0123456789ab", 2222) as container:
        house.load(house.pi, OUTER)
        assert house.serves(container, house.world, OUTSIDER, port=2222)


def test_containers_of_this_host_open_the_pages_and_nothing_that_only_bears_their_address(house: House) -> None:
    false = "172.30.9.9"
    house.add_address(false)
    assert house.page_answers(house.world, false), "the control: without a barrier it is answered"
    house.load(house.pi, OUTER)
    with house.service("br-other", 2222) as container:
        assert house.page_answers(container, CONTAINER), "a container of this host cannot open the page"
    assert not house.page_answers(house.world, false)
    with house.service("br-other", 2222, "10.9.9.2") as container:
        assert not house.page_answers(container, "10.9.9.2"), "a bridge alone gives no access"


@pytest.mark.parametrize("stands", [True, False], ids=["held", "control: no barrier"])
def test_no_page_opens_over_ipv6(house: House, stands: bool) -> None:
    """The list holds IPv4 networks, so IPv6 is closed, link-local addresses included."""
    for name, interface in ((house.pi, "uplink0"), (house.world, "world0")):
        house.set_kernel(name, f"ipv6/conf/{interface}/accept_dad", 0)
        house.set_kernel(name, f"ipv6/conf/{interface}/disable_ipv6", 0)
    for name, interface, address in ((house.pi, "uplink0", "fe80::1:1"), (house.world, "world0", "fe80::1:2")):
        run("ip", "-n", name, "address", "add", f"{address}/64", "dev", interface, "nodad")
    if stands:
        house.load(house.pi, OUTER)
    answered = {
        port: house.talk(house.world, house.pi, "fe80::1:1", port, scope=("world0", "uplink0"))
        for port in (PUBLISHED, 2222)
    }
    assert answered == {PUBLISHED: (not stands, not stands), 2222: (True, True)}
