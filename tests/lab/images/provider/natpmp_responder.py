# SPDX-License-Identifier: GPL-3.0-or-later
"""Forwards one port, TCP and UDP, to each client that requests it by NAT-PMP (RFC 6886).

ADDRESS is the server's address in the tunnel with its prefix length, PUBLIC its public address, FIRST_PORT the first of
the ports to give. A request for internal port 0 maps the external port to the same internal port, as ProtonVPN does.
There are no multicast announcements (RFC 6886, 3.2.1), because WireGuard does not carry multicast. The kernel keeps an
established connection after its mapping has expired.
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
# The longest lifetime that ProtonVPN grants.
LIFETIME_S = 60
REPLY = 0x80
PROTOCOLS = {1: "udp", 2: "tcp"}
SUCCESS, UNSUPPORTED_VERSION, OUT_OF_RESOURCES, UNSUPPORTED_OPCODE = 0, 1, 4, 5


@dataclass(frozen=True)
class Mapping:
    """A mapping of an external to the client's internal port; ``expires`` is in seconds of the caller's clock."""

    internal: int
    external: int
    expires: float


class Gateway:
    """The table of mappings, without access to network or clock. ``now`` is a monotonic time in seconds."""

    def __init__(self, public: str, started: float, ports: range) -> None:
        self.public = ipaddress.IPv4Address(public)
        self.started = started
        self.ports = ports
        self.upcoming = 0
        self.mappings: dict[tuple[str, str], Mapping] = {}

    def answer(self, request: bytes, client: str, now: float) -> bytes | None:
        """Return the reply to a datagram, or None where RFC 6886, 3.5 requires silence."""
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
        self.mappings = {owner: mapping for owner, mapping in self.mappings.items() if mapping.expires > now}

    def _map(
        self, client: str, protocol: str, internal: int, suggested: int, lifetime: int, now: float
    ) -> tuple[int, int, int]:
        """Create, renew or delete a mapping; return result code, external port and lifetime."""
        held = self.mappings.get((client, protocol))
        if not lifetime:
            # Internal port 0 means all mappings of the client, which has at most one (RFC 6886, 3.4).
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
        """Return the client's port, or the port it suggests, or the next free one; 0 when none is free."""
        taken = {mapping.external: owner for (owner, _protocol), mapping in self.mappings.items()}
        for port, owner in taken.items():
            if owner == client:
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
        """Return the nft file with the mappings; loading it replaces the table atomically."""
        lines = [
            f"        ip daddr {self.public} {protocol} dport {mapping.external} "
            f"dnat to {client}:{mapping.internal or mapping.external}"
            for (client, protocol), mapping in sorted(self.mappings.items())
        ]
        head = ["table ip natpmp", "delete table ip natpmp", "table ip natpmp {", "    chain inwards {"]
        hook = "        type nat hook prerouting priority dstnat;"
        return "\n".join([*head, hook, *lines, "    }", "}"]) + "\n"


def serve(own: ipaddress.IPv4Interface, public: str, ports: range) -> None:
    """Answer clients of the tunnel until the process ends; requests from other addresses get no answer."""
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
            # Load the rules before the reply, so that the port is open when the client gets it.
            if (rules := gateway.rules()) != loaded:
                subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)
                loaded = rules
                print(time.strftime("%H:%M:%S"), gateway.mappings, flush=True)
            if reply is not None:
                line.sendto(reply, client)


if __name__ == "__main__":
    first = int(os.environ["FIRST_PORT"])
    serve(ipaddress.IPv4Interface(os.environ["ADDRESS"]), os.environ["PUBLIC"], range(first, first + HOW_MANY))
