# SPDX-License-Identifier: GPL-3.0-or-later
"""The barriers in the kernel, with real packets: who may call, who may be answered, and who is not concerned."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from barrier_lab import (
    HOLDER,
    INNER,
    NEEDED,
    OUTER,
    PROVIDER,
    TUNNEL,
    UPLINK,
    WORLD,
    House,
    built,
    run,
)
from mediaserver._core.names import INNER_TABLE

pytestmark = NEEDED


@pytest.fixture
def house() -> Iterator[House]:
    with built() as made:
        yield made


ALONE = pytest.mark.parametrize(("where", "text"), [("pi", OUTER), ("vpn", INNER)], ids=["outer", "inner"])


@ALONE
@pytest.mark.parametrize(("listening", "said"), [(True, "answer"), (False, "refused")], ids=["answer", "refusal"])
def test_what_the_server_says_comes_back(house: House, where: str, text: str, listening: bool, said: str) -> None:
    """A refusal is an ICMP error, as is the news that a packet was too big."""
    house.load(getattr(house, where), text)
    assert house.the_server_says(listening=listening) == said


def test_the_inner_barrier_leaves_loopback_alone(house: House) -> None:
    house.load(house.vpn, INNER)
    assert house.talk(house.vpn, house.vpn, "127.0.0.1") == (True, True)


def test_through_the_tunnel_one_may_call_but_not_be_called(house: House) -> None:
    house.add_tunnel()
    assert house.talk(house.world, house.vpn, TUNNEL) == (True, True), "the control: a call gets in"
    house.load(house.vpn, INNER)
    assert house.talk(house.world, house.vpn, TUNNEL, 7778) == (False, False)
    assert house.talk(house.vpn, house.world, PROVIDER) == (True, True)


@pytest.mark.parametrize("told", [True, False], ids=["reset", "control: a new connection is not"])
def test_a_peer_of_a_connection_that_is_gone_is_reported(house: House, told: bool) -> None:
    """The peer keeps a connection of the former namespace open, and refuses another one until it gets a reset."""
    house.add_tunnel()
    # A kernel that knows the connection's other end, and none in the VPN namespace that does.
    stale = (
        "s = socket.socket(); s.setsockopt(socket.IPPROTO_TCP, 19, 1)\n"  # TCP_REPAIR
        f"s.bind(('{PROVIDER}', 7777)); s.connect(('{TUNNEL}', 6881))\n"
        "s.setsockopt(socket.IPPROTO_TCP, 19, 0); s.settimeout(1)\n"
        "try: s.send(b'are you there?'); s.recv(9)\n"
        "except ConnectionResetError: print('reset')\n"
        "except TimeoutError: print('silence')"
    )
    opened_again = (
        "s = socket.socket(); s.settimeout(1)\n"
        f"try: s.connect(('{TUNNEL}', 6881))\nexcept ConnectionRefusedError: print('reset')\n"
        "except TimeoutError: print('silence')"
    )
    house.load(house.vpn, INNER)
    said = house.python(house.world, stale if told else opened_again).communicate(timeout=10)[0]
    assert said == ("reset\n" if told else "silence\n")


def test_nothing_passes_through_the_vpn_namespace(house: House) -> None:
    house.add_tunnel()
    house.set_kernel(house.vpn, "ipv4/ip_forward", 1)
    run("ip", "-n", house.pi, "route", "add", PROVIDER, "via", HOLDER)
    assert house.talk(house.pi, house.world, PROVIDER) == (True, True), "the control: it would forward"
    house.load(house.vpn, INNER)
    assert house.talk(house.pi, house.world, PROVIDER, 7778) == (False, False)
    assert house.counted(house.vpn, INNER_TABLE, "leak_attempts_passing") >= 1


def test_the_outer_barrier_concerns_no_other_traffic(house: House) -> None:
    """The Pi stays reachable, and what it forwards for others still passes."""
    for line in f"""
        link add guest0 netns {house.vpn} type veth peer name other0 netns {house.pi}
        -n {house.vpn} address add 10.77.0.2/24 dev guest0
        -n {house.pi} address add 10.77.0.1/24 dev other0
        -n {house.vpn} link set guest0 up
        -n {house.pi} link set other0 up
        -n {house.vpn} route replace default via 10.77.0.1
        -n {house.world} route add 10.77.0.0/24 via {UPLINK}
    """.strip().splitlines():
        run("ip", *line.split())
    house.load(house.pi, OUTER)
    assert house.talk(house.world, house.pi, UPLINK, 22) == (True, True)
    assert house.talk(house.vpn, house.world, WORLD) == (True, True)
