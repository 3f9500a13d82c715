# SPDX-License-Identifier: GPL-3.0-or-later
"""What the leak test takes for a probe that got out, and what for nothing."""

from __future__ import annotations

import struct

import packets
import pytest
import sightings
from frames import capture, ipv4, ipv6
from packets import TCP, UDP
from probes import FIRST_TCP_PORT, MARK, SHIFT, SOURCE_PORTS
from topology import HOUSES, INTERNET_HOST, RESOLVER, TUNNEL_RESOLVER

HOUSE = HOUSES[0]
SYN, SYN_ACK, RST_ACK = 0x02, 0x12, 0x14
# The holder's address, as it is where nobody hides it.
INSIDE = "172.31.254.2"


def tcp(source: int, target: int, flags: int) -> bytes:
    return struct.pack("!HHIIBBHHH", source, target, 0, 0, 5 << 4, flags, 0, 0, 0)


def udp(text: str) -> bytes:
    return struct.pack("!HHHH", 40000, 9009, 8 + len(text), 0) + text.encode()


KNOWN = sorted(name for name, port in SOURCE_PORTS.items() if sightings.tcp_probe(port))


@pytest.mark.parametrize(
    ("frame", "seen"),
    [
        (ipv4(TCP, HOUSE.pi, INTERNET_HOST, tcp(SOURCE_PORTS["tcp-device"], 9010, SYN)), {"tcp-device": 1}),
        (
            ipv4(TCP, HOUSE.pi, INTERNET_HOST, tcp(SOURCE_PORTS["dns-tcp-source"] + SHIFT, 53, SYN)),
            {"dns-tcp-source": 1},
        ),
        (ipv4(TCP, HOUSE.pi, INTERNET_HOST, tcp(40000, 9010, SYN)), {}),
        (ipv4(UDP, HOUSE.pi, INTERNET_HOST, udp(f"{MARK}udp-source")), {"udp-source": 1}),
        (ipv4(UDP, HOUSE.router, INTERNET_HOST, udp(f"{MARK}udp-source")), {}),
        (ipv4(TCP, HOUSE.pi, sightings.STRANGER, tcp(9091, 40000, SYN_ACK)), {"ui-stranger": 1}),
        (ipv4(TCP, HOUSE.pi, sightings.STRANGER, tcp(9091, 40000, RST_ACK)), {}),
        (ipv4(TCP, HOUSE.pi, sightings.STRANGER, tcp(9117, 40000, SYN_ACK)), {"ui-stranger": 1}),
        (ipv4(TCP, HOUSE.pi, sightings.STRANGER, tcp(8096, 40000, SYN_ACK)), {"jellyfin-stranger": 1}),
        (ipv4(TCP, HOUSE.pi, sightings.STRANGER, tcp(8096, 40000, RST_ACK)), {}),
        (ipv4(TCP, sightings.STRANGER, HOUSE.pi, tcp(40000, 9091, SYN)), {}),
        (ipv4(UDP, INSIDE, HOUSE.laptop, udp(f"{MARK}lan-udp-source")), {"lan-udp-source": 1}),
        (ipv4(TCP, INSIDE, HOUSE.laptop, tcp(SOURCE_PORTS["lan-tcp-source"], 9010, SYN)), {"lan-tcp-source": 1}),
        (ipv4(TCP, HOUSE.pi, TUNNEL_RESOLVER, tcp(40000, 53, SYN)), {"dns-docker-tcp": 1}),
        (
            ipv6(TCP, "fd00:66::2", "fd00:67::1", tcp(SOURCE_PORTS["ipv6-tcp-source"], 9010, SYN)),
            {"ipv6-tcp-source": 1},
        ),
    ],
    ids=[
        "tcp",
        "tcp of another network",
        "tcp of others",
        "udp",
        "udp of others",
        "a stranger let in",
        "a stranger refused",
        "a stranger let in to Jackett",
        "a stranger let in to Jellyfin",
        "a stranger refused by Jellyfin",
        "a knock",
        "udp under its own address",
        "tcp under its own address",
        "Docker's resolver",
        "ipv6",
    ],
)
def test_what_counts(frame: bytes, seen: dict[str, int]) -> None:
    assert sightings.probes_seen(capture(frame), HOUSE) == seen


