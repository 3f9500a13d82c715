# SPDX-License-Identifier: GPL-3.0-or-later
"""One question to a resolver, as a sign of life: who serves the root zone (RFC 1035)? Any answer counts.

It names nobody, and every resolver has the answer at hand.
"""

from __future__ import annotations

import secrets
import select
import socket
import struct
import time

PORT = 53
RECURSION_DESIRED = 0x0100
NS, IN = 2, 1


def question(number: int) -> bytes:
    """Return the datagram that asks for the root's name servers."""
    return struct.pack("!6H", number, RECURSION_DESIRED, 1, 0, 0, 0) + b"\0" + struct.pack("!HH", NS, IN)


def is_answer(datagram: bytes, number: int) -> bool:
    """Say whether this is an answer to our question, good or bad."""
    return len(datagram) >= 12 and datagram[:2] == struct.pack("!H", number) and bool(datagram[2] & 0x80)


def answers(line: socket.socket, resolver: str, timeout: float, *, port: int = PORT) -> bool:
    """Ask over a UDP socket; False when nothing comes within ``timeout`` seconds, or it cannot be sent."""
    number = secrets.randbelow(1 << 16)
    deadline = time.monotonic() + timeout
    try:
        line.setblocking(False)
        line.connect((resolver, port))
        line.send(question(number))
        while (left := deadline - time.monotonic()) > 0 and select.select([line], [], [], left)[0]:
            if is_answer(line.recv(4096), number):
                return True
    except OSError:
        return False
    return False
