# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a capture file and finds the packets in clear: neither tunnel packets nor the household's own traffic."""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

import services
from topology import CONTROL, LAB, PROVIDERS, TUNNEL, VPN, WIREGUARD_PORT, LabHousehold

ARP, IPV4, IPV6 = 0x0806, 0x0800, 0x86DD
ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
UNREACHABLE = 3
SSH, WEB_PORTS = 22, services.web_ports()
FLAGS_AT, RST = 13, 0x04  # RFC 9293, section 3.1
LINK_LOCAL = ip_network("fe80::/10")


@dataclass(frozen=True)
class Packet:
    """The header fields that the rules use. Ports are 0 where there are none, as in later fragments."""

    ethertype: int
    source: str = ""
    target: str = ""
    protocol: int = 0
    source_port: int = 0
    target_port: int = 0
    later_fragment: bool = False
    quoted: Packet | None = None  # the packet that an ICMP error quotes
    reset: bool = False  # TCP with RST

    def __str__(self) -> str:
        """Return one line for the message of a failed test."""
        if not self.source:
            return f"ethertype {self.ethertype:#06x}"
        protocol = {TCP: "tcp", UDP: "udp", ICMP: "icmp", ICMPV6: "icmp6"}.get(self.protocol, str(self.protocol))
        return f"{protocol} {self.source}:{self.source_port} > {self.target}:{self.target_port}"


Ignored = Callable[[Packet], bool]


def read(capture: bytes) -> Iterator[Packet]:
    """Decode the packets of a pcap file of Ethernet frames."""
    return map(decode, frames(capture))


def frames(capture: bytes) -> Iterator[bytes]:
    """Return the Ethernet frames of a pcap file. An incomplete last record is skipped."""
    order = "<" if capture[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at = 24
    while at + 16 <= len(capture):
        length = struct.unpack_from(f"{order}I", capture, at + 8)[0]
        frame = capture[at + 16 : at + 16 + length]
        at += 16 + length
        if len(frame) == length:
            yield frame


def decode(frame: bytes) -> Packet:
    """Decode a frame. One that cannot be decoded has its ethertype only, so that no rule permits it."""
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


def is_tunnel_packet(packet: Packet, endpoints: Collection[str]) -> bool:
    """Return whether it is UDP to or from an endpoint's WireGuard port, or a later fragment of such a datagram."""
    if packet.ethertype != IPV4 or packet.protocol != UDP:
        return False
    if packet.later_fragment:
        return packet.source in endpoints or packet.target in endpoints
    to_server = packet.target in endpoints and packet.target_port == WIREGUARD_PORT
    return to_server or (packet.source in endpoints and packet.source_port == WIREGUARD_PORT)


def is_refusal(packet: Packet) -> bool:
    """Return whether it is an ICMP error about a provider's datagram that arrived after the tunnel had ended."""
    endpoints = [provider.address for provider in PROVIDERS]
    return packet.quoted is not None and packet.target in endpoints and is_tunnel_packet(packet.quoted, endpoints)


def is_lab_address(address: str) -> bool:
    """Return whether it is an IPv4 address of a host in the lab, not one inside a Pi or a tunnel."""
    return _inside(address, LAB)


def is_vpn_address(address: str) -> bool:
    """Return whether it is an IPv4 address of the VPN network, the control network or the tunnel."""
    return _inside(address, VPN, CONTROL, TUNNEL)


def _inside(address: str, *networks: str) -> bool:
    return bool(address) and any(ip_address(address) in ip_network(network) for network in networks)


def is_household_packet(packet: Packet, household: LabHousehold) -> bool:
    """Return whether it is permitted traffic of the household.

    Permitted are ARP, IPv6 neighbour discovery, SSH from the machine, the laptop at the web interfaces, and the
    laptop's traffic to other hosts.
    """
    if packet.ethertype == ARP:
        return True
    if packet.ethertype == IPV6:
        local = ip_address(packet.source) in LINK_LOCAL or packet.source == "::"
        return packet.protocol == ICMPV6 and local
    ends = (packet.source, packet.target)
    if household.pi not in ends:
        # While Docker's rules are missing, web interfaces answer the laptop from their own address. No other packet
        # from the VPN network to the laptop is permitted.
        from_web = packet.protocol == TCP and packet.source_port in WEB_PORTS
        return household.laptop in ends and (from_web or not is_vpn_address(packet.source))
    if packet.quoted is not None:  # the Pi's kernel reports to the laptop that a port is closed
        return packet.target == packet.quoted.source == household.laptop
    if packet.protocol != TCP:
        return False
    if packet.target == household.pi:
        port, other, others_port = packet.target_port, packet.source, packet.source_port
    else:
        port, other, others_port = packet.source_port, packet.target, packet.target_port
    # Docker's proxy, a process of the host, connects to a web interface whose bridge is gone.
    proxy = is_vpn_address(other) and others_port in WEB_PORTS
    return proxy or (other, port) in {(household.machine, SSH), *((household.laptop, web) for web in WEB_PORTS)}


def clear_packets(packets: Iterator[Packet], household: LabHousehold, *ignored: Ignored) -> list[Packet]:
    """Return the packets in clear: not of the tunnel, not permitted traffic of the household, not ignored."""
    endpoints = [provider.address for provider in PROVIDERS]
    return [
        packet
        for packet in packets
        if not (
            is_tunnel_packet(packet, endpoints)
            or is_household_packet(packet, household)
            or any(ignores(packet) for ignores in ignored)
        )
    ]