def test_only_an_answer_to_a_stranger_is_strange() -> None:
    frames = [
        ipv4(TCP, sightings.STRANGER, HOUSE.pi, tcp(40000, 9091, SYN)),
        ipv4(TCP, HOUSE.pi, sightings.STRANGER, tcp(9091, 40000, RST_ACK)),
        ipv4(TCP, HOUSE.pi, sightings.STRANGER, tcp(9091, 40000, SYN_ACK)),
    ]
    found = sightings.strange(capture(*frames), HOUSE)
    assert [str(packet) for packet in found] == [f"tcp {HOUSE.pi}:9091 > {sightings.STRANGER}:40000"]
    assert sightings.strange(capture(*frames), HOUSE, strangers=True) == []


@pytest.mark.parametrize(("asked_by", "is_strange"), [(None, False), (INTERNET_HOST, True)])
@pytest.mark.parametrize("told", [sightings.STRANGER, HOUSE.laptop])
def test_the_kernel_may_tell_whoever_asks_that_nobody_is_there(
    told: str, asked_by: str | None, is_strange: bool
) -> None:
    host_unreachable = bytes([3, 1, 0, 0, 0, 0, 0, 0])
    question = ipv4(TCP, asked_by or told, HOUSE.pi, tcp(40000, 9091, SYN))[14:]
    answer = ipv4(packets.ICMP, HOUSE.pi, told, host_unreachable + question)
    assert bool(sightings.strange(capture(answer), HOUSE)) is is_strange


def test_dockers_proxy_may_ask_for_a_page_whose_bridge_is_gone_and_for_nothing_else() -> None:
    assert sightings.strange(capture(ipv4(TCP, HOUSE.pi, INSIDE, tcp(40000, 9091, SYN))), HOUSE) == []
    assert len(sightings.strange(capture(ipv4(TCP, HOUSE.pi, INSIDE, tcp(9091, 40000, SYN))), HOUSE)) == 1
    assert len(sightings.strange(capture(ipv4(TCP, HOUSE.pi, INTERNET_HOST, tcp(40000, 9091, SYN))), HOUSE)) == 1


@pytest.mark.parametrize("installs", [False, True])
@pytest.mark.parametrize("other", [HOUSE.laptop, INTERNET_HOST, RESOLVER])
def test_what_is_not_hidden_behind_the_pi_is_strange_whatever_the_pi_is_doing(installs: bool, other: str) -> None:
    found = sightings.strange(capture(ipv4(UDP, INSIDE, other, udp("of no probe"))), HOUSE, installs=installs)
    assert len(found) == 1


@pytest.mark.parametrize(("source", "port"), [("172.30.1.2", 8096), (INSIDE, 9091), (INSIDE, 9117)])
def test_a_page_may_answer_the_laptop_under_its_own_address(source: str, port: int) -> None:
    assert sightings.strange(capture(ipv4(TCP, source, HOUSE.laptop, tcp(port, 40000, SYN_ACK))), HOUSE) == []
    assert len(sightings.strange(capture(ipv4(TCP, source, INTERNET_HOST, tcp(port, 40000, SYN_ACK))), HOUSE)) == 1
    assert len(sightings.strange(capture(ipv4(UDP, INSIDE, HOUSE.laptop, udp("of no page"))), HOUSE)) == 1


@pytest.mark.parametrize(
    ("protocol", "other", "ports", "lets"),
    [(TCP, "203.0.113.80", (40000, 443), True), (TCP, "203.0.113.80", (40000, 6881), False),
     (UDP, "203.0.113.80", (40000, 443), False), (UDP, RESOLVER, (40000, 53), True),
     (UDP, RESOLVER, (40000, 853), False), (TCP, INTERNET_HOST, (40000, 443), False),
     (UDP, TUNNEL_RESOLVER, (40000, 53), False)],
)  # fmt: skip
def test_what_an_installation_may_send(protocol: int, other: str, ports: tuple[int, int], lets: bool) -> None:
    data = tcp(*ports, SYN) if protocol == TCP else struct.pack("!HHHH", *ports, 8, 0)
    packet = ipv4(protocol, HOUSE.pi, other, data)
    assert (sightings.strange(capture(packet), HOUSE, installs=True) == []) is lets
    assert len(sightings.strange(capture(packet), HOUSE)) == 1


def test_each_tcp_probe_has_a_port_that_nothing_else_on_a_pi_uses() -> None:
    ports = [SOURCE_PORTS[name] for name in KNOWN]
    assert len(set(ports)) == len(KNOWN) > 10
    # Below those that Linux gives by itself (net.ipv4.ip_local_port_range).
    assert all(FIRST_TCP_PORT <= port < FIRST_TCP_PORT + SHIFT < 32768 - SHIFT for port in ports)
