# SPDX-License-Identifier: GPL-3.0-or-later
"""Which probes a capture of the house's uplink holds, and what else is in it that should not be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial

import packets
import services
from packets import IPV4, TCP, UDP, Packet
from probes import MARKED, tcp_probe
from topology import REGISTRY, RESOLVER, TUNNEL_RESOLVER, House

DNS, WEB = 53, (80, 443)
# Those in the VPN namespace, and that of the control without a VPN.
CONTROL_PORT = 9099
UI_PORTS = (*services.pages(*services.IN_VPN), CONTROL_PORT)
# Outside of the VPN, like Jellyfin's: only the outer barrier keeps strangers off.
LAN_PORTS = services.pages(*services.ON_LAN)
KNOCKED = (*UI_PORTS, *LAN_PORTS)
# An address that is in nobody's LAN, from which the laptop knocks at the user interface.
STRANGER = "198.18.200.1"


def probes_seen(capture: bytes, house: House) -> Counter[str]:
    """Count each probe's packets that left the Pi, under its own address or one that nobody has hidden.

    UDP to an endpoint is no clear packet, whoever sent it.
    """
    seen: Counter[str] = Counter()
    for frame in packets.frames(capture):
        packet = packets.decode(frame)
        if packet.ethertype == IPV4 and packet.source != house.pi and packets.of_the_lab(packet.source):
            continue
        if packet.protocol == TCP and (name := tcp_probe(packet.source_port)):
            seen[name] += 1
        elif (
            packet.protocol == TCP and packet.source_port in KNOCKED and packet.target == STRANGER and not packet.reset
        ):
            if packet.source_port in LAN_PORTS:
                seen["jellyfin-stranger"] += 1
            else:
                seen["ui-stranger"] += 1
        elif packet.protocol == TCP and (packet.target, packet.target_port) == (TUNNEL_RESOLVER, DNS):
            seen["dns-docker-tcp"] += 1  # Docker's resolver, which asks from a port of its own
        elif found := MARKED.search(frame):
            seen[found[1].decode()] += 1
    return seen


def strange(
    capture: bytes, house: House, *ignored: packets.Ignored, installs: bool = False, strangers: bool = False
) -> list[Packet]:
    """Packets in clear, whoever sent them.

    ``installs`` lets the Pi's own package manager and Docker pull, ``strangers`` lets pages answer the stranger.
    """
    lets: list[packets.Ignored] = [packets.refusal, *ignored]
    if installs:
        lets.append(partial(installation, house=house))
    if strangers:
        lets.append(lambda packet: packet.target == STRANGER and packet.source_port in KNOCKED)
    return list(packets.clear(_others(capture), house, *lets))


def _others(capture: bytes) -> Iterator[Packet]:
    for frame in packets.frames(capture):
        packet = packets.decode(frame)
        if not (_knock(packet) or _sign_of_life(packet, frame)):
            yield packet


def _knock(packet: Packet) -> bool:
    """The stranger's own side, and the kernel's word that nobody is there; another answer is a leak."""
    refused = packet.reset or (packet.quoted is not None and packet.quoted.source == STRANGER)
    return packet.source == STRANGER or (packet.target == STRANGER and refused)


def _sign_of_life(packet: Packet, frame: bytes) -> bool:
    """vpn-monitor asks the house's resolver for the root's name servers while the tunnel is dead; the host's own."""
    asked = b"\0\1\0\0\0\0\0\0\0\0\2\0\1"
    answered = packet.source == RESOLVER and b"\0\0\2\0\1" in frame
    return packet.protocol == UDP and RESOLVER in (packet.source, packet.target) and (frame.endswith(asked) or answered)


def installation(packet: Packet, house: House) -> bool:
    """What the host itself does while it is installed: packages from the real internet, images from the registry."""
    ends = {packet.source, packet.target}
    if house.pi not in ends:
        return False
    (other,) = ends - {house.pi} or {house.pi}
    ports = {packet.source_port, packet.target_port}
    if packets.of_the_lab(other) or packets.of_the_vpn(other):
        return other == REGISTRY or (other == RESOLVER and DNS in ports)
    return packet.protocol == TCP and not ports.isdisjoint(WEB)
