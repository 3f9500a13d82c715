# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets of full size through the tunnel: whether they arrive, and up to which size.

A path that loses large packets leaves DNS, small pages and handshakes alone, so nothing else shows it. Each probe asks
the tunnel's resolvers with packets of several sizes at once, as ICMP echo requests that must not be fragmented, and as
DNS questions with padding (RFC 7830), because a provider may answer only one of the two.
"""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mediaserver._core import sockets
from mediaserver._core.names import TUNNEL_DEVICE
from mediaserver.monitor.problems import Code, Problem
from mediaserver.tunnel import dns, liveness

IPV4_HEADER, UDP_HEADER, ICMP_HEADER = 20, 8, 8
# Linux: set DF, and ignore a smaller path MTU (ip(7)). Not in Python's socket module.
IP_MTU_DISCOVER, IP_PMTUDISC_PROBE = 10, 3
OPT, PADDING = 41, 12
# WireGuard pads to multiples of this, so sizes between two of them behave alike.
STEP = 16
# A smaller result is not a path MTU, but a resolver that refuses large queries.
SMALLEST, COARSE_BELOW = 576, 1200
ANSWER_TIMEOUT_S = 1.5
# Seconds from the tunnel's start to the first probe; between a loss and its confirmation; between probes afterwards.
SETTLE_S, CONFIRM_S, LOST_S, CALM_S = 15.0, 10.0, 300.0, 3600.0
CONFIRMATIONS = 2


def sizes(mtu: int) -> tuple[int, ...]:
    """Return the sizes of IPv4 packets to try, the largest first: the whole MTU, then what WireGuard tells apart."""
    fine = range(mtu // STEP * STEP, COARSE_BELOW, -STEP)
    coarse = range(COARSE_BELOW, SMALLEST - 1, -STEP * 6)
    return tuple(dict.fromkeys((mtu, *fine, *coarse, SMALLEST)))


def padded_question(number: int, size: int) -> bytes:
    """Return a DNS question for the root zone's servers that makes an IPv4 packet of ``size`` bytes (RFC 6891)."""
    question = dns.question(number)
    head = question[:10] + struct.pack("!H", 1) + question[12:]  # one additional record
    room = size - IPV4_HEADER - UDP_HEADER - len(head) - 11 - 4
    data = struct.pack("!HH", PADDING, room) + b"\0" * room
    return head + b"\0" + struct.pack("!HHIH", OPT, 1232, 0, len(data)) + data


@dataclass(frozen=True)
class Arrived:
    """The sizes that were answered, by kind of probe."""

    echo: frozenset[int] = frozenset()
    question: frozenset[int] = frozenset()


def judge(mtu: int, arrived: Sequence[Arrived]) -> int | None:
    """Return the largest size that arrived in any of the rounds, the MTU itself where nothing is lost; None: unknown.

    Small packets of the same kind must have arrived: silence alone proves nothing.
    """
    echo = frozenset[int]().union(*(one.echo for one in arrived))
    question = frozenset[int]().union(*(one.question for one in arrived))
    if mtu in echo or mtu in question:
        return mtu
    known = [max(found) for found in (echo, question) if SMALLEST in found]
    best = max(known, default=0)
    return best if best > SMALLEST else None


def probe(
    mtu: int, resolvers: Sequence[str], inside: Callable[[Callable[[], socket.socket]], socket.socket]
) -> Arrived:
    """Send one round of probes, and a second one without the full size's answer. Raises OSError without a tunnel."""
    first = _round((mtu, SMALLEST), resolvers, inside)
    if mtu in first.echo or mtu in first.question:
        return first
    return _round(sizes(mtu), resolvers, inside)


