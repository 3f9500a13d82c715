# SPDX-License-Identifier: GPL-3.0-or-later
"""The published ports in the kernel, with real packets: open for the LAN, the Pi and its containers alone."""

from __future__ import annotations

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
    NetworkLab,
    run,
)
from mediaserver._core.names import JELLYFIN_BRIDGE, OUTER_TABLE

pytestmark = NEEDED


@pytest.fixture
def lab(lab: NetworkLab) -> NetworkLab:
    lab.add_outsider()
    lab.add_address(TAILNET)
    run("ip", "-n", lab.pi, "link", "set", "lo", "up")
    return lab


def dropped_outside_lan(lab: NetworkLab) -> int:
    return lab.counted(lab.pi, OUTER_TABLE, "strangers")


def test_web_interfaces_are_for_the_lan_and_the_pi_also_where_docker_only_passes_them_on(lab: NetworkLab) -> None:
    assert lab.web_interface_answers(lab.internet, OUTSIDER), "the control: without a barrier it is answered"
    lab.load(lab.pi, OUTER)
    assert not lab.web_interface_answers(lab.internet, OUTSIDER)
    assert dropped_outside_lan(lab) >= 1
    assert lab.web_interface_answers(lab.internet, WORLD), "the LAN cannot open the web interface"
    assert lab.web_interface_answers(lab.internet, TAILNET), (
        "a network that the list names cannot open the web interface"
    )
    assert lab.web_interface_answers(lab.pi, UPLINK), "the Pi cannot open its own web interface"
    assert lab.web_interface_answers(lab.internet, OUTSIDER, port=2222), "what is not published is none of our business"


BRIDGES = pytest.mark.parametrize("bridge", [JELLYFIN_BRIDGE, "br-0123456789ab"], ids=["own", "of another name"])


@BRIDGES
def test_a_published_port_that_docker_translates_is_for_the_lan_alone(lab: NetworkLab, bridge: str) -> None:
    with lab.service(bridge, PUBLISHED) as container:
        assert lab.serves(container, lab.internet, OUTSIDER), "the control: without a barrier it is answered"
        lab.load(lab.pi, OUTER)
        assert not lab.serves(container, lab.internet, OUTSIDER)
        assert dropped_outside_lan(lab) >= 1
        assert lab.serves(container, lab.internet, WORLD), "the LAN cannot open it"
        assert lab.serves(container, lab.internet, TAILNET), "a network that the list names cannot open it"


def test_jellyfin_addressed_directly_is_for_the_lan_alone(lab: NetworkLab) -> None:
    """A neighbour can send packets for the container's own address to the Pi."""
    run("ip", "-n", lab.internet, "route", "add", f"{CONTAINER}/32", "via", UPLINK)
    with lab.service(JELLYFIN_BRIDGE, PUBLISHED) as container:
        there = {"address": CONTAINER, "port": 8096}
        assert lab.serves(container, lab.internet, OUTSIDER, **there), "the control: without a barrier it is reached"
        lab.load(lab.pi, OUTER)
        assert not lab.serves(container, lab.internet, OUTSIDER, **there)
        assert dropped_outside_lan(lab) >= 1
        assert lab.serves(container, lab.internet, WORLD, **there)


def test_a_connection_from_outside_the_lan_ends_when_the_barrier_is_loaded(lab: NetworkLab) -> None:
    run("ip", "-n", lab.internet, "route", "add", f"{CONTAINER}/32", "via", UPLINK, "src", OUTSIDER)
    with lab.service(JELLYFIN_BRIDGE, PUBLISHED) as container:
        lab.load(lab.pi, "table inet tracking {\nchain look {\ntype filter hook prerouting priority -300;\n"
                             "ct state new accept\n}\n}\n")  # fmt: skip
        heard = lab.talk(lab.internet, container, CONTAINER, meanwhile=lambda: lab.load(lab.pi, OUTER))
    assert heard[1] is False, "the container still receives data from outside the LAN"


def test_jellyfin_reaches_the_internet(lab: NetworkLab) -> None:
    with lab.service(JELLYFIN_BRIDGE, PUBLISHED) as container:
        run("ip", "-n", lab.internet, "route", "add", f"{CONTAINER}/32", "via", UPLINK)
        lab.load(lab.pi, OUTER)
        assert lab.talk(container, lab.internet, OUTSIDER) == (True, True)


def test_a_published_port_of_another_project_is_not_concerned(lab: NetworkLab) -> None:
    with lab.service("br-0123456789ab", 2222) as container:
        lab.load(lab.pi, OUTER)
        assert lab.serves(container, lab.internet, OUTSIDER, port=2222)


def test_containers_of_this_host_open_web_interfaces_and_nothing_that_only_bears_their_address(lab: NetworkLab) -> None:
    false = "172.30.9.9"
    lab.add_address(false)
    assert lab.web_interface_answers(lab.internet, false), "the control: without a barrier it is answered"
    lab.load(lab.pi, OUTER)
    with lab.service("br-other", 2222) as container:
        assert lab.web_interface_answers(container, CONTAINER), "a container of this host cannot open the web interface"
    assert not lab.web_interface_answers(lab.internet, false)
    with lab.service("br-other", 2222, "10.9.9.2") as container:
        assert not lab.web_interface_answers(container, "10.9.9.2"), "a bridge alone gives no access"


@pytest.mark.parametrize("stands", [True, False], ids=["held", "control: no barrier"])
def test_no_web_interface_opens_over_ipv6(lab: NetworkLab, stands: bool) -> None:
    """The list holds IPv4 networks, so IPv6 is closed, link-local addresses included."""
    for name, interface in ((lab.pi, "uplink0"), (lab.internet, "world0")):
        lab.set_kernel(name, f"ipv6/conf/{interface}/accept_dad", 0)
        lab.set_kernel(name, f"ipv6/conf/{interface}/disable_ipv6", 0)
    for name, interface, address in ((lab.pi, "uplink0", "fe80::1:1"), (lab.internet, "world0", "fe80::1:2")):
        run("ip", "-n", name, "address", "add", f"{address}/64", "dev", interface, "nodad")
    if stands:
        lab.load(lab.pi, OUTER)
    answered = {
        port: lab.talk(lab.internet, lab.pi, "fe80::1:1", port, scope=("world0", "uplink0"))
        for port in (PUBLISHED, 2222)
    }
    assert answered == {PUBLISHED: (not stands, not stands), 2222: (True, True)}
