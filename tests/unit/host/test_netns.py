# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets in another network namespace, made from here; with namespaces of the test's own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from mediaserver.tunnel import netns

pytestmark = [
    pytest.mark.skipif(os.getuid() != 0, reason="network namespaces need root"),
    pytest.mark.skipif(shutil.which("ip") is None, reason="needs ip (Debian package iproute2)"),
    pytest.mark.skipif(not hasattr(os, "setns"), reason="os.setns came with Python 3.12"),
]

# An address that only the other namespace has.
ADDRESS = "198.18.77.1"


@pytest.fixture
def elsewhere() -> Iterator[int]:
    """A process in a network namespace of its own, that has ADDRESS."""
    name = f"test-netns-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        for command in (("link", "set", "lo", "up"), ("addr", "add", f"{ADDRESS}/32", "dev", "lo")):
            subprocess.run(["ip", "-netns", name, *command], check=True)
        waiting = ["ip", "netns", "exec", name, "sh", "-c", "echo ready; exec sleep 60"]
        with subprocess.Popen(waiting, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process.pid
            process.kill()
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)


def here() -> int:
    return Path("/proc/thread-self/ns/net").stat().st_ino


def udp() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def test_a_socket_that_is_made_inside_stays_inside(elsewhere: int) -> None:
    with netns.inside(elsewhere, udp) as inner, udp() as outer:
        inner.bind((ADDRESS, 0))
        with pytest.raises(OSError, match="Cannot assign requested address"):
            outer.bind((ADDRESS, 0))


def test_only_the_one_who_makes_it_is_moved(elsewhere: int) -> None:
    before, threads = here(), threading.active_count()
    moved_to = netns.inside(elsewhere, here)
    assert moved_to == netns.identity(elsewhere)
    assert moved_to != before
    assert here() == before
    assert threading.active_count() == threads


def test_what_goes_wrong_inside_reaches_the_caller(elsewhere: int) -> None:
    def fail() -> None:
        raise LookupError("no wg0")

    before = here()
    with pytest.raises(LookupError, match="no wg0"):
        netns.inside(elsewhere, fail)
    assert here() == before


def test_a_process_that_is_gone_is_an_oserror_and_nothing_is_made() -> None:
    made = []
    with subprocess.Popen(["true"]) as process:
        process.wait()
        with pytest.raises(OSError, match="No such file"):
            netns.inside(process.pid, lambda: made.append(1))
    assert made == []


def test_two_namespaces_have_two_identities_and_a_missing_process_has_none(elsewhere: int) -> None:
    assert netns.identity(os.getpid()) == here()
    assert netns.identity(elsewhere) not in {0, here()}
    assert netns.identity(0) == 0
    with subprocess.Popen(["true"]) as process:
        process.wait()
        assert netns.identity(process.pid) == 0


def test_no_descriptor_is_left_open(elsewhere: int) -> None:
    def opened() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = opened()
    for _round in range(3):
        netns.inside(elsewhere, here)
    assert opened() == before
