# SPDX-License-Identifier: GPL-3.0-or-later
"""One DNS query to a resolver, to see whether it answers: the name servers of the root zone (RFC 1035).

The query contains no personal data, and every resolver has the answer in its cache. Through the tunnel any answer
counts, because the tunnel has carried it. An answer of the host's own resolvers, which may be in the LAN, counts only
when it needed the internet.
"""

from __future__ import annotations

import re
import secrets
import select
import socket
import struct
import time
from pathlib import Path
from typing import Any

PORT = 53
RECURSION_DESIRED = 0x0100
NS, IN = 2, 1
# Response codes (RFC 1035, section 4.1.1).
NO_ERROR, SERVER_FAILURE, NO_SUCH_NAME = 0, 2, 3
ANSWER_TIMEOUT_S = 2.0
RESOLVERS = Path("/etc/resolv.conf")
# As many as the C library asks (resolv.conf(5), MAXNS).
MOST_RESOLVERS = 3


def question(number: int) -> bytes:
    """Return the datagram that asks for the root's name servers."""
    return struct.pack("!6H", number, RECURSION_DESIRED, 1, 0, 0, 0) + b"\0" + struct.pack("!HH", NS, IN)


def is_answer(datagram: bytes, number: int) -> bool:
    """Say whether this is an answer to our query, with any response code."""
    return len(datagram) >= 12 and datagram[:2] == struct.pack("!H", number) and bool(datagram[2] & 0x80)


def answers(line: socket.socket, resolver: str, timeout: float, *, port: int = PORT) -> bool:
    """Ask over a UDP socket; False when nothing comes within ``timeout`` seconds, or it cannot be sent."""
    return ask(line, (resolver, port), timeout) is not None


def ask(line: socket.socket, address: tuple[Any, ...], timeout: float) -> int | None:
    """Ask over a UDP socket; return the response code, None when there is none within ``timeout`` seconds."""
    number = secrets.randbelow(1 << 16)
    deadline = time.monotonic() + timeout
    try:
        line.setblocking(False)
        line.connect(address)
        line.send(question(number))
        while (left := deadline - time.monotonic()) > 0 and select.select([line], [], [], left)[0]:
            if is_answer(found := line.recv(4096), number):
                return found[3] & 0x0F
    except OSError:
        return None
    return None


def host_is_online(path: Path | None = None, *, port: int = PORT, timeout: float = ANSWER_TIMEOUT_S) -> bool | None:
    """Say whether the host is online, by the answers of its resolvers; None where these prove nothing.

    No answer and SERVFAIL mean offline. REFUSED proves nothing.
    """
    try:
        text = (path or RESOLVERS).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    codes: list[int | None] = []
    for resolver in re.findall(r"^\s*nameserver\s+(\S+)", text, re.MULTILINE)[:MOST_RESOLVERS]:
        try:
            # Returns family and scope of the address ("fe80::1%eth0"), without a query.
            found = socket.getaddrinfo(resolver, port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)[0]
        except OSError:
            continue
        try:
            with socket.socket(found[0], socket.SOCK_DGRAM) as line:
                codes.append(ask(line, found[4], timeout))
        except OSError:  # a kernel without IPv6
            codes.append(None)
        if codes[-1] in (NO_ERROR, NO_SUCH_NAME):
            return True
    return False if codes and set(codes) <= {None, SERVER_FAILURE} else None
