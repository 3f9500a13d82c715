# SPDX-License-Identifier: GPL-3.0-or-later
"""A port of the provider's, forwarded to us for a while: NAT-PMP (RFC 6886), as ProtonVPN supports it.

Ask first for any port, then, before its time is over, again and again for the port that is held.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from mediaserver._core.errors import NatPmpError

VERSION = 0
PORT = 5351
LIFETIME_S = 60
REFRESH_S = 45
# The wait for the first answer; each further wait is twice as long (RFC 6886, 3.1).
FIRST_WAIT_S = 0.25
# The RFC has nine, over two minutes; five take 7.75 s, so that a port is given up about when its time is over.
TRIES = 5
# What ProtonVPN wants to be asked for: "any port", and that port itself on our side.
ANY_PORT = 1
INTERNAL_PORT = 0
OPCODES = {"udp": 1, "tcp": 2}
REPLY = 0x80
UNSUPPORTED_VERSION = 1
RESULTS = {
    UNSUPPORTED_VERSION: "another version is spoken there: forward a fixed port, or none",
    2: "not authorized: NAT-PMP must be switched on when the key was generated at the provider",
    3: "the server has no network of its own just now: wait, or choose another server",
    4: "no port is free there: wait, or choose another server",
    5: "this request is unknown there: choose a server that forwards ports",
}

Exchange = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Grant:
    """One protocol's mapping, as the gateway answers: ports, seconds that it lasts, seconds that the gateway runs."""

    internal: int
    external: int
    lifetime: int
    epoch: int


@dataclass(frozen=True)
class Mapping:
    """A port that is ours for ``lifetime`` seconds, with TCP and UDP; ``epoch`` falls when the gateway forgot it."""

    port: int
    lifetime: int
    epoch: int


def map_request(protocol: str, internal: int, suggested: int, lifetime: int) -> bytes:
    """Return the datagram that asks for a mapping, for ``lifetime`` seconds. Raises ValueError for a wrong number."""
    try:
        return struct.pack("!BBHHHI", VERSION, OPCODES[protocol], 0, internal, suggested, lifetime)
    except (struct.error, KeyError) as error:
        raise ValueError(f"no mapping: {protocol} {internal} {suggested} {lifetime}") from error


def grant(reply: bytes, protocol: str) -> Grant:
    """Return what the gateway grants, even another port than was suggested. Raises NatPmpError."""
    _check(reply, OPCODES[protocol], 16)
    epoch, internal, external, lifetime = struct.unpack("!IHHI", reply[4:16])
    return Grant(internal, external, lifetime, epoch)


def _check(reply: bytes, opcode: int, size: int) -> None:
    """Raise NatPmpError unless this is a success of the right kind; an error may be shorter than ``size`` bytes."""
    if len(reply) < 4:
        raise NatPmpError(f"The provider's NAT-PMP answer is cut off after {len(reply)} bytes; it counts as none")
    version, kind, result = struct.unpack("!BBH", reply[:4])
    if version != VERSION:
        raise NatPmpError(f"The provider answers NAT-PMP with version {version}; forward a fixed port, or none")
    # A refused version is answered with opcode 0, whatever was asked (RFC 6886, 3.5).
    if kind != opcode | REPLY and (kind, result) != (0, UNSUPPORTED_VERSION):
        raise NatPmpError(f"The provider's NAT-PMP answer is to something else (opcode {kind}); it counts as none")
    if result:
        why = RESULTS.get(result, "a reason that RFC 6886 does not know: choose another server")
        raise NatPmpError(f"The provider forwards no port (NAT-PMP result {result}): {why}")
    if len(reply) < size:
        raise NatPmpError(f"The provider's NAT-PMP answer is cut off after {len(reply)} bytes; it counts as none")


