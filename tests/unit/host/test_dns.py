# SPDX-License-Identifier: GPL-3.0-or-later
"""The question that tells whether a resolver is alive: its form, what counts as its answer, and asking on loopback."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mediaserver.tunnel import dns

LOOPBACK = "127.0.0.1"
SOON_S, PATIENT_S = 0.3, 5.0
numbers = st.integers(0, 0xFFFF)


def answer_to(question: bytes, flags: int = 0x8180) -> bytes:
    return question[:2] + struct.pack("!H", flags) + question[4:]


@given(numbers)
def test_the_question_is_for_the_name_servers_of_the_root(number: int) -> None:
    # RFC 1035, section 4.1: header with recursion desired and one question; an empty name, type NS, class IN.
    assert dns.question(number) == number.to_bytes(2, "big") + bytes.fromhex("0100 0001 0000 0000 0000 00 0002 0001")


@given(numbers)
def test_a_question_is_not_its_own_answer(number: int) -> None:
    assert not dns.is_answer(dns.question(number), number)


@given(numbers, st.integers(0x8000, 0xFFFF), st.binary(max_size=40))
def test_any_answer_counts_good_or_bad(number: int, flags: int, rest: bytes) -> None:
    assert dns.is_answer(answer_to(dns.question(number), flags) + rest, number)


@given(numbers, numbers)
def test_an_answer_to_another_question_counts_only_with_the_same_number(one: int, other: int) -> None:
    assert dns.is_answer(answer_to(dns.question(one)), other) is (one == other)


@given(numbers, st.integers(0, 11))
def test_less_than_a_header_is_no_answer(number: int, length: int) -> None:
    assert not dns.is_answer(answer_to(dns.question(number))[:length], number)


@given(st.binary(max_size=64), numbers)
def test_what_counts_as_an_answer_has_our_number_and_says_that_it_is_one(datagram: bytes, number: int) -> None:
    expected = len(datagram) >= 12 and datagram[:2] == number.to_bytes(2, "big") and datagram[2] >= 0x80
    assert dns.is_answer(datagram, number) is expected


Reply = Callable[[bytes], list[bytes]]


@pytest.fixture
def resolver() -> Iterator[Callable[[Reply], int]]:
    """Start a resolver on loopback that replies to one question; return its port."""
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    line.bind((LOOPBACK, 0))
    line.settimeout(PATIENT_S)
    threads: list[threading.Thread] = []

    def serve(reply: Reply) -> None:
        question, asker = line.recvfrom(4096)
        for datagram in reply(question):
            line.sendto(datagram, asker)

    def start(reply: Reply) -> int:
        threads.append(threading.Thread(target=serve, args=(reply,)))
        threads[-1].start()
        return int(line.getsockname()[1])

    yield start
    for thread in threads:
        thread.join(PATIENT_S)
    line.close()


def ask(port: int, timeout: float) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        return dns.answers(line, LOOPBACK, timeout, port=port)


def other_number(question: bytes) -> bytes:
    return bytes([question[0] ^ 1]) + answer_to(question)[1:]


def test_a_resolver_that_answers_is_alive(resolver: Callable[[Reply], int]) -> None:
    assert ask(resolver(lambda question: [answer_to(question)]), PATIENT_S)


def test_a_resolver_that_refuses_is_alive(resolver: Callable[[Reply], int]) -> None:
    assert ask(resolver(lambda question: [answer_to(question, 0x8185)[:12]]), PATIENT_S)


def test_a_silent_resolver_is_given_up_in_time(resolver: Callable[[Reply], int]) -> None:
    before = time.monotonic()
    assert not ask(resolver(lambda _: []), SOON_S)
    assert SOON_S <= time.monotonic() - before < PATIENT_S


def test_answers_to_others_do_not_count(resolver: Callable[[Reply], int]) -> None:
    assert not ask(resolver(lambda question: [other_number(question), question, b""]), SOON_S)


def test_an_answer_after_false_ones_counts(resolver: Callable[[Reply], int]) -> None:
    assert ask(resolver(lambda question: [other_number(question), b"", answer_to(question)]), PATIENT_S)


def test_a_closed_port_is_no_answer_at_once() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
        unused.bind((LOOPBACK, 0))
        port = unused.getsockname()[1]
    before = time.monotonic()
    assert not ask(port, PATIENT_S)
    assert time.monotonic() - before < PATIENT_S


def test_a_question_that_cannot_be_sent_is_not_answered() -> None:
    # The kernel refuses broadcasts to sockets without SO_BROADCAST.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        assert not dns.answers(line, "255.255.255.255", PATIENT_S)


def coded(code: int) -> Reply:
    return lambda question: [answer_to(question, 0x8180 | code)[:12]]


def online(folder: Path, text: str, port: int) -> bool | None:
    path = folder / "resolv.conf"
    path.write_text(text)
    return dns.host_is_online(path, port=port, timeout=SOON_S)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (coded(dns.NO_ERROR), True),
        (coded(dns.NO_SUCH_NAME), True),
        (coded(dns.SERVER_FAILURE), False),  # a router whose line is down
        (lambda _: [], False),
        (coded(5), None),  # refused: that says nothing about the line
        (coded(1), None),
    ],
    ids=["an answer", "no such name", "failure", "silence", "refused", "format error"],
)
def test_what_the_lan_s_resolver_says_of_its_line(
    resolver: Callable[[Reply], int], tmp_path: Path, reply: Reply, expected: bool | None
) -> None:
    text = f"# by hand\nsearch lan\n  nameserver {LOOPBACK} # the router\noptions edns0\n"
    assert online(tmp_path, text, resolver(reply)) is expected


def test_an_ipv6_resolver_is_asked_too(tmp_path: Path) -> None:
    try:
        line = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        line.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6 on loopback")

    def serve() -> None:
        question, asker = line.recvfrom(4096)
        line.sendto(answer_to(question), asker)

    with line:
        line.settimeout(PATIENT_S)
        thread = threading.Thread(target=serve)
        thread.start()
        path = tmp_path / "resolv.conf"
        path.write_text("nameserver ::1\n")
        assert dns.host_is_online(path, port=line.getsockname()[1], timeout=PATIENT_S) is True
        thread.join()


def test_a_link_s_own_resolver_is_asked_on_that_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []

    def ask(line: socket.socket, address: tuple[object, ...], timeout: float) -> int | None:
        asked.append((line.family, *address))
        return dns.SERVER_FAILURE

    monkeypatch.setattr(dns, "ask", ask)
    try:
        expected = online(tmp_path, "nameserver fe80::1%lo\nnameserver 192.0.2.53\n", 53)
    except OSError:
        pytest.skip("this machine knows no IPv6")
    assert expected is False
    assert asked[-1] == (socket.AF_INET, "192.0.2.53", 53)
    if len(asked) == 2:  # a kernel with IPv6
        assert asked[0][0] == socket.AF_INET6
        assert asked[0][4] == socket.if_nametoindex("lo")


def test_one_good_answer_is_enough_and_no_more_than_three_are_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes: list[int | None] = [None, dns.SERVER_FAILURE, dns.NO_ERROR]
    monkeypatch.setattr(dns, "ask", lambda *_: codes.pop(0))
    lines = "".join(f"nameserver 192.0.2.{number}\n" for number in range(1, 6))
    assert online(tmp_path, lines, 53) is True
    codes[:] = [None, None, dns.SERVER_FAILURE, dns.NO_ERROR]
    assert online(tmp_path, lines, 53) is False


@pytest.mark.parametrize("text", ["", "search lan\n", "nameserver router\n", "#nameserver 192.0.2.1\n"])
def test_without_a_resolver_nothing_can_be_reported(tmp_path: Path, text: str) -> None:
    assert online(tmp_path, text, 9) is None
    assert dns.host_is_online(tmp_path / "gone", port=9) is None
