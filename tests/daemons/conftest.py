# SPDX-License-Identifier: GPL-3.0-or-later
"""Real daemons in a network of their own, which has loopback and nothing else."""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
# The link below it is made by tools/setup.
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "build" / "collections")]

import real  # noqa: E402

CLONE_NEWNET = 0x40000000


@pytest.fixture(scope="session", autouse=True)
def own_network() -> Iterator[None]:
    """Enter a new network namespace, and leave it at the end. Without one nothing here is started."""
    libc = ctypes.CDLL(None, use_errno=True)
    old = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.unshare(CLONE_NEWNET) != 0:
            pytest.skip(f"this needs root and network namespaces: {os.strerror(ctypes.get_errno())}")
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True, timeout=10)
        assert [name for _, name in socket.if_nameindex()] == ["lo"]
        yield
        assert libc.setns(old, CLONE_NEWNET) == 0
    finally:
        os.close(old)


def root_of(system: real.System) -> Path:
    """Where a system is: as the environment says, or where tools/daemons.py puts it."""
    named = os.environ.get(f"TRANSMISSION_ROOT_{system.name.upper().replace('-', '_')}")
    root = Path(named) if named else ROOT / "build" / "daemons" / system.name
    if not (root / "usr/bin/transmission-daemon").exists():
        pytest.skip(f"no transmission-daemon below {root}; tools/daemons.py installs one")
    return root


@pytest.fixture(scope="session", params=real.SYSTEMS, ids=lambda system: system.name)
def system(request: pytest.FixtureRequest) -> real.System:
    found: real.System = request.param
    return found


@pytest.fixture
def daemon(system: real.System, own_network: None) -> Iterator[real.Daemon]:
    """A daemon that is not started yet."""
    one = real.Daemon(system, root_of(system))
    one.prepare()
    yield one
    one.remove()


@pytest.fixture(scope="session")
def told(system: real.System, own_network: None) -> Iterator[tuple[real.Daemon, Any]]:
    """A daemon that runs for many tests, which leave it as they found it, and a client of it."""
    one = real.Daemon(system, root_of(system))
    yield one, one.begin()
    one.remove()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    for system in real.SYSTEMS:
        shutil.rmtree(ROOT / "build" / "daemons" / system.name / real.HOMES, ignore_errors=True)