def is_answer(reply: bytes, request: bytes) -> bool:
    """Say whether a datagram answers this request, well or badly, and not an earlier one."""
    if reply[:4] == struct.pack("!BBH", VERSION, 0, UNSUPPORTED_VERSION):
        return True
    if len(reply) < 2 or reply[1] != request[1] | REPLY:
        return False
    # A mapping's answer names the internal port; that to an unknown opcode is shorter and does not.
    return len(request) < 12 or len(reply) < 16 or reply[8:10] == request[4:6]


def map_port(
    exchange: Exchange, wanted: int = ANY_PORT, lifetime: int = LIFETIME_S, *, never: Collection[int] = ()
) -> Mapping:
    """Have one port forwarded, with UDP and TCP: any at first, later ``wanted``, the one that is held.

    ``never`` are ports that must not be open to the internet, as those of the UIs. The port had may be another than
    ``wanted``. Raises NatPmpError; what was granted by then ends by itself after ``lifetime`` seconds.
    """
    udp = _granted(exchange, "udp", wanted, lifetime)
    if udp.external in never:
        raise NatPmpError(f"The provider forwards port {udp.external}, which must stay closed here; connect again")
    tcp = _granted(exchange, "tcp", udp.external, lifetime)
    if tcp.external != udp.external:
        raise NatPmpError(
            f"The provider forwards port {udp.external} with UDP but {tcp.external} with TCP; "
            f"wait {max(udp.lifetime, tcp.lifetime)} s until both have ended, or choose another server"
        )
    return Mapping(udp.external, min(udp.lifetime, tcp.lifetime), tcp.epoch)


def _granted(exchange: Exchange, protocol: str, suggested: int, lifetime: int) -> Grant:
    found = grant(exchange(map_request(protocol, INTERNAL_PORT, suggested, lifetime)), protocol)
    if not found.external or not found.lifetime:
        raise NatPmpError(
            f"The provider forwards port {found.external} with {protocol.upper()} for {found.lifetime} s, "
            "which is not a port; choose another server"
        )
    return found


def udp_exchange(
    line: socket.socket,
    gateway: str,
    request: bytes,
    *,
    attempts: int = TRIES,
    port: int = PORT,
    wait: float = FIRST_WAIT_S,
) -> bytes:
    """Ask the gateway (an IPv4 address) over a UDP socket, which gets connected, up to ``attempts`` times.

    The first try waits ``wait`` seconds, each further one twice as long. Raises NatPmpError when no answer comes.
    """
    try:
        line.connect((gateway, port))
        _forget(line)
        for attempt in range(attempts):
            line.send(request)
            if (reply := _received(line, request, wait * 2**attempt)) is not None:
                return reply
    except ConnectionRefusedError as error:
        raise NatPmpError(
            f"The provider's server does not support NAT-PMP (connection refused at {gateway}:{port}); "
            "choose a server that forwards ports, and a key that was generated with NAT-PMP switched on"
        ) from error
    except OSError as error:
        raise NatPmpError(f"{gateway} cannot be asked for a port ({error}); see whether the tunnel is up") from error
    raise NatPmpError(
        f"{gateway} was asked {attempts} times for a port and did not answer; "
        "see whether the tunnel is up, and whether this server forwards ports"
    )


def _forget(line: socket.socket) -> None:
    """Drop earlier datagrams: late answers to old requests, and those that other hosts sent before the connection.

    From here on the kernel accepts only what the gateway sends, as RFC 6886, 3.1 wants.
    """
    line.setblocking(False)
    while True:
        try:
            line.recv(1)
        except BlockingIOError:
            return
        except ConnectionRefusedError:
            continue


def _received(line: socket.socket, request: bytes, wait: float) -> bytes | None:
    """Return the answer that comes within ``wait`` seconds, passing over those to other requests."""
    deadline = time.monotonic() + wait
    while (left := deadline - time.monotonic()) > 0:
        line.settimeout(left)
        try:
            reply = line.recv(2048)
        except TimeoutError:
            return None
        if is_answer(reply, request):
            return reply
    return None
