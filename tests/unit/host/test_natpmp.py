# SPDX-License-Identifier: GPL-3.0-or-later
"""NAT-PMP: what is sent, what is believed, and a real exchange on loopback."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from mediaserver._core.errors import NatPmpError
from mediaserver.tunnel import natpmp
from mediaserver.tunnel.natpmp import Grant, Mapping

PORTS = some.integers(0, 2**16 - 1)
SECONDS = some.integers(0, 2**32 - 1)
PROTOCOLS = some.sampled_from(["udp", "tcp"])
ANY_REQUEST = natpmp.map_request("udp", 0, 1, 60)


def granted(opcode: int, external: int, lifetime: int = 60, *, internal: int = 0, result: int = 0) -> bytes:
    return struct.pack("!BBHIHHI", 0, 128 + opcode, result, 7, internal, external, lifetime)


class Gateway:
    """Answers in turn with what it was given, and remembers what it was asked."""

    def __init__(self, *replies: bytes) -> None:
        self.replies = list(replies)
        self.asked: list[tuple[int, ...]] = []

    def __call__(self, request: bytes) -> bytes:
        self.asked.append(struct.unpack("!BBHHHI", request))
        return self.replies.pop(0)


def test_requests_are_those_of_the_rfc() -> None:
    assert natpmp.map_request("udp", 0x0102, 0x0304, 60) == bytes.fromhex("0001 0000 0102 0304 0000003c")
    assert natpmp.map_request("tcp", 0, 1, 0) == bytes.fromhex("0002 0000 0000 0001 00000000")


@pytest.mark.parametrize("wrong", [("sctp", 0, 1, 60), ("udp", -1, 1, 60), ("udp", 0, 65536, 60), ("udp", 0, 1, 2**32)])
def test_a_wrong_number_is_never_sent(wrong: tuple[str, int, int, int]) -> None:
    with pytest.raises(ValueError, match="no mapping"):
        natpmp.map_request(*wrong)


@given(PROTOCOLS, PORTS, PORTS, SECONDS, SECONDS)
def test_a_grant_is_read_as_it_was_written(
    protocol: str, internal: int, external: int, lifetime: int, epoch: int
) -> None:
    opcode = natpmp.OPCODES[protocol]
    reply = struct.pack("!BBHIHHI", 0, 128 + opcode, 0, epoch, internal, external, lifetime)
    assert natpmp.grant(reply, protocol) == Grant(internal, external, lifetime, epoch)
    assert natpmp.is_answer(reply, natpmp.map_request(protocol, internal, 1, 60))


@given(some.binary(max_size=40), PROTOCOLS)
def test_no_bytes_raise_anything_else(reply: bytes, protocol: str) -> None:
    with contextlib.suppress(NatPmpError):
        natpmp.grant(reply, protocol)
    natpmp.is_answer(reply, ANY_REQUEST)


@pytest.mark.parametrize("size", range(16))
def test_a_truncated_reply_is_no_grant(size: int) -> None:
    with pytest.raises(NatPmpError, match=f"cut off after {size} bytes"):
        natpmp.grant(granted(1, 40000)[:size], "udp")


@pytest.mark.parametrize(
    ("result", "remedy"),
    [
        (1, "forward a fixed port"),
        (2, "not authorized: NAT-PMP must be switched on when the key was generated at the provider"),
        (3, "wait, or choose another server"),
        (4, "no port is free there: wait"),
        (5, "choose a server that forwards ports"),
        (77, "a reason that RFC 6886 does not know"),
    ],
)
def test_each_refusal_says_what_to_do(result: int, remedy: str) -> None:
    with pytest.raises(NatPmpError, match=rf"NAT-PMP result {result}\): .*{remedy}"):
        natpmp.grant(granted(2, 0, 0, result=result), "tcp")


def test_a_refused_version_is_understood_though_its_opcode_is_0() -> None:
    reply = struct.pack("!BBHI", 0, 0, 1, 7)
    assert natpmp.is_answer(reply, ANY_REQUEST)
    with pytest.raises(NatPmpError, match="another version"):
        natpmp.grant(reply, "udp")


def test_a_server_of_the_successor_protocol_is_reported_apart() -> None:
    reply = bytes([2, 129, 0, 1, *bytes(20)])
    assert natpmp.is_answer(reply, ANY_REQUEST)
    with pytest.raises(NatPmpError, match="version 2"):
        natpmp.grant(reply, "udp")


def test_an_answer_to_something_else_is_no_grant() -> None:
    for reply in (granted(2, 40000), granted(1, 40000)[:1] + b"\1" + granted(1, 40000)[2:]):
        assert not natpmp.is_answer(reply, ANY_REQUEST)
        with pytest.raises(NatPmpError, match="something else"):
            natpmp.grant(reply, "udp")
    assert not natpmp.is_answer(granted(1, 40000, internal=5), ANY_REQUEST)


def test_any_port_at_first_and_the_same_one_with_tcp() -> None:
    gateway = Gateway(granted(1, 40000), granted(2, 40000, 50))
    assert natpmp.map_port(gateway) == Mapping(40000, 50, 7)
    assert gateway.asked == [(0, 1, 0, 0, 1, 60), (0, 2, 0, 0, 40000, 60)]


def test_a_refresh_asks_for_the_port_held_and_takes_another() -> None:
    gateway = Gateway(granted(1, 40005), granted(2, 40005))
    assert natpmp.map_port(gateway, 40000, 30).port == 40005
    assert gateway.asked == [(0, 1, 0, 0, 40000, 30), (0, 2, 0, 0, 40005, 30)]


def test_two_different_ports_are_refused() -> None:
    with pytest.raises(NatPmpError, match="40000 with UDP but 40001 with TCP; wait 60 s"):
        natpmp.map_port(Gateway(granted(1, 40000), granted(2, 40001)))


@pytest.mark.parametrize(("external", "lifetime"), [(0, 60), (40000, 0)])
def test_no_port_or_no_time_is_refused(external: int, lifetime: int) -> None:
    with pytest.raises(NatPmpError, match="which is not a port"):
        natpmp.map_port(Gateway(granted(1, external, lifetime)))


def test_a_port_of_a_ui_is_not_taken_and_not_asked_for_with_tcp() -> None:
    gateway = Gateway(granted(1, 9091))
    with pytest.raises(NatPmpError, match="port 9091, which must stay closed"):
        natpmp.map_port(gateway, never={9091})
    assert len(gateway.asked) == 1


@contextlib.contextmanager
def loopback() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        line.settimeout(5)
        yield line


@contextlib.contextmanager
def server(*repair_rounds: list[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """Answer each datagram with a round of replies; hand out the port, and what was received."""
    asked: list[bytes] = []
    with loopback() as line:

        def work() -> None:
            for replies in repair_rounds:
                request, client = line.recvfrom(100)
                asked.append(request)
                for reply in replies:
                    line.sendto(reply, client)

        thread = threading.Thread(target=work)
        thread.start()
        yield line.getsockname()[1], asked
        thread.join()


def ask(line: socket.socket, port: int, request: bytes = ANY_REQUEST, *, wait: float = 5, attempts: int = 1) -> bytes:
    return natpmp.udp_exchange(line, "127.0.0.1", request, port=port, wait=wait, attempts=attempts)


def test_a_lost_request_is_sent_again() -> None:
    with server([], [], [granted(1, 40000)]) as (port, asked), loopback() as line:
        assert ask(line, port, wait=0.05, attempts=5) == granted(1, 40000)
    assert asked == [ANY_REQUEST] * 3


def test_a_late_answer_to_another_request_is_passed_over() -> None:
    late = [granted(2, 40001), b"", granted(1, 40002, internal=5)]
    with server([*late, granted(1, 40000)]) as (port, _unused), loopback() as line:
        assert ask(line, port) == granted(1, 40000)


def test_answers_of_other_hosts_are_ignored() -> None:
    class Line(socket.socket):
        def send(self, *data: Any) -> int:
            forge()
            return super().send(*data)

    with (
        server([granted(1, 40000)]) as (port, _unused),
        Line(socket.AF_INET, socket.SOCK_DGRAM) as line,
        loopback() as forger,
    ):
        line.bind(("127.0.0.1", 0))

        def forge() -> None:
            # The kernel may report a closed port to the forger.
            with contextlib.suppress(ConnectionRefusedError):
                forger.sendto(granted(1, 6666), line.getsockname())

        forge()
        assert ask(line, port) == granted(1, 40000)


def test_an_old_answer_is_not_one_to_a_new_request() -> None:
    with server([granted(1, 40000), granted(1, 40000)], [granted(1, 40001)]) as (port, _unused), loopback() as line:
        assert ask(line, port) == granted(1, 40000)
        assert select.select([line], [], [], 5)[0]
        assert ask(line, port) == granted(1, 40001)


def test_an_old_refusal_is_not_one_to_a_new_request() -> None:
    with loopback() as line, server([granted(1, 40000)]) as (port, _unused):
        with loopback() as closed:
            unused = closed.getsockname()
        line.connect(unused)
        line.send(ANY_REQUEST)
        assert ask(line, port) == granted(1, 40000)


def test_silence_ends_after_as_many_tries_as_were_wanted() -> None:
    silence = pytest.raises(NatPmpError, match="asked 3 times for a port and did not answer")
    with silence, server([], [], []) as (port, asked), loopback() as line:
        ask(line, port, wait=0.05, attempts=3)
    assert len(asked) == 3


def test_a_closed_port_is_a_clear_sentence() -> None:
    with loopback() as closed:
        port = closed.getsockname()[1]
    with loopback() as line, pytest.raises(NatPmpError, match=r"does not support NAT-PMP .* switched on"):
        ask(line, port)


def test_no_way_there_is_a_clear_sentence() -> None:
    with loopback() as line, pytest.raises(NatPmpError, match=r"cannot be asked for a port .* tunnel is up"):
        natpmp.udp_exchange(line, "255.255.255.255", ANY_REQUEST)


def test_a_port_is_had_over_real_sockets() -> None:
    with server([granted(1, 40000)], [granted(2, 40000)]) as (port, asked), loopback() as line:
        assert natpmp.map_port(lambda request: ask(line, port, request)).port == 40000
    assert [request[1] for request in asked] == [1, 2]
