# SPDX-License-Identifier: GPL-3.0-or-later
"""The barriers in the kernel, with real packets: what they hold back. Each has its control."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from barrier_lab import (
    BRIDGE,
    ENDPOINT_PORT,
    HOLDER,
    INNER,
    NEEDED,
    OUTER,
    OUTSIDER,
    PEER_PORT,
    PROVIDER,
    TUNNEL,
    UI_PORT,
    WORLD,
    House,
    built,
    run,
)
from mediaserver._core.names import INNER_TABLE, OUTER_TABLE
from mediaserver.firewall import barrier

pytestmark = NEEDED


@pytest.fixture
def house() -> Iterator[House]:
    with built() as made:
        yield made


@pytest.mark.parametrize(
    ("text", "table"),
    [(OUTER, OUTER_TABLE), (INNER, INNER_TABLE)],
    ids=["outer", "inner"],
)
def test_loads_again_and_again_and_keeps_its_fingerprint(house: House, text: str, table: str) -> None:
    house.load(house.pi, "table ip docker {\nchain keep {\n}\n}\n")
    house.load(house.pi, text)
    first = barrier.fingerprint(house.listing(house.pi, table))
    house.load(house.pi, text)
    assert barrier.fingerprint(house.listing(house.pi, table)) == first
    assert "docker" in run("ip", "netns", "exec", house.pi, "nft", "list", "tables").stdout
    house.load(house.pi, f"add element inet {table} ui_ports {{ 1 }}\n")
    assert barrier.fingerprint(house.listing(house.pi, table)) != first


def test_without_barriers_everything_gets_out(house: House) -> None:
    """The control: the probes of the other tests do arrive when nothing holds them."""
    assert house.arrives()
    assert house.arrives(kind="STREAM", port=443)
    assert house.arrives(mark=51820, port=ENDPOINT_PORT)
    assert house.ui_answers(house.world)
    assert house.ui_answers(house.pi)


@pytest.mark.parametrize(("where", "text"), [("pi", OUTER), ("vpn", INNER)], ids=["outer alone", "inner alone"])
def test_one_barrier_alone_holds(house: House, where: str, text: str) -> None:
    place = getattr(house, where)
    table = OUTER_TABLE if text is OUTER else INNER_TABLE
    house.load(place, text)
    assert house.arrives(mark=51820, port=ENDPOINT_PORT), "the tunnel cannot reach its server"
    assert house.counted(place, table, "leak_attempts_out") == 0
    assert not house.arrives()
    assert not house.arrives(mark=51820)
    assert not house.arrives(kind="STREAM", port=443)
    assert not house.arrives(kind="STREAM", port=ENDPOINT_PORT)
    assert house.counted(place, table, "leak_attempts_out") >= 4
    assert house.ui_answers(house.world), "the LAN cannot open the web interface"
    assert house.ui_answers(house.pi), "the Pi cannot open the UI"
    assert not house.ui_answers(house.world, port=22)
    assert house.counted(place, table, "leak_attempts_in") >= 1


def test_the_inner_barrier_lets_only_the_marked_reach_the_endpoint(house: House) -> None:
    house.load(house.vpn, INNER)
    assert not house.arrives(port=ENDPOINT_PORT)


def test_the_outer_barrier_keeps_the_vpn_off_the_pi_itself(house: House) -> None:
    assert house.talk(house.vpn, house.pi, BRIDGE) == (True, True), "the control: without the barrier it is reached"
    house.load(house.pi, OUTER)
    assert house.talk(house.vpn, house.pi, BRIDGE) == (False, False)
    assert house.counted(house.pi, OUTER_TABLE, "leak_attempts_host") >= 1


@pytest.mark.parametrize("barrier_stands", [True, False], ids=["held", "control: without the barrier it gets out"])
def test_a_peer_s_connection_never_moves_to_the_uplink(house: House, barrier_stands: bool) -> None:
    """A peer came in by the tunnel, the tunnel goes, a route leads to the uplink: no reply in clear."""
    house.add_tunnel()
    spy = f"type filter hook prerouting priority -300;\nip saddr {TUNNEL} counter name clear"
    house.load(house.pi, f"table inet spy {{\ncounter clear {{\n}}\nchain look {{\n{spy}\n}}\n}}\n")
    if barrier_stands:
        house.load(house.vpn, INNER)
    server = house.python(
        house.vpn,
        f"import time; s = socket.socket(); s.bind(('{TUNNEL}', {PEER_PORT})); s.listen(); s.settimeout(3)\n"
        "print('ready', flush=True); c, _ = s.accept(); print('met', flush=True)\n"
        "time.sleep(1); c.send(b'hello'); time.sleep(1)",
    )
    assert server.stdout is not None
    assert server.stdout.readline() == "ready\n"
    client = house.python(
        house.world,
        f"import time; s = socket.create_connection(('{TUNNEL}', {PEER_PORT}), 2); time.sleep(2.5)",
    )
    assert server.stdout.readline() == "met\n", "the forwarded port does not let peers in"
    run("ip", "-n", house.vpn, "address", "add", f"{TUNNEL}/32", "dev", "lo")
    run("ip", "-n", house.vpn, "link", "delete", "wg0")
    server.wait(timeout=10)
    client.wait(timeout=10)
    assert (house.counted(house.pi, "spy", "clear") == 0) == barrier_stands


def test_an_inner_barrier_without_its_rules_lets_nothing_through(house: House) -> None:
    """Each chain's policy holds when the rules are gone; the other chains are opened to see that one alone."""
    house.add_tunnel()
    house.set_kernel(house.vpn, "ipv4/ip_forward", 1)
    run("ip", "-n", house.pi, "route", "add", PROVIDER, "via", HOLDER)
    house.load(house.vpn, INNER)
    table = f"inet {INNER_TABLE}"
    house.load(house.vpn, f"flush table {table}\n")
    assert not house.arrives()
    assert house.talk(house.pi, house.world, PROVIDER) == (False, False)
    house.load(house.vpn, f"add rule {table} leaving accept\n")
    assert house.arrives(), "the control: it leaves when that chain accepts"
    assert not house.ui_answers(house.pi)
    house.load(house.vpn, f"add rule {table} arriving accept\n")
    assert house.ui_answers(house.pi), "the control: it arrives when that chain accepts"
    house.load(house.vpn, f"add rule {table} passing accept\n")
    assert house.talk(house.pi, house.world, PROVIDER, 7778) == (True, True), "the control: so it passes"


