# SPDX-License-Identifier: GPL-3.0-or-later
"""The barriers' text: exactly the design's rules, and nothing that nft would read in another way."""

from __future__ import annotations

import dataclasses
import re

import pytest
from mediaserver._core.names import INNER_TABLE, OUTER_TABLE
from mediaserver.firewall import barrier

OUTER = barrier.OuterBarrier(
    endpoints=[("198.18.0.21", 51820), ("198.18.0.20", 51820)],
    ui_ports=[9117, 9091],
    published=[9117, 80],
    lan=["192.168.0.0/16", "10.0.0.0/8"],
    containers=["172.30.0.0/16"],
)
INNER = barrier.InnerBarrier(
    endpoints=[("198.18.0.20", 51820)],
    ui_ports=[9091, 9117],
    lan=["192.168.0.0/16"],
    bridge_address="172.31.254.1",
)


def blocks(text: str) -> dict[str, list[str]]:
    """Return the lines of each set, counter and chain."""
    found = re.findall(r"^    ((?:set|counter|chain) \w+) \{\n(.*?)^    \}$", text, re.MULTILINE | re.DOTALL)
    return {name: [line.strip() for line in body.splitlines()] for name, body in found}


def test_outer_rules_are_the_design_s() -> None:
    assert blocks(barrier.render_outer(OUTER)) == {
        "set endpoints": [
            "type ipv4_addr . inet_service",
            "elements = { 198.18.0.20 . 51820, 198.18.0.21 . 51820 }",
        ],
        "set ui_ports": ["type inet_service", "elements = { 9091, 9117 }"],
        "set published": ["type inet_service", "elements = { 80, 9117 }"],
        "set lan": ["type ipv4_addr", "flags interval", "elements = { 10.0.0.0/8, 192.168.0.0/16 }"],
        "set containers": ["type ipv4_addr", "flags interval", "elements = { 172.30.0.0/16 }"],
        "counter leak_attempts_out": [],
        "counter leak_attempts_in": [],
        "counter leak_attempts_host": [],
        "counter strangers": [],
        "chain passing": [
            "type filter hook forward priority -150; policy accept;",
            'iifname "br-vpn" goto from_vpn',
            'oifname "br-vpn" goto to_vpn',
            'oifname "br-jellyfin" ct direction reply ct state established,related accept',
            'oifname "br-jellyfin" goto to_pages',
            "meta l4proto tcp ct status dnat ct direction original ct original proto-dst @published goto to_pages",
        ],
        "chain arriving": [
            "type filter hook input priority -150; policy accept;",
            'iifname "br-vpn" goto to_host',
            'iifname != "lo" tcp dport @published goto to_pages',
        ],
        "chain from_vpn": [
            "meta nfproto ipv6 counter name leak_attempts_out drop",
            "ip daddr . udp dport @endpoints accept",
            "ct direction reply ct state established,related accept",
            "ip daddr @lan tcp sport @ui_ports tcp flags & (ack | rst) != 0x0 drop",
            "counter name leak_attempts_out drop",
        ],
        "chain to_vpn": [
            "meta nfproto ipv6 counter name leak_attempts_in drop",
            "ct state established,related accept",
            "ip saddr @lan tcp dport @ui_ports accept",
            "counter name leak_attempts_in drop",
        ],
        "chain to_host": [
            "meta nfproto ipv6 counter name leak_attempts_host drop",
            "ct state established accept",
            "tcp sport @ui_ports tcp flags & (ack | rst) != 0x0 drop",
            "counter name leak_attempts_host drop",
        ],
        "chain to_pages": [
            "ip saddr @lan accept",
            'meta iifkind "bridge" ip saddr @containers accept',
            "counter name strangers drop",
        ],
    }