def _round(
    wanted: Sequence[int], resolvers: Sequence[str], inside: Callable[[Callable[[], socket.socket]], socket.socket]
) -> Arrived:
    echo: set[int] = set()
    question: set[int] = set()
    numbers = dict(enumerate(wanted, start=1))
    with inside(_echo_socket) as pings, inside(_question_socket) as questions:
        for resolver in resolvers:
            for number, size in numbers.items():
                _send(pings, liveness.echo(ECHO_ID, number, size - IPV4_HEADER - ICMP_HEADER), (resolver, 0))
                _send(questions, padded_question(number, size), (resolver, dns.PORT))
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        largest = wanted[0]
        while largest not in echo | question and (left := deadline - time.monotonic()) > 0:
            for line in select.select([pings, questions], [], [], left)[0]:
                with contextlib.suppress(OSError):
                    answer = line.recv(4096)
                    if line is pings:
                        echo.update(_echoed(answer, numbers))
                    elif len(answer) >= 12 and answer[2] & 0x80:
                        question.update(numbers[n] for n in struct.unpack("!H", answer[:2]) if n in numbers)
    return Arrived(frozenset(echo), frozenset(question))


ECHO_ID = 0x6D73


def _echoed(packet: bytes, numbers: dict[int, int]) -> list[int]:
    """Return the size that an ICMP packet with its IPv4 header answers, if it is one of ours."""
    start = (packet[0] & 0x0F) * 4 if packet else 0
    if len(packet) < start + ICMP_HEADER:
        return []
    kind, _code, _sum, number, sequence = struct.unpack("!BBHHH", packet[start : start + ICMP_HEADER])
    ours = kind == liveness.ECHO_REPLY and number == ECHO_ID and sequence in numbers
    return [numbers[sequence]] if ours else []


def _send(line: socket.socket, data: bytes, address: tuple[str, int]) -> None:
    try:
        line.sendto(data, address)
    except OSError as error:
        if error.errno == errno.ENODEV:
            raise
        # Larger than the interface lets through, or refused by the resolver: like a probe that is not answered.


def _unfragmented(line: socket.socket) -> socket.socket:
    line.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE)
    line.setblocking(False)
    return line


def _echo_socket() -> socket.socket:
    return _unfragmented(liveness.echo_socket())


def _question_socket() -> socket.socket:
    return _unfragmented(sockets.udp(TUNNEL_DEVICE))


def problem(mtu: int, works: int) -> Problem:
    return Problem(
        Code.MTU,
        f"the tunnel is up, but packets larger than {works} bytes are lost on the way (it uses {mtu}), so downloads "
        f"stand still. Set gateway_mtu: {works} and run the playbook again",
    )


@dataclass
class PacketSize:
    """Probes after the tunnel has come up and then rarely. A loss is named when a second probe has confirmed it."""

    found: Problem | None = None
    _after: float | None = None
    _lost: tuple[Arrived, ...] = ()
    _settings: tuple[object, ...] = ()

    def refresh(
        self,
        now: float,
        mtu: int,
        resolvers: tuple[str, ...],
        inside: Callable[[Callable[[], socket.socket]], socket.socket] | None,
    ) -> None:
        """``inside`` makes a socket in the VPN namespace; None while the tunnel does not answer."""
        if inside is None:
            self._after = None
            return
        if self._settings != (mtu, resolvers):
            self._settings, self.found, self._lost, self._after = (mtu, resolvers), None, (), None
        if self._after is None:
            self._after = now + SETTLE_S
        if now < self._after:
            return
        try:
            arrived = probe(mtu, resolvers, inside)
        except OSError:
            self._after = now + CONFIRM_S
            return
        works = judge(mtu, [arrived])
        if works is None or works == mtu:
            self.found = None if works == mtu else self.found
            self._lost, self._after = (), now + CALM_S
            return
        self._lost = (*self._lost, arrived)[-CONFIRMATIONS:]
        confirmed = len(self._lost) == CONFIRMATIONS
        best = judge(mtu, self._lost)
        if confirmed and best and best != mtu:
            self.found = problem(mtu, best)
        self._after = now + (LOST_S if confirmed else CONFIRM_S)
