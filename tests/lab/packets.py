# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a capture file, and tells a packet of the tunnel from one in clear."""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

import services
from topology import CONTROL, LAB, PROVIDERS, TUNNEL, VPN, WIREGUARD_PORT, House

ARP, IPV4, IPV6 = 0x0806, 0x0800, 0x86DD
ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
UNREACHABLE = 3
SSH, PAGES = 22, services.pages()
FLAGS_AT, RST = 13, 0x04  # RFC 9293, section 3.1
LINK_LOCAL = ip_network("fe80::/10")


@dataclass(frozen=True)
class Packet:
    """What of a packet matters here. Ports are 0 where there are none, as in a datagram's later fragments."""

    ethertype: int
    source: str = ""
    target: str = ""
    protocol: int = 0
    source_port: int = 0
    target_port: int = 0
    later_fragment: bool = False
    quoted: Packet | None = None  # what an ICMP error is about
    reset: bool = False  # TCP that only refuses

    def __str__(self) -> str:
        """One line, as a failed test shows it."""
        if not self.source:
            return f"ethertype {self.ethertype:#06x}"
        protocol = {TCP: "tcp", UDP: "udp", ICMP: "icmp", ICMPV6: "icmp6"}.get(self.protocol, str(self.protocol))
        return f"{protocol} {self.source}:{self.source_port} > {self.target}:{self.target_port}"


Ignored = Callable[[Packet], bool]


def read(capture: bytes) -> Iterator[Packet]:
    """Packets of a pcap file of Ethernet frames."""
    return map(decode, frames(capture))


def frames(capture: bytes) -> Iterator[bytes]:
    """Ethernet frames of a pcap file. A last record that is not complete yet is left out."""
    order = "<" if capture[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at = 24
    while at + 16 <= len(capture):
        length = struct.unpack_from(f"{order}I", capture, at + 8)[0]
        frame = capture[at + 16 : at + 16 + length]
        at += 16 + length
        if len(frame) == length:
            yield frame


def decode(frame: bytes) -> Packet:
    """What cannot be decoded is a packet of its ethertype only: no rule calls it harmless."""
    ethertype = struct.unpack_from("!H", frame, 12)[0] if len(frame) >= 14 else 0
    try:
        if ethertype == IPV4:
            return _decode_ipv4(frame[14:])
        if ethertype == IPV6:
            return _decode_ipv6(frame[14:])
    except struct.error:
        pass
    return Packet(ethertype)


def _decode_ipv4(data: bytes) -> Packet:
    head, fragment, protocol, source, target = struct.unpack_from("!B5xHxB2x4s4s", data)
    later = bool(fragment & 0x1FFF)
    content = data[(head & 0x0F) * 4 :]
    ports = (0, 0) if later else _ports(protocol, content)
    error = protocol == ICMP and not later and content[:1] == bytes([UNREACHABLE])
    quoted = _decode_ipv4(content[8:]) if error else None
    reset = protocol == TCP and not later and len(content) > FLAGS_AT and bool(content[FLAGS_AT] & RST)
    return Packet(IPV4, str(ip_address(source)), str(ip_address(target)), protocol, *ports, later, quoted, reset)


def _decode_ipv6(data: bytes) -> Packet:
    protocol, source, target = struct.unpack_from("!6xBx16s16s", data)
    data = data[40:]
    if protocol == 0:  # hop-by-hop options, as multicast listener reports have
        protocol, data = data[0] if data else 0, data[8 * ((data[1] if len(data) > 1 else 0) + 1) :]
    return Packet(IPV6, str(ip_address(source)), str(ip_address(target)), protocol, *_ports(protocol, data))


def _ports(protocol: int, data: bytes) -> tuple[int, int]:
    source, target = struct.unpack_from("!HH", data) if protocol in (TCP, UDP) else (0, 0)
    return source, target


def of_the_tunnel(packet: Packet, endpoints: Collection[str]) -> bool:
    """UDP to or from a listed endpoint's WireGuard port, and the later pieces of such a datagram."""
    if packet.ethertype != IPV4 or packet.protocol != UDP:
        return False
    if packet.later_fragment:
        return packet.source in endpoints or packet.target in endpoints
    to_server = packet.target in endpoints and packet.target_port == WIREGUARD_PORT
    return to_server or (packet.source in endpoints and packet.source_port == WIREGUARD_PORT)


def refusal(packet: Packet) -> bool:
    """The kernel's answer to a provider's datagram that came after its tunnel had ended; to be ignored by name."""
    endpoints = [provider.address for provider in PROVIDERS]
    return packet.quoted is not None and packet.target in endpoints and of_the_tunnel(packet.quoted, endpoints)


def of_the_lab(address: str) -> bool:
    """Whether this is an IPv4 address of somebody in the lab, not one that is at home inside a Pi or a tunnel."""
    return _inside(address, LAB)


def of_the_vpn(address: str) -> bool:
    """Whether this is an IPv4 address that only what is in the VPN has."""
    return _inside(address, VPN, CONTROL, TUNNEL)


def _inside(address: str, *networks: str) -> bool:
    return bool(address) and any(ip_address(address) in ip_network(network) for network in networks)


def of_the_house(packet: Packet, house: House) -> bool:
    """ARP, neighbour discovery, the machine's SSH, the laptop at the user interface, the laptop elsewhere."""
    if packet.ethertype == ARP:
        return True
    if packet.ethertype == IPV6:
        local = ip_address(packet.source) in LINK_LOCAL or packet.source == "::"
        return packet.protocol == ICMPV6 and local
    ends = (packet.source, packet.target)
    if house.pi not in ends:
        # Pages answer the laptop under their own address while Docker's rules are gone; nobody else in the VPN may.
        page = packet.protocol == TCP and packet.source_port in PAGES
        return house.laptop in ends and (page or not of_the_vpn(packet.source))
    if packet.quoted is not None:  # the Pi's kernel tells the laptop that nobody is there
        return packet.target == packet.quoted.source == house.laptop
    if packet.protocol != TCP:
        return False
    if packet.target == house.pi:
        port, other, others_port = packet.target_port, packet.source, packet.source_port
    else:
        port, other, others_port = packet.source_port, packet.target, packet.target_port
    # Docker's proxy, which is the host's, asks for a page whose bridge is gone.
    proxy = of_the_vpn(other) and others_port in PAGES
    return proxy or (other, port) in {(house.machine, SSH), *((house.laptop, page) for page in PAGES)}


def clear(packets: Iterator[Packet], house: House, *ignored: Ignored) -> list[Packet]:
    """Packets that are neither of the tunnel, nor the house's own business, nor ignored by name."""
    endpoints = [provider.address for provider in PROVIDERS]
    return [
        packet
        for packet in packets
        if not (
            of_the_tunnel(packet, endpoints)
            or of_the_house(packet, house)
            or any(ignores(packet) for ignores in ignored)
        )
    ]
