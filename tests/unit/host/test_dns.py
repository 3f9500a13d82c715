# SPDX-License-Identifier: GPL-3.0-or-later
"""The question that tells whether a resolver is alive: its form, what counts as its answer, and asking on loopback."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mediaserver import dns

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
    told = len(datagram) >= 12 and datagram[:2] == number.to_bytes(2, "big") and datagram[2] >= 0x80
    assert dns.is_answer(datagram, number) is told


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


def test_where_nobody_listens_the_answer_is_no_and_comes_at_once() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
        unused.bind((LOOPBACK, 0))
        port = unused.getsockname()[1]
    before = time.monotonic()
    assert not ask(port, PATIENT_S)
    assert time.monotonic() - before < PATIENT_S


def test_a_question_that_cannot_be_sent_is_not_answered() -> None:
    # The kernel refuses broadcasts to whoever did not ask for them.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        assert not dns.answers(line, "255.255.255.255", PATIENT_S)