def test_inner_rules_are_the_design_s() -> None:
    assert blocks(barrier.render_inner(INNER)) == {
        "set endpoints": ["type ipv4_addr . inet_service", "elements = { 198.18.0.20 . 51820 }"],
        "set ui_ports": ["type inet_service", "elements = { 9091, 9117 }"],
        "set house": ["type ipv4_addr", "flags interval", "elements = { 172.31.254.1/32, 192.168.0.0/16 }"],
        "set forwarded_ports": ["type inet_service"],
        "counter leak_attempts_out": [],
        "counter leak_attempts_in": [],
        "counter leak_attempts_passing": [],
        "chain leaving": [
            "type filter hook output priority -150; policy drop;",
            'oifname "lo" accept',
            'oifname "wg0" meta mark 0x0000ca6c drop',
            'oifname "wg0" accept',
            'oifname "eth0" meta mark 0x0000ca6c ip daddr . udp dport @endpoints accept',
            'oifname "eth0" ct mark 0x00007569 ct direction reply ct state established,related accept',
            "counter name leak_attempts_out drop",
        ],
        "chain arriving": [
            "type filter hook input priority -150; policy drop;",
            'iifname "lo" accept',
            'iifname "wg0" ct state established,related accept',
            'iifname "eth0" ip saddr . udp sport @endpoints ct direction reply ct state established accept',
            'iifname "eth0" meta l4proto icmp ct state related accept',
            'iifname "eth0" ip saddr @house tcp dport @ui_ports ct mark set 0x00007569 accept',
            'iifname "wg0" tcp flags & (syn | rst) == 0x0 reject with tcp reset',
            "counter name leak_attempts_in drop",
        ],
        "chain passing": [
            "type filter hook forward priority -150; policy drop;",
            "counter name leak_attempts_passing drop",
        ],
    }


def test_a_forwarded_port_opens_the_tunnel_and_nothing_else() -> None:
    closed = blocks(barrier.render_inner(INNER))
    opened = blocks(barrier.render_inner(dataclasses.replace(INNER, forwarded_ports=[51413])))
    assert opened["set forwarded_ports"] == ["type inet_service", "elements = { 51413 }"]
    rule = 'iifname "wg0" meta l4proto { tcp, udp } th dport @forwarded_ports accept'
    assert set(opened["chain arriving"]) - set(closed["chain arriving"]) == {rule}
    assert opened["chain leaving"] == closed["chain leaving"]


def test_without_endpoints_nothing_gets_out() -> None:
    assert blocks(barrier.render_outer(dataclasses.replace(OUTER, endpoints=[])))["set endpoints"] == [
        "type ipv4_addr . inet_service"
    ]


OWNED = ["    flags owner, persist"]
TEXTS = {
    "outer": (barrier.render_outer(OUTER), OUTER_TABLE, []),
    "outer, owned": (barrier.render_outer(OUTER, owned=True), OUTER_TABLE, OWNED),
    "inner": (barrier.render_inner(dataclasses.replace(INNER, forwarded_ports=[1])), INNER_TABLE, []),
}


@pytest.mark.parametrize(("text", "table", "flags"), TEXTS.values(), ids=TEXTS.keys())
def test_form_of_the_file(text: str, table: str, flags: list[str]) -> None:
    lines = text.splitlines()
    opened = [f"table inet {table} {{", *flags]
    head = [*opened, "}", f"delete table inet {table}", *opened]
    assert lines[: len(head)] == head
    assert "flush" not in text
    # A closing brace after a rule on the same line does not parse.
    assert all(line.strip() == "}" for line in lines if line.rstrip().endswith("}") and "elements" not in line)
    assert not {"in", "out", "fwd"} & set(re.findall(r"^    \w+ (\w+) \{$", text, re.MULTILINE))
    counters = set(re.findall(r"counter (?:name )?(\w+)", text))
    assert all(f"counter name {name} drop" in text for name in counters)
    assert {name for name in counters if not name.startswith("leak_attempts_")} <= {"strangers"}


