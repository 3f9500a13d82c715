# SPDX-License-Identifier: GPL-3.0-or-later
"""Which probes a capture of the house's uplink holds, and what else is in it that should not be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address, ip_network

import packets
from packets import IPV4, TCP, UDP, Packet
from probes import MARKED, tcp_probe
from topology import LAB, REGISTRY, RESOLVER, House

UI_PORT = 9091
# An address that is in nobody's LAN, from which the laptop knocks at the user interface.
STRANGER = "198.18.200.1"


def probes_seen(capture: bytes, house: House) -> Counter[str]:
    """Count each probe's packets that left the Pi. UDP to an endpoint is no clear packet, whoever sent it."""
    seen: Counter[str] = Counter()
    for frame in packets.frames(capture):
        packet = packets.decode(frame)
        if packet.source != house.pi and packet.ethertype == IPV4:
            continue
        if packet.protocol == TCP and (name := tcp_probe(packet.source_port)):
            seen[name] += 1
        elif (
            packet.protocol == TCP and packet.source_port == UI_PORT and packet.target == STRANGER and not packet.reset
        ):
            seen["ui-stranger"] += 1
        elif found := MARKED.search(frame):
            seen[found[1].decode()] += 1
    return seen


def strange(capture: bytes, house: House, *, installs: bool = False) -> list[Packet]:
    """Packets in clear, whoever sent them. ``installs`` lets the Pi's own package manager and Docker pull."""
    return list(packets.clear(_others(capture), house, packets.refusal, *([installation] if installs else [])))


def _others(capture: bytes) -> Iterator[Packet]:
    for frame in packets.frames(capture):
        packet = packets.decode(frame)
        if not (_knock(packet) or _sign_of_life(packet, frame)):
            yield packet


def _knock(packet: Packet) -> bool:
    """The stranger's own side, and the kernel's word that nobody is there yet; another answer is a leak."""
    return packet.source == STRANGER or (packet.target == STRANGER and packet.reset)


def _sign_of_life(packet: Packet, frame: bytes) -> bool:
    """vpn-monitor asks the house's resolver for the root's name servers while the tunnel is dead; the host's own."""
    asked = b"\0\1\0\0\0\0\0\0\0\0\2\0\1"
    answered = packet.source == RESOLVER and b"\0\0\2\0\1" in frame
    return packet.protocol == UDP and RESOLVER in (packet.source, packet.target) and (frame.endswith(asked) or answered)


def installation(packet: Packet) -> bool:
    """What the host itself does while it is installed: packages from the real internet, images from the registry."""
    ends = (packet.source, packet.target)
    if REGISTRY in ends:
        return True
    outside = [end for end in ends if end and ip_address(end) not in ip_network(LAB)]
    return bool(outside) or (RESOLVER in ends and packet.protocol == UDP)
