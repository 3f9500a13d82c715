# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets in clear and permitted packets, by generated frames."""

from __future__ import annotations

import packets
import pytest
from frames import capture, frame, ipv4, ipv6, ports
from hypothesis import given
from hypothesis import strategies as st
from packets import ARP, ICMPV6, IPV4, IPV6, TCP, UDP, Packet
from topology import HOUSEHOLDS, INTERNET_HOST, PROVIDERS, RESOLVER

HOUSEHOLD = HOUSEHOLDS[0]
PI, LAPTOP, MACHINE = HOUSEHOLD.pi, HOUSEHOLD.laptop, HOUSEHOLD.machine
SERVER, OTHER_SERVER = (provider.address for provider in PROVIDERS)
MORE_FRAGMENTS = 0x2000

PERMITTED = {
    "to the first server": ipv4(UDP, PI, SERVER, ports(40000, 51820)),
    "from the second server": ipv4(UDP, OTHER_SERVER, PI, ports(51820, 40000)),
    "first fragment of a long datagram": ipv4(UDP, PI, SERVER, ports(40000, 51820), fragment=MORE_FRAGMENTS),
    "later fragment of a long datagram": ipv4(UDP, PI, SERVER, b"\0\x35\0\x35", fragment=185),
    "with IP options": ipv4(UDP, PI, SERVER, ports(40000, 51820), options=bytes(4)),
    "ARP": frame(ARP, bytes(28)),
    "neighbour discovery": ipv6(ICMPV6, "fe80::1", "ff02::1", bytes(8)),
    "duplicate address detection": ipv6(ICMPV6, "::", "ff02::1:ff00:1", bytes(8)),
    "multicast listener report": ipv6(0, "fe80::1", "ff02::16", bytes([ICMPV6, 0, 5, 2, 0, 0, 1, 0]) + bytes(8)),
    "the machine's SSH": ipv4(TCP, MACHINE, PI, ports(50000, 22)),
    "the answer to the machine": ipv4(TCP, PI, MACHINE, ports(22, 50000)),
    "the laptop at the web interface": ipv4(TCP, LAPTOP, PI, ports(50000, 9091)),
    "the laptop to the internet": ipv4(TCP, LAPTOP, INTERNET_HOST, ports(50000, 80)),
}
CLEAR = {
    "web": ipv4(TCP, PI, INTERNET_HOST, ports(50000, 80)),
    "web, coming back": ipv4(TCP, INTERNET_HOST, PI, ports(80, 50000)),
    "query to the public resolver": ipv4(UDP, PI, RESOLVER, ports(50000, 53)),
    "DNS query to the endpoint": ipv4(UDP, PI, SERVER, ports(50000, 53)),
    "TCP to the endpoint": ipv4(TCP, PI, SERVER, ports(50000, 51820)),
    "WireGuard's port of another host": ipv4(UDP, PI, INTERNET_HOST, ports(50000, 51820)),
    "from the port of WireGuard to the endpoint": ipv4(UDP, PI, SERVER, ports(51820, 53)),
    "later fragment to another host": ipv4(UDP, PI, INTERNET_HOST, bytes(8), fragment=185),
    "ping": ipv4(1, PI, INTERNET_HOST, bytes(8)),
    "ping of the endpoint": ipv4(1, PI, SERVER, bytes(8)),
    "SSH by another host": ipv4(TCP, INTERNET_HOST, PI, ports(50000, 22)),
    "SSH of the Pi to the machine": ipv4(TCP, PI, MACHINE, ports(50000, 22)),
    "another host at the web interface": ipv4(TCP, INTERNET_HOST, PI, ports(50000, 9091)),
    "a container's own address": ipv4(UDP, "172.31.254.2", INTERNET_HOST, ports(50000, 6881)),
    "global IPv6": ipv6(ICMPV6, "2001:db8::1", "2001:db8::2", bytes(8)),
    "UDP by IPv6": ipv6(UDP, "fe80::1", "ff02::fb", ports(5353, 5353)),
    "unknown kind": frame(0x88CC, bytes(20)),
    "cut off": ipv4(UDP, PI, SERVER, ports(40000, 51820))[:24],
}


@pytest.mark.parametrize("data", PERMITTED.values(), ids=PERMITTED.keys())
def test_permitted(data: bytes) -> None:
    assert packets.clear_packets(packets.read(capture(data)), HOUSEHOLD) == []


@pytest.mark.parametrize("data", CLEAR.values(), ids=CLEAR.keys())
def test_in_clear(data: bytes) -> None:
    assert len(packets.clear_packets(packets.read(capture(data)), HOUSEHOLD)) == 1


def test_traffic_of_other_household_is_not_permitted() -> None:
    from_machine = capture(PERMITTED["the machine's SSH"])
    assert len(packets.clear_packets(packets.read(from_machine), HOUSEHOLDS[1])) == 1


def test_ignores_matching_packets_only() -> None:
    found = packets.read(capture(CLEAR["web"], CLEAR["ping"]))
    (left,) = packets.clear_packets(found, HOUSEHOLD, lambda packet: packet.target_port == 80)
    assert str(left) == f"icmp {PI}:0 > {INTERNET_HOST}:0"


def test_ignores_refusal_of_late_datagram_on_request() -> None:
    late = ipv4(UDP, SERVER, PI, ports(51820, 40000))[14:]
    lookup = ipv4(UDP, SERVER, PI, ports(53, 40000))[14:]
    unreachable = bytes([3, 3, 0, 0, 0, 0, 0, 0])
    refusal = capture(ipv4(1, PI, SERVER, unreachable + late))
    assert len(packets.clear_packets(packets.read(refusal), HOUSEHOLD)) == 1
    assert packets.clear_packets(packets.read(refusal), HOUSEHOLD, packets.is_refusal) == []
    others = capture(
        ipv4(1, PI, INTERNET_HOST, unreachable + late),
        ipv4(1, PI, SERVER, unreachable + lookup),
        ipv4(1, PI, SERVER, bytes(8) + late),
    )
    assert len(packets.clear_packets(packets.read(others), HOUSEHOLD, packets.is_refusal)) == 3


def test_decodes_all_fields() -> None:
    assert list(packets.read(capture(CLEAR["web"]))) == [Packet(IPV4, PI, INTERNET_HOST, TCP, 50000, 80)]


def test_reads_both_byte_orders_and_skips_incomplete_record() -> None:
    whole = capture(CLEAR["web"], CLEAR["ping"], order=">")
    assert len(list(packets.read(whole))) == 2
    assert len(list(packets.read(whole[:-1]))) == 1
    assert list(packets.read(b"")) == []


@given(st.binary(max_size=80))
def test_decodes_any_frame(data: bytes) -> None:
    assert len(list(packets.read(capture(data)))) == 1
    assert len(list(packets.read(capture(frame(IPV6, data), frame(IPV4, data))))) == 2
