# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes and other packets in clear in a capture."""

from __future__ import annotations

import struct

import packets
import pytest
from capture_analysis import JELLYFIN_OUTSIDE, OUTSIDE_CLIENT, UI_OUTSIDE, count_probes, unexpected_packets
from frames import capture, ipv4, ipv6
from packets import TCP, UDP
from probes import FIRST_TCP_PORT, MARK, SHIFT, SOURCE_PORTS, tcp_probe
from topology import HOUSEHOLDS, INTERNET_HOST, RESOLVER, TUNNEL_RESOLVER

HOUSEHOLD = HOUSEHOLDS[0]
SYN, SYN_ACK, RST_ACK = 0x02, 0x12, 0x14
# The holder's address in the VPN network, without source translation.
INSIDE = "172.31.254.2"


def tcp(source: int, target: int, flags: int) -> bytes:
    return struct.pack("!HHIIBBHHH", source, target, 0, 0, 5 << 4, flags, 0, 0, 0)


def udp(text: str) -> bytes:
    return struct.pack("!HHHH", 40000, 9009, 8 + len(text), 0) + text.encode()


KNOWN = sorted(name for name, port in SOURCE_PORTS.items() if tcp_probe(port))


@pytest.mark.parametrize(
    ("frame", "seen"),
    [
        (ipv4(TCP, HOUSEHOLD.pi, INTERNET_HOST, tcp(SOURCE_PORTS["tcp-device"], 9010, SYN)), {"tcp-device": 1}),
        (
            ipv4(TCP, HOUSEHOLD.pi, INTERNET_HOST, tcp(SOURCE_PORTS["dns-tcp-source"] + SHIFT, 53, SYN)),
            {"dns-tcp-source": 1},
        ),
        (ipv4(TCP, HOUSEHOLD.pi, INTERNET_HOST, tcp(40000, 9010, SYN)), {}),
        (ipv4(UDP, HOUSEHOLD.pi, INTERNET_HOST, udp(f"{MARK}udp-source")), {"udp-source": 1}),
        (ipv4(UDP, HOUSEHOLD.router, INTERNET_HOST, udp(f"{MARK}udp-source")), {}),
        (ipv4(TCP, HOUSEHOLD.pi, OUTSIDE_CLIENT, tcp(9091, 40000, SYN_ACK)), {UI_OUTSIDE: 1}),
        (ipv4(TCP, HOUSEHOLD.pi, OUTSIDE_CLIENT, tcp(9091, 40000, RST_ACK)), {}),
        (ipv4(TCP, HOUSEHOLD.pi, OUTSIDE_CLIENT, tcp(9117, 40000, SYN_ACK)), {UI_OUTSIDE: 1}),
        (ipv4(TCP, HOUSEHOLD.pi, OUTSIDE_CLIENT, tcp(8096, 40000, SYN_ACK)), {JELLYFIN_OUTSIDE: 1}),
        (ipv4(TCP, HOUSEHOLD.pi, OUTSIDE_CLIENT, tcp(8096, 40000, RST_ACK)), {}),
        (ipv4(TCP, OUTSIDE_CLIENT, HOUSEHOLD.pi, tcp(40000, 9091, SYN)), {}),
        (ipv4(UDP, INSIDE, HOUSEHOLD.laptop, udp(f"{MARK}lan-udp-source")), {"lan-udp-source": 1}),
        (ipv4(TCP, INSIDE, HOUSEHOLD.laptop, tcp(SOURCE_PORTS["lan-tcp-source"], 9010, SYN)), {"lan-tcp-source": 1}),
        (ipv4(TCP, HOUSEHOLD.pi, TUNNEL_RESOLVER, tcp(40000, 53, SYN)), {"dns-docker-tcp": 1}),
        (
            ipv6(TCP, "fd00:66::2", "fd00:67::1", tcp(SOURCE_PORTS["ipv6-tcp-source"], 9010, SYN)),
            {"ipv6-tcp-source": 1},
        ),
    ],
    ids=[
        "tcp",
        "tcp of another network",
        "tcp from another port",
        "udp",
        "udp of another host",
        "web interface answers client outside of LAN",
        "web interface refuses client outside of LAN",
        "Jackett answers client outside of LAN",
        "Jellyfin answers client outside of LAN",
        "Jellyfin refuses client outside of LAN",
        "request of client outside of LAN",
        "udp without source translation",
        "tcp without source translation",
        "Docker's resolver",
        "ipv6",
    ],
)
def test_counts_probes(frame: bytes, seen: dict[str, int]) -> None:
    assert count_probes(capture(frame), HOUSEHOLD) == seen


