# SPDX-License-Identifier: GPL-3.0-or-later
"""Forwards a port to each client that asks with NAT-PMP (RFC 6886), as a provider does: one port, TCP and UDP.

ADDRESS is the server's own in the tunnel with its prefix length, PUBLIC the one on the internet, FIRST_PORT the first
of the ports to give. Asked for the
internal port 0, as ProtonVPN wants it, the client gets the external port itself. Nothing is announced by multicast
(RFC 6886, 3.2.1): WireGuard carries none. A connection that stands survives its mapping, as the kernel keeps it.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import struct
import subprocess
import time
from dataclasses import dataclass

PORT = 5351
HOW_MANY = 1000
# What ProtonVPN grants at most.
LIFETIME_S = 60
REPLY = 0x80
PROTOCOLS = {1: "udp", 2: "tcp"}
SUCCESS, UNSUPPORTED_VERSION, OUT_OF_RESOURCES, UNSUPPORTED_OPCODE = 0, 1, 4, 5


@dataclass(frozen=True)
class Mapping:
    """The client's internal port, reached by the external one until ``expires`` (seconds of the caller's clock)."""

    internal: int
    external: int
    expires: float


class Gateway:
    """Who has which port; it touches neither network nor clock. ``now`` are seconds that never run backwards."""

    def __init__(self, public: str, started: float, ports: range) -> None:
        self.public = ipaddress.IPv4Address(public)
        self.started = started
        self.ports = ports
        self.upcoming = 0
        self.mappings: dict[tuple[str, str], Mapping] = {}

    def answer(self, request: bytes, client: str, now: float) -> bytes | None:
        """Return the reply to a datagram, None for one that gets none (RFC 6886, 3.5)."""
        self.expire(now)
        if len(request) < 2 or request[1] >= REPLY:
            return None
        epoch, opcode = int(now - self.started), request[1]
        if request[0] != 0:
            return struct.pack("!BBHI", 0, 0, UNSUPPORTED_VERSION, epoch)
        if opcode == 0:
            return struct.pack("!BBHI", 0, REPLY, SUCCESS, epoch) + self.public.packed
        if opcode not in PROTOCOLS:
            return struct.pack("!BBH", 0, opcode | REPLY, UNSUPPORTED_OPCODE) + request[4:]
        if len(request) < 12:
            return None
        internal, suggested, lifetime = struct.unpack("!HHI", request[4:12])
        result, external, granted = self._map(client, PROTOCOLS[opcode], internal, suggested, lifetime, now)
        return struct.pack("!BBHIHHI", 0, opcode | REPLY, result, epoch, internal, external, granted)

    def expire(self, now: float) -> None:
        self.mappings = {whose: mapping for whose, mapping in self.mappings.items() if mapping.expires > now}

    def _map(
        self, client: str, protocol: str, internal: int, suggested: int, lifetime: int, now: float
    ) -> tuple[int, int, int]:
        """Make, renew or end a mapping; return result, external port and lifetime."""
        held = self.mappings.get((client, protocol))
        if not lifetime:
            # The internal port 0 means all of the client's; there is one at most (RFC 6886, 3.4).
            if held and internal in (0, held.internal):
                del self.mappings[client, protocol]
            return SUCCESS, 0, 0
        external = self._port(client, suggested)
        if not external or (held and held.internal != internal):
            return OUT_OF_RESOURCES, 0, 0
        granted = min(lifetime, LIFETIME_S)
        self.mappings[client, protocol] = Mapping(internal, external, now + granted)
        return SUCCESS, external, granted

    def _port(self, client: str, suggested: int) -> int:
        """Return the client's port, else the one that it suggests, else the next free one; 0 when there is none."""
        taken = {mapping.external: whose for (whose, _unused), mapping in self.mappings.items()}
        for port, whose in taken.items():
            if whose == client:
                return port
        if suggested in self.ports and suggested not in taken:
            return suggested
        for _round in self.ports:
            port = self.ports[self.upcoming % len(self.ports)]
            self.upcoming += 1
            if port not in taken:
                return port
        return 0

    def rules(self) -> str:
        """Return the nft file that stands for the mappings; loading it replaces the table in one step."""
        lines = [
            f"        ip daddr {self.public} {protocol} dport {mapping.external} "
            f"dnat to {client}:{mapping.internal or mapping.external}"
            for (client, protocol), mapping in sorted(self.mappings.items())
        ]
        head = ["table ip natpmp", "delete table ip natpmp", "table ip natpmp {", "    chain inwards {"]
        hook = "        type nat hook prerouting priority dstnat;"
        return "\n".join([*head, hook, *lines, "    }", "}"]) + "\n"


def serve(own: ipaddress.IPv4Interface, public: str, ports: range) -> None:
    """Answer clients of the tunnel, and nobody else, until the end of the process."""
    gateway, loaded = Gateway(public, time.monotonic(), ports), ""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind((str(own.ip), PORT))
        line.settimeout(0.5)
        while True:
            reply, client = None, ("", 0)
            try:
                request, client = line.recvfrom(2048)
            except TimeoutError:
                gateway.expire(time.monotonic())
            else:
                if ipaddress.IPv4Address(client[0]) in own.network:
                    reply = gateway.answer(request, client[0], time.monotonic())
            # The port is open before its owner hears of it.
            if (rules := gateway.rules()) != loaded:
                subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)
                loaded = rules
                print(time.strftime("%H:%M:%S"), gateway.mappings, flush=True)
            if reply is not None:
                line.sendto(reply, client)


if __name__ == "__main__":
    first = int(os.environ["FIRST_PORT"])
    serve(ipaddress.IPv4Interface(os.environ["ADDRESS"]), os.environ["PUBLIC"], range(first, first + HOW_MANY))