STANDS = pytest.mark.parametrize("barrier_stands", [True, False], ids=["held", "control: no barrier"])


@STANDS
@pytest.mark.parametrize("other_side", ["world", "pi"])
def test_the_outer_barrier_ends_what_was_open_over_ipv6(house: House, other_side: str, barrier_stands: bool) -> None:
    """A connection that the kernel knew before the barrier came is not let on, in either direction."""
    links = {house.vpn: ["eth0"], house.pi: ["br-vpn", "uplink0"], house.world: ["world0"]}
    for name, interfaces in links.items():
        house.set_kernel(name, "ipv6/conf/all/disable_ipv6", 1)
        for interface in interfaces:
            house.set_kernel(name, f"ipv6/conf/{interface}/accept_dad", 0)  # addresses are usable at once
        house.set_kernel(name, "ipv6/conf/all/disable_ipv6", 0)
    house.set_kernel(house.pi, "ipv6/conf/all/forwarding", 1)
    for line in f"""
        -n {house.vpn} address add fd00:1::2/64 dev eth0 nodad
        -n {house.pi} address add fd00:1::1/64 dev br-vpn nodad
        -n {house.pi} address add fd00:2::1/64 dev uplink0 nodad
        -n {house.world} address add fd00:2::2/64 dev world0 nodad
        -n {house.vpn} route add default via fd00:1::1
        -n {house.world} route add fd00:1::/64 via fd00:2::1
    """.strip().splitlines():
        run("ip", *line.split())
    tracked = "type filter hook prerouting priority -300;\nct state new accept"
    house.load(house.pi, f"table inet tracking {{\nchain look {{\n{tracked}\n}}\n}}\n")

    met = []

    def meanwhile() -> None:
        met.append(True)
        if barrier_stands:
            house.load(house.pi, OUTER)

    heard = house.talk(getattr(house, other_side), house.vpn, "fd00:1::2", meanwhile=meanwhile)
    assert met, "there was no connection that could have ended"
    # What the Pi itself sends does not concern the barrier: the VPN namespace receives it, and cannot answer.
    assert heard == ((False, other_side == "pi") if barrier_stands else (True, True))


@pytest.mark.parametrize("client", ["world", "pi"], ids=["to the LAN", "to the Pi"])
def test_an_answer_that_comes_late_is_dropped_and_not_counted(house: House, client: str) -> None:
    """Docker forgets a restarted container's connections, while the other end still has a client on it."""
    counter = {"world": "leak_attempts_out", "pi": "leak_attempts_host"}[client]
    house.load(house.pi, OUTER)
    assert not house.answer_late(getattr(house, client), HOLDER, UI_PORT, server=house.vpn), "it was not forgotten"
    assert house.counted(house.pi, OUTER_TABLE, counter) == 0


@pytest.mark.parametrize(
    ("source", "port"), [(OUTSIDER, UI_PORT), (WORLD, 7777)], ids=["not to the LAN", "not from a web interface"]
)
def test_any_other_late_segment_is_counted(house: House, source: str, port: int) -> None:
    house.add_outsider()
    lets_in = OUTER.replace("chain to_vpn {", "chain to_vpn {\n        tcp flags syn accept")
    house.load(house.pi, lets_in)
    assert not house.answer_late(house.world, HOLDER, port, server=house.vpn, source=source)
    assert house.counted(house.pi, OUTER_TABLE, "leak_attempts_out") >= 1


@pytest.mark.parametrize("target", [WORLD, BRIDGE], ids=["the LAN", "the Pi"])
def test_a_connection_that_a_web_interface_opens_is_counted(house: House, target: str) -> None:
    counter = {WORLD: "leak_attempts_out", BRIDGE: "leak_attempts_host"}[target]
    house.load(house.pi, OUTER)
    house.python(
        house.vpn, f"s = socket.socket(); s.settimeout(1); s.bind(('', {UI_PORT})); s.connect(('{target}', 443))"
    ).wait(timeout=10)
    assert house.counted(house.pi, OUTER_TABLE, counter) >= 1


def test_the_tunnel_s_own_packets_never_enter_the_tunnel(house: House) -> None:
    """WireGuard's packets bear its mark. Where the endpoint has no route of its own, they would follow the default."""
    house.add_tunnel()
    run("ip", "-n", house.vpn, "route", "replace", WORLD, "dev", "wg0")
    assert house.arrives(mark=51820, port=ENDPOINT_PORT, source=TUNNEL), "the control: that is the way they would go"
    house.load(house.vpn, INNER)
    assert not house.arrives(mark=51820, port=ENDPOINT_PORT, source=TUNNEL)
    assert house.arrives(port=ENDPOINT_PORT, source=TUNNEL), "what programs send does enter it"
