# SPDX-License-Identifier: GPL-3.0-or-later
"""The barriers in the kernel, with real packets: what they hold back. Each has its control."""

from __future__ import annotations

import time

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
    NetworkLab,
    go_on,
    next_line,
    run,
)
from mediaserver._core.names import INNER_TABLE, OUTER_TABLE
from mediaserver.firewall import barrier

pytestmark = NEEDED


@pytest.mark.parametrize(
    ("text", "table"),
    [(OUTER, OUTER_TABLE), (INNER, INNER_TABLE)],
    ids=["outer", "inner"],
)
def test_loads_again_and_again_and_keeps_its_fingerprint(lab: NetworkLab, text: str, table: str) -> None:
    lab.load(lab.pi, "table ip docker {\nchain keep {\n}\n}\n")
    lab.load(lab.pi, text)
    first = barrier.fingerprint(lab.listing(lab.pi, table))
    lab.load(lab.pi, text)
    assert barrier.fingerprint(lab.listing(lab.pi, table)) == first
    assert "docker" in run("ip", "netns", "exec", lab.pi, "nft", "list", "tables").stdout
    lab.load(lab.pi, f"add element inet {table} ui_ports {{ 1 }}\n")
    assert barrier.fingerprint(lab.listing(lab.pi, table)) != first


def test_without_barriers_everything_gets_out(lab: NetworkLab) -> None:
    """The control: the probes of the other tests do arrive when nothing holds them."""
    assert lab.arrives()
    assert lab.arrives(kind="STREAM", port=443)
    assert lab.arrives(mark=51820, port=ENDPOINT_PORT)
    assert lab.ui_answers(lab.internet)
    assert lab.ui_answers(lab.pi)


@pytest.mark.parametrize(("where", "text"), [("pi", OUTER), ("vpn", INNER)], ids=["outer alone", "inner alone"])
def test_one_barrier_alone_holds(lab: NetworkLab, where: str, text: str) -> None:
    place = getattr(lab, where)
    table = OUTER_TABLE if text is OUTER else INNER_TABLE
    lab.load(place, text)
    assert lab.arrives(mark=51820, port=ENDPOINT_PORT), "the tunnel cannot reach its server"
    assert lab.counted(place, table, "leak_attempts_out") == 0
    assert not lab.arrives()
    assert not lab.arrives(mark=51820)
    assert not lab.arrives(kind="STREAM", port=443)
    assert not lab.arrives(kind="STREAM", port=ENDPOINT_PORT)
    assert lab.counted(place, table, "leak_attempts_out") >= 4
    assert lab.ui_answers(lab.internet), "the LAN cannot open the web interface"
    assert lab.ui_answers(lab.pi), "the Pi cannot open the UI"
    assert not lab.ui_answers(lab.internet, port=22)
    assert lab.counted(place, table, "leak_attempts_in") >= 1


def test_the_inner_barrier_lets_only_the_marked_reach_the_endpoint(lab: NetworkLab) -> None:
    lab.load(lab.vpn, INNER)
    assert not lab.arrives(port=ENDPOINT_PORT)


def test_the_outer_barrier_keeps_the_vpn_off_the_pi_itself(lab: NetworkLab) -> None:
    assert lab.talk(lab.vpn, lab.pi, BRIDGE) == (True, True), "the control: without the barrier it is reached"
    lab.load(lab.pi, OUTER)
    assert lab.talk(lab.vpn, lab.pi, BRIDGE) == (False, False)
    assert lab.counted(lab.pi, OUTER_TABLE, "leak_attempts_host") >= 1


@pytest.mark.parametrize("barrier_stands", [True, False], ids=["held", "control: without the barrier it gets out"])
def test_a_peer_s_connection_never_moves_to_the_uplink(lab: NetworkLab, barrier_stands: bool) -> None:
    """A peer came in by the tunnel, the tunnel goes, a route leads to the uplink: no reply in clear."""
    lab.add_tunnel()
    spy = f"type filter hook prerouting priority -300;\nip saddr {TUNNEL} counter name clear"
    lab.load(lab.pi, f"table inet spy {{\ncounter clear {{\n}}\nchain look {{\n{spy}\n}}\n}}\n")
    if barrier_stands:
        lab.load(lab.vpn, INNER)
    program = (
        f"s = socket.create_server(('{TUNNEL}', {PEER_PORT})); print('ready', flush=True)\n"
        "c, _ = s.accept(); print('met', flush=True)\n"
        "sys.stdin.readline(); c.send(b'hello'); print('sent', flush=True); sys.stdin.readline()"
    )
    call = f"s = socket.create_connection(('{TUNNEL}', {PEER_PORT}), 2); print('met', flush=True); sys.stdin.readline()"
    with lab.server(lab.vpn, program) as server, lab.running(lab.internet, call) as client:
        assert next_line(client) == "met", "the forwarded port does not let peers in"
        assert next_line(server) == "met"
        run("ip", "-n", lab.vpn, "address", "add", f"{TUNNEL}/32", "dev", "lo")
        run("ip", "-n", lab.vpn, "link", "delete", "wg0")
        go_on(server)
        assert next_line(server) == "sent"
        time.sleep(0.5)  # the kernel sends it again a few times
        client.communicate(timeout=10)
    assert (lab.counted(lab.pi, "spy", "clear") == 0) == barrier_stands