def test_overlapping_prefixes_are_joined() -> None:
    lan = ["192.168.1.0/24", "192.168.0.0/16", "10.0.0.0/9", "10.128.0.0/9"]
    text = barrier.render_outer(dataclasses.replace(OUTER, lan=lan))
    assert "elements = { 10.0.0.0/8, 192.168.0.0/16 }" in text


WRONG = {
    "interface": {"bridge": 'br"; accept'},
    "interface too long": {"bridge": "a" * 16},
    "port": {"ui_ports": [0]},
    "published port": {"published": [65536]},
    "endpoint's port": {"endpoints": [("198.18.0.20", 65536)]},
    "endpoint's address": {"endpoints": [("vpn.example", 51820)]},
    "prefix": {"lan": ["192.168.0.0/16 } ; }"]},
    "prefix of IPv6": {"lan": ["fd00::/8"]},
    "Jellyfin's interface": {"jellyfin_bridge": ""},
    "own bridge": {"own_bridges": ['br-own"; accept']},
    "way without the host's address": {"reaches": [("br-vpn", 80)]},
    "way from a bridge that is none": {"bridge_address": "172.31.254.1", "reaches": [("br vpn", 80)]},
    "way to a port that is none": {"bridge_address": "172.31.254.1", "reaches": [("br-vpn", 0)]},
    "reached port": {"reached": [65536]},
    "prefix of containers": {"containers": ["172.30.0.0/16, 0.0.0.0/0"]},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG.keys())
def test_what_is_not_a_value_never_reaches_nft(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        barrier.render_outer(dataclasses.replace(OUTER, **change))  # type: ignore[arg-type]


OWN_WRONG: list[dict[str, object]] = [{"reachable": [0]}, {"reached": [70000]}, {"containers": ["x"]}]


@pytest.mark.parametrize(
    "change", [{"fwmark": 0}, {"tunnel": "wg 0"}, {"bridge_address": "x"}, {"uplink": ""}, *OWN_WRONG], ids=str
)
def test_the_inner_barrier_is_as_strict(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        barrier.render_inner(dataclasses.replace(INNER, **change))  # type: ignore[arg-type]


LISTING = """\
table inet t { # handle 7
\tcounter leak_attempts_out {
\t\tpackets 0 bytes 0
\t}
\tset endpoints {
\t\telements = { 198.18.0.20 . 51820,
\t\t\t     198.18.0.21 . 51820 }
\t}
\tchain c {
\t\tiifname "br-vpn" counter packets 3 bytes 180 drop # handle 9
\t}
}
"""
SAME = {
    "packets were counted": LISTING.replace("packets 0 bytes 0", "packets 12 bytes 720"),
    "other handles": LISTING.replace("handle 9", "handle 12"),
    "no handles": re.sub(r" # handle \d+", "", LISTING),
    "elements in other order and shape": re.sub(
        r"elements = \{.*?\}",
        "elements = { 198.18.0.21 . 51820, 198.18.0.20 . 51820 }",
        LISTING,
        flags=re.DOTALL,
    ),
}
DIFFERENT = {
    "a rule is gone": LISTING.replace('\t\tiifname "br-vpn" counter packets 3 bytes 180 drop # handle 9\n', ""),
    "a rule accepts": LISTING.replace("drop", "accept"),
    "another interface": LISTING.replace("br-vpn", "br-vpm"),
    "one more endpoint": LISTING.replace("51820 }", "51820, 203.0.113.1 . 51820 }"),
    "no table": "",
}


@pytest.mark.parametrize("listing", SAME.values(), ids=SAME.keys())
def test_fingerprint_stays(listing: str) -> None:
    assert barrier.fingerprint(listing) == barrier.fingerprint(LISTING)


@pytest.mark.parametrize("listing", DIFFERENT.values(), ids=DIFFERENT.keys())
def test_fingerprint_tells(listing: str) -> None:
    assert barrier.fingerprint(listing) != barrier.fingerprint(LISTING)