def test_only_answer_to_outside_client_is_unexpected() -> None:
    frames = [
        ipv4(TCP, OUTSIDE_CLIENT, HOUSEHOLD.pi, tcp(40000, 9091, SYN)),
        ipv4(TCP, HOUSEHOLD.pi, OUTSIDE_CLIENT, tcp(9091, 40000, RST_ACK)),
        ipv4(TCP, HOUSEHOLD.pi, OUTSIDE_CLIENT, tcp(9091, 40000, SYN_ACK)),
    ]
    found = unexpected_packets(capture(*frames), HOUSEHOLD)
    assert [str(packet) for packet in found] == [f"tcp {HOUSEHOLD.pi}:9091 > {OUTSIDE_CLIENT}:40000"]
    assert unexpected_packets(capture(*frames), HOUSEHOLD, outside_answers=True) == []


@pytest.mark.parametrize(("sender", "unexpected"), [(None, False), (INTERNET_HOST, True)])
@pytest.mark.parametrize("target", [OUTSIDE_CLIENT, HOUSEHOLD.laptop])
def test_icmp_unreachable_is_permitted_to_sender_only(target: str, sender: str | None, unexpected: bool) -> None:
    host_unreachable = bytes([3, 1, 0, 0, 0, 0, 0, 0])
    request = ipv4(TCP, sender or target, HOUSEHOLD.pi, tcp(40000, 9091, SYN))[14:]
    answer = ipv4(packets.ICMP, HOUSEHOLD.pi, target, host_unreachable + request)
    assert bool(unexpected_packets(capture(answer), HOUSEHOLD)) is unexpected


def test_permits_dockers_proxy_to_connect_to_web_interfaces_only() -> None:
    assert unexpected_packets(capture(ipv4(TCP, HOUSEHOLD.pi, INSIDE, tcp(40000, 9091, SYN))), HOUSEHOLD) == []
    assert len(unexpected_packets(capture(ipv4(TCP, HOUSEHOLD.pi, INSIDE, tcp(9091, 40000, SYN))), HOUSEHOLD)) == 1
    assert (
        len(unexpected_packets(capture(ipv4(TCP, HOUSEHOLD.pi, INTERNET_HOST, tcp(40000, 9091, SYN))), HOUSEHOLD)) == 1
    )


@pytest.mark.parametrize("installs", [False, True])
@pytest.mark.parametrize("other", [HOUSEHOLD.laptop, INTERNET_HOST, RESOLVER])
def test_packet_without_source_translation_is_unexpected(installs: bool, other: str) -> None:
    found = unexpected_packets(capture(ipv4(UDP, INSIDE, other, udp("of no probe"))), HOUSEHOLD, installs=installs)
    assert len(found) == 1


@pytest.mark.parametrize(("source", "port"), [("172.30.1.2", 8096), (INSIDE, 9091), (INSIDE, 9117)])
def test_web_interface_may_answer_laptop_from_its_own_address(source: str, port: int) -> None:
    assert unexpected_packets(capture(ipv4(TCP, source, HOUSEHOLD.laptop, tcp(port, 40000, SYN_ACK))), HOUSEHOLD) == []
    assert len(unexpected_packets(capture(ipv4(TCP, source, INTERNET_HOST, tcp(port, 40000, SYN_ACK))), HOUSEHOLD)) == 1
    assert len(unexpected_packets(capture(ipv4(UDP, INSIDE, HOUSEHOLD.laptop, udp("of no page"))), HOUSEHOLD)) == 1


@pytest.mark.parametrize(
    ("protocol", "other", "ports", "permitted"),
    [(TCP, "203.0.113.80", (40000, 443), True), (TCP, "203.0.113.80", (40000, 6881), False),
     (UDP, "203.0.113.80", (40000, 443), False), (UDP, RESOLVER, (40000, 53), True),
     (UDP, RESOLVER, (40000, 853), False), (TCP, INTERNET_HOST, (40000, 443), False),
     (UDP, TUNNEL_RESOLVER, (40000, 53), False)],
)  # fmt: skip
def test_permits_packets_of_installation(protocol: int, other: str, ports: tuple[int, int], permitted: bool) -> None:
    data = tcp(*ports, SYN) if protocol == TCP else struct.pack("!HHHH", *ports, 8, 0)
    packet = ipv4(protocol, HOUSEHOLD.pi, other, data)
    assert (unexpected_packets(capture(packet), HOUSEHOLD, installs=True) == []) is permitted
    assert len(unexpected_packets(capture(packet), HOUSEHOLD)) == 1


def test_each_tcp_probe_has_own_source_port_below_ephemeral_range() -> None:
    ports = [SOURCE_PORTS[name] for name in KNOWN]
    assert len(set(ports)) == len(KNOWN) > 10
    # Below the default of net.ipv4.ip_local_port_range.
    assert all(FIRST_TCP_PORT <= port < FIRST_TCP_PORT + SHIFT < 32768 - SHIFT for port in ports)
