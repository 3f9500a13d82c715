# SPDX-License-Identifier: GPL-3.0-or-later
"""The barriers in the kernel, with real packets: who may call, who may be answered, and who is not concerned."""

from __future__ import annotations

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
    NetworkLab,
    run,
)
from mediaserver._core.names import INNER_TABLE

pytestmark = NEEDED


ALONE = pytest.mark.parametrize(("where", "text"), [("pi", OUTER), ("vpn", INNER)], ids=["outer", "inner"])


@ALONE
@pytest.mark.parametrize(("listening", "said"), [(True, "answer"), (False, "refused")], ids=["answer", "refusal"])
def test_what_the_server_says_comes_back(lab: NetworkLab, where: str, text: str, listening: bool, said: str) -> None:
    """A refusal is an ICMP error, as is the news that a packet was too big."""
    lab.load(getattr(lab, where), text)
    assert lab.the_server_says(listening=listening) == said


def test_the_inner_barrier_leaves_loopback_alone(lab: NetworkLab) -> None:
    lab.load(lab.vpn, INNER)
    assert lab.talk(lab.vpn, lab.vpn, "127.0.0.1") == (True, True)


def test_through_the_tunnel_one_may_call_but_not_be_called(lab: NetworkLab) -> None:
    lab.add_tunnel()
    assert lab.talk(lab.internet, lab.vpn, TUNNEL) == (True, True), "the control: a call gets in"
    lab.load(lab.vpn, INNER)
    assert lab.talk(lab.internet, lab.vpn, TUNNEL, 7778) == (False, False)
    assert lab.talk(lab.vpn, lab.internet, PROVIDER) == (True, True)


@pytest.mark.parametrize("told", [True, False], ids=["reset", "control: a new connection is not"])
def test_a_peer_of_a_connection_that_is_gone_is_reported(lab: NetworkLab, told: bool) -> None:
    """The peer keeps a connection of the former namespace open, and refuses another one until it gets a reset."""
    lab.add_tunnel()
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
    lab.load(lab.vpn, INNER)
    said = lab.python(lab.internet, stale if told else opened_again).communicate(timeout=10)[0]
    assert said == ("reset\n" if told else "silence\n")


def test_nothing_passes_through_the_vpn_namespace(lab: NetworkLab) -> None:
    lab.add_tunnel()
    lab.set_kernel(lab.vpn, "ipv4/ip_forward", 1)
    run("ip", "-n", lab.pi, "route", "add", PROVIDER, "via", HOLDER)
    assert lab.talk(lab.pi, lab.internet, PROVIDER) == (True, True), "the control: it would forward"
    lab.load(lab.vpn, INNER)
    assert lab.talk(lab.pi, lab.internet, PROVIDER, 7778) == (False, False)
    assert lab.counted(lab.vpn, INNER_TABLE, "leak_attempts_passing") >= 1


def test_the_outer_barrier_concerns_no_other_traffic(lab: NetworkLab) -> None:
    """The Pi stays reachable, and what it forwards for others still passes."""
    for line in f"""
        link add guest0 netns {lab.vpn} type veth peer name other0 netns {lab.pi}
        -n {lab.vpn} address add 10.77.0.2/24 dev guest0
        -n {lab.pi} address add 10.77.0.1/24 dev other0
        -n {lab.vpn} link set guest0 up
        -n {lab.pi} link set other0 up
        -n {lab.vpn} route replace default via 10.77.0.1
        -n {lab.internet} route add 10.77.0.0/24 via {UPLINK}
    """.strip().splitlines():
        run("ip", *line.split())
    lab.load(lab.pi, OUTER)
    assert lab.talk(lab.internet, lab.pi, UPLINK, 22) == (True, True)
    assert lab.talk(lab.vpn, lab.internet, WORLD) == (True, True)