def test_an_inner_barrier_without_its_rules_lets_nothing_through(lab: NetworkLab) -> None:
    """Each chain's policy holds when the rules are gone; the other chains are opened to see that one alone."""
    lab.add_tunnel()
    lab.set_kernel(lab.vpn, "ipv4/ip_forward", 1)
    run("ip", "-n", lab.pi, "route", "add", PROVIDER, "via", HOLDER)
    lab.load(lab.vpn, INNER)
    table = f"inet {INNER_TABLE}"
    lab.load(lab.vpn, f"flush table {table}\n")
    assert not lab.arrives()
    assert lab.talk(lab.pi, lab.internet, PROVIDER) == (False, False)
    lab.load(lab.vpn, f"add rule {table} leaving accept\n")
    assert lab.arrives(), "the control: it leaves when that chain accepts"
    assert not lab.ui_answers(lab.pi)
    lab.load(lab.vpn, f"add rule {table} arriving accept\n")
    assert lab.ui_answers(lab.pi), "the control: it arrives when that chain accepts"
    lab.load(lab.vpn, f"add rule {table} passing accept\n")
    assert lab.talk(lab.pi, lab.internet, PROVIDER, 7778) == (True, True), "the control: so it passes"


STANDS = pytest.mark.parametrize("barrier_stands", [True, False], ids=["held", "control: no barrier"])


@STANDS
@pytest.mark.parametrize("other_side", ["internet", "pi"])
def test_the_outer_barrier_ends_what_was_open_over_ipv6(lab: NetworkLab, other_side: str, barrier_stands: bool) -> None:
    """A connection that the kernel knew before the barrier came is not let on, in either direction."""
    links = {lab.vpn: ["eth0"], lab.pi: ["br-vpn", "uplink0"], lab.internet: ["world0"]}
    for name, interfaces in links.items():
        lab.set_kernel(name, "ipv6/conf/all/disable_ipv6", 1)
        for interface in interfaces:
            lab.set_kernel(name, f"ipv6/conf/{interface}/accept_dad", 0)  # addresses are usable at once
        lab.set_kernel(name, "ipv6/conf/all/disable_ipv6", 0)
    lab.set_kernel(lab.pi, "ipv6/conf/all/forwarding", 1)
    for line in f"""
        -n {lab.vpn} address add fd00:1::2/64 dev eth0 nodad
        -n {lab.pi} address add fd00:1::1/64 dev br-vpn nodad
        -n {lab.pi} address add fd00:2::1/64 dev uplink0 nodad
        -n {lab.internet} address add fd00:2::2/64 dev world0 nodad
        -n {lab.vpn} route add default via fd00:1::1
        -n {lab.internet} route add fd00:1::/64 via fd00:2::1
    """.strip().splitlines():
        run("ip", *line.split())
    tracked = "type filter hook prerouting priority -300;\nct state new accept"
    lab.load(lab.pi, f"table inet tracking {{\nchain look {{\n{tracked}\n}}\n}}\n")

    met = []

    def meanwhile() -> None:
        met.append(True)
        if barrier_stands:
            lab.load(lab.pi, OUTER)

    heard = lab.talk(getattr(lab, other_side), lab.vpn, "fd00:1::2", meanwhile=meanwhile)
    assert met, "there was no connection that could have ended"
    # What the Pi itself sends does not concern the barrier: the VPN namespace receives it, and cannot answer.
    assert heard == ((False, other_side == "pi") if barrier_stands else (True, True))


@pytest.mark.parametrize("client", ["internet", "pi"], ids=["to the LAN", "to the Pi"])
def test_an_answer_that_comes_late_is_dropped_and_not_counted(lab: NetworkLab, client: str) -> None:
    """Docker forgets a restarted container's connections, while the other end still has a client on it."""
    counter = {"internet": "leak_attempts_out", "pi": "leak_attempts_host"}[client]
    lab.load(lab.pi, OUTER)
    assert not lab.answer_late(getattr(lab, client), HOLDER, UI_PORT, server=lab.vpn), "it was not forgotten"
    assert lab.counted(lab.pi, OUTER_TABLE, counter) == 0


@pytest.mark.parametrize(
    ("source", "port"), [(OUTSIDER, UI_PORT), (WORLD, 7777)], ids=["not to the LAN", "not from a web interface"]
)
def test_any_other_late_segment_is_counted(lab: NetworkLab, source: str, port: int) -> None:
    lab.add_outsider()
    lets_in = OUTER.replace("chain to_vpn {", "chain to_vpn {\n        tcp flags syn accept")
    lab.load(lab.pi, lets_in)
    assert not lab.answer_late(lab.internet, HOLDER, port, server=lab.vpn, source=source)
    assert lab.counted(lab.pi, OUTER_TABLE, "leak_attempts_out") >= 1


@pytest.mark.parametrize("target", [WORLD, BRIDGE], ids=["the LAN", "the Pi"])
def test_a_connection_that_a_web_interface_opens_is_counted(lab: NetworkLab, target: str) -> None:
    counter = {WORLD: "leak_attempts_out", BRIDGE: "leak_attempts_host"}[target]
    lab.load(lab.pi, OUTER)
    lab.python(
        lab.vpn, f"s = socket.socket(); s.settimeout(1); s.bind(('', {UI_PORT})); s.connect(('{target}', 443))"
    ).wait(timeout=10)
    assert lab.counted(lab.pi, OUTER_TABLE, counter) >= 1


def test_the_tunnel_s_own_packets_never_enter_the_tunnel(lab: NetworkLab) -> None:
    """WireGuard's packets bear its mark. Where the endpoint has no route of its own, they would follow the default."""
    lab.add_tunnel()
    run("ip", "-n", lab.vpn, "route", "replace", WORLD, "dev", "wg0")
    assert lab.arrives(mark=51820, port=ENDPOINT_PORT, source=TUNNEL), "the control: that is the way they would go"
    lab.load(lab.vpn, INNER)
    assert not lab.arrives(mark=51820, port=ENDPOINT_PORT, source=TUNNEL)
    assert lab.arrives(port=ENDPOINT_PORT, source=TUNNEL), "what programs send does enter it"
