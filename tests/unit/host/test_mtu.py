# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets of full size through the tunnel: what is sent, what a loss looks like, and when it is named."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator

import pytest
from barrier_lab import PROVIDER, built, needed, run
from mediaserver.monitor.problems import Code
from mediaserver.tunnel import liveness, mtu, netns
from mediaserver.tunnel.mtu import CALM_S, CONFIRM_S, LOST_S, SETTLE_S, SMALLEST, Arrived, PacketSize, judge

RESOLVERS = ("10.66.0.1",)
FULL = 1420


@pytest.mark.parametrize("full", [1280, 1320, 1412, 1420, 1440])
def test_every_size_that_wireguard_tells_apart_is_tried_and_not_many_packets_are_sent(full: int) -> None:
    sizes = mtu.sizes(full)
    assert (sizes[0], sizes[-1]) == (full, SMALLEST)
    assert list(sizes) == sorted(set(sizes), reverse=True)
    assert {size for size in range(1216, full, 16)} <= set(sizes)
    assert len(sizes) <= 25


@pytest.mark.parametrize("size", [SMALLEST, 1232, 1420])
def test_a_padded_question_makes_a_packet_of_that_size(size: int) -> None:
    question = mtu.padded_question(7, size)
    assert len(question) + 28 == size
    assert struct.unpack("!6H", question[:12]) == (7, 0x0100, 1, 0, 0, 1)
    root, kind, _payload, _flags, length = struct.unpack("!BHHIH", question[17:28])
    assert (root, kind, length) == (0, mtu.OPT, len(question) - 28)
    option, padding = struct.unpack("!HH", question[28:32])
    assert (option, padding) == (mtu.PADDING, length - 4)


def test_an_echo_request_has_a_good_checksum() -> None:
    packet = liveness.echo(1, 2, 101)
    assert liveness.checksum(packet) == 0
    assert len(packet) == 109


def some(*sizes: int) -> frozenset[int]:
    return frozenset(sizes)


@pytest.mark.parametrize(
    ("repair_rounds", "works"),
    [
        ([Arrived(echo=some(FULL))], FULL),
        ([Arrived(question=some(FULL))], FULL),
        # One of two kinds is filtered by the provider, or answered up to a size only.
        ([Arrived(echo=some(SMALLEST), question=some(FULL))], FULL),
        ([Arrived(echo=some(SMALLEST, 1000, 1232))], 1232),
        ([Arrived(question=some(SMALLEST, 1200, 1216))], 1216),
        ([Arrived(echo=some(SMALLEST, 1216)), Arrived(echo=some(SMALLEST, 1232))], 1232),
        ([Arrived(echo=some(SMALLEST, 1216)), Arrived(echo=some(FULL))], FULL),
        # Silence proves nothing, nor does a resolver that answers small questions only.
        ([Arrived()], None),
        ([Arrived(question=some(SMALLEST))], None),
        ([Arrived(echo=some(1200))], None),
    ],
)
def test_a_loss_is_small_packets_that_arrive_and_large_ones_that_do_not(
    repair_rounds: list[Arrived], works: int | None
) -> None:
    assert judge(FULL, repair_rounds) == works


class Path:
    """A tunnel through which packets up to ``works`` bytes arrive; notes when it was probed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, works: int) -> None:
        self.works, self.probed, self.now = works, 0, 1000.0
        self.size = PacketSize()
        monkeypatch.setattr(mtu, "probe", self.probe)

    def probe(self, full: int, resolvers: object, inside: object) -> Arrived:
        self.probed += 1
        return Arrived(echo=frozenset(size for size in mtu.sizes(full) if size <= self.works))

    def pass_time(self, seconds: float, *, alive: bool = True, full: int = FULL) -> int:
        """Look every five seconds; return how often it was probed."""
        before = self.probed
        for _ in range(int(seconds / 5)):
            self.now += 5
            self.size.refresh(self.now, full, RESOLVERS, (lambda make: make()) if alive else None)
        return self.probed - before


def test_a_path_that_loses_nothing_is_probed_once_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(monkeypatch, FULL)
    assert path.pass_time(SETTLE_S - 5) == 0
    assert path.pass_time(10) == 1
    assert path.pass_time(CALM_S - 10) == 0
    assert path.pass_time(15) == 1
    assert path.size.found is None


def test_a_loss_is_named_after_two_probes_with_a_value_that_works_and_forgotten_when_it_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = Path(monkeypatch, 1239)
    path.pass_time(SETTLE_S + 5)
    assert (path.probed, path.size.found) == (1, None)
    path.pass_time(CONFIRM_S)
    assert path.size.found is not None
    assert path.size.found.code is Code.MTU
    assert "Set gateway_mtu: 1232 " in path.size.found.text
    path.works = FULL
    path.pass_time(LOST_S)
    assert path.size.found is None
    path.works = 1239
    path.pass_time(CALM_S + CONFIRM_S + 5)
    assert path.size.found is not None
    # The household follows the advice.
    path.pass_time(30, full=1232)
    assert path.size.found is None


def test_a_single_loss_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(monkeypatch, 1239)
    path.pass_time(SETTLE_S + 5)
    path.works = FULL
    path.pass_time(600)
    assert (path.probed, path.size.found) == (2, None)


def test_a_dead_tunnel_is_not_probed_and_one_that_came_back_is(monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(monkeypatch, FULL)
    path.pass_time(60)
    assert path.pass_time(600, alive=False) == 0
    assert path.pass_time(SETTLE_S + 10) == 1


RESOLVER = """
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', 53)); s.settimeout(20)
print('ready', flush=True)
while True:
    q, a = s.recvfrom(4096); s.sendto(q[:2] + b'\\x81\\x80' + q[4:12], a)
"""
LOSES = "table ip lossy {{ chain lost {{ type filter hook input priority -10; {0} meta length > {1} drop; }}; }}"


@contextlib.contextmanager
def tunnel() -> Iterator[tuple[int, str]]:
    """A tunnel to a resolver; hand out the holder's process, and the namespace of the provider."""
    with built() as lab, contextlib.ExitStack() as running:
        lab.add_tunnel()
        pids = []
        for where, program in (
            (lab.vpn, "print('ready', flush=True); sys.stdin.readline()"),
            (lab.internet, RESOLVER),
        ):
            process = running.enter_context(lab.python(where, program))
            running.callback(process.kill)
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            pids.append(process.pid)
        yield pids[0], lab.internet


@needed
@pytest.mark.parametrize(
    ("lost", "works"),
    [("", FULL), ("ip protocol { icmp, udp }", 1232), ("ip protocol udp", FULL), ("ip protocol icmp", FULL)],
)
def test_with_real_packets_of_which_the_large_ones_vanish(
    monkeypatch: pytest.MonkeyPatch, lost: str, works: int
) -> None:
    monkeypatch.setattr(mtu, "ANSWER_TIMEOUT_S", 1.0)
    with tunnel() as (holder, world):
        if lost:
            run("ip", "netns", "exec", world, "nft", LOSES.format(lost, 1239))

        def inside(make: object) -> socket.socket:
            return netns.inside(holder, make)  # type: ignore[arg-type]

        assert judge(FULL, [mtu.probe(FULL, (PROVIDER,), inside)]) == works
