# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the probes in a capture of the household's uplink, and finds other packets in clear."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial

import packets
import services
from packets import IPV4, TCP, UDP, Packet
from probes import MARKED, tcp_probe
from topology import REGISTRY, RESOLVER, TUNNEL_RESOLVER, LabHousehold

DNS, WEB = 53, (80, 443)
CONTROL_PORT = 9099
# Ports of the services in the VPN namespace, and that of the control without a VPN.
UI_PORTS = (*services.web_ports(*services.IN_VPN), CONTROL_PORT)
# Ports of the services outside of the VPN, as Jellyfin's: only the outer barrier protects them.
LAN_PORTS = services.web_ports(*services.ON_LAN)
PUBLISHED_PORTS = (*UI_PORTS, *LAN_PORTS)
# An address outside of every LAN, from which the laptop connects to the published ports.
OUTSIDE_CLIENT = "198.18.200.1"
# Answers to that client, as the report names them.
UI_OUTSIDE, JELLYFIN_OUTSIDE = "ui-outside", "jellyfin-outside"


def count_probes(capture: bytes, household: LabHousehold) -> Counter[str]:
    """Count the packets of each probe that left the Pi, with the Pi's address or without source translation.

    UDP to an endpoint counts here although it is not a packet in clear.
    """
    seen: Counter[str] = Counter()
    for frame in packets.frames(capture):
        packet = packets.decode(frame)
        if packet.ethertype == IPV4 and packet.source != household.pi and packets.is_lab_address(packet.source):
            continue
        if packet.protocol == TCP and (name := tcp_probe(packet.source_port)):
            seen[name] += 1
        elif _answers_outside_client(packet) and not packet.reset:
            seen[JELLYFIN_OUTSIDE if packet.source_port in LAN_PORTS else UI_OUTSIDE] += 1
        elif packet.protocol == TCP and (packet.target, packet.target_port) == (TUNNEL_RESOLVER, DNS):
            seen["dns-docker-tcp"] += 1  # from Docker's resolver, which uses its own source port
        elif found := MARKED.search(frame):
            seen[found[1].decode()] += 1
    return seen


def _answers_outside_client(packet: Packet) -> bool:
    return packet.protocol == TCP and packet.source_port in PUBLISHED_PORTS and packet.target == OUTSIDE_CLIENT


def unexpected_packets(
    capture: bytes,
    household: LabHousehold,
    *ignored: packets.Ignored,
    installs: bool = False,
    outside_answers: bool = False,
) -> list[Packet]:
    """Return the packets in clear, of any sender.

    ``installs`` permits the Pi's own downloads of packages and images, ``outside_answers`` answers of published ports
    to the client outside of the LAN.
    """
    permitted: list[packets.Ignored] = [packets.is_refusal, *ignored]
    if installs:
        permitted.append(partial(is_installation, household=household))
    if outside_answers:
        permitted.append(lambda packet: packet.target == OUTSIDE_CLIENT and packet.source_port in PUBLISHED_PORTS)
    return list(packets.clear_packets(_others(capture), household, *permitted))


def _others(capture: bytes) -> Iterator[Packet]:
    for frame in packets.frames(capture):
        packet = packets.decode(frame)
        if not (_is_outside_client(packet) or _is_online_check(packet, frame)):
            yield packet


def _is_outside_client(packet: Packet) -> bool:
    """Return whether the client outside of the LAN sent it, or it refuses that client; another answer is a leak."""
    refused = packet.reset or (packet.quoted is not None and packet.quoted.source == OUTSIDE_CLIENT)
    return packet.source == OUTSIDE_CLIENT or (packet.target == OUTSIDE_CLIENT and refused)


def _is_online_check(packet: Packet, frame: bytes) -> bool:
    """Return whether it is vpn-monitor's query for the root's name servers, the host's own traffic, or its answer."""
    query = b"\0\1\0\0\0\0\0\0\0\0\2\0\1"
    answered = packet.source == RESOLVER and b"\0\0\2\0\1" in frame
    return packet.protocol == UDP and RESOLVER in (packet.source, packet.target) and (frame.endswith(query) or answered)


def is_installation(packet: Packet, household: LabHousehold) -> bool:
    """Return whether the Pi itself downloads a package from the real internet or an image from the registry."""
    ends = {packet.source, packet.target}
    if household.pi not in ends:
        return False
    (other,) = ends - {household.pi} or {household.pi}
    ports = {packet.source_port, packet.target_port}
    if packets.is_lab_address(other) or packets.is_vpn_address(other):
        return other == REGISTRY or (other == RESOLVER and DNS in ports)
    return packet.protocol == TCP and not ports.isdisjoint(WEB)
