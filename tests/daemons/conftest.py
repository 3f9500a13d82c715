# SPDX-License-Identifier: GPL-3.0-or-later
"""Real daemons in a new network namespace, which has the loopback interface only."""

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

import daemon_process  # noqa: E402

CLONE_NEWNET = 0x40000000


@pytest.fixture(scope="session", autouse=True)
def own_network() -> Iterator[None]:
    """Enter a new network namespace, and leave it at the end. Skips all tests when that is not possible."""
    libc = ctypes.CDLL(None, use_errno=True)
    old = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.unshare(CLONE_NEWNET) != 0:
            pytest.skip(f"needs root and network namespaces: {os.strerror(ctypes.get_errno())}")
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True, timeout=10)
        assert [name for _, name in socket.if_nameindex()] == ["lo"]
        yield
        assert libc.setns(old, CLONE_NEWNET) == 0
    finally:
        os.close(old)


def root_of(system: daemon_process.System) -> Path:
    """Return the root of a system: from the environment, or the folder of tools/daemons.py."""
    named = os.environ.get(f"TRANSMISSION_ROOT_{system.name.upper().replace('-', '_')}")
    root = Path(named) if named else ROOT / "build" / "daemons" / system.name
    if not (root / "usr/bin/transmission-daemon").exists():
        pytest.skip(f"no transmission-daemon in {root}; run tools/daemons.py")
    return root


@pytest.fixture(scope="session", params=daemon_process.SYSTEMS, ids=lambda system: system.name)
def system(request: pytest.FixtureRequest) -> daemon_process.System:
    found: daemon_process.System = request.param
    return found


@pytest.fixture
def daemon(system: daemon_process.System, own_network: None) -> Iterator[daemon_process.Daemon]:
    """A daemon that is not started."""
    one = daemon_process.Daemon(system, root_of(system))
    one.prepare()
    yield one
    one.remove()


@pytest.fixture(scope="session")
def running_daemon(system: daemon_process.System, own_network: None) -> Iterator[tuple[daemon_process.Daemon, Any]]:
    """A running daemon and its client, for tests that restore the settings that they change."""
    one = daemon_process.Daemon(system, root_of(system))
    yield one, one.begin()
    one.remove()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    for system in daemon_process.SYSTEMS:
        shutil.rmtree(ROOT / "build" / "daemons" / system.name / daemon_process.CONFIG_FOLDER, ignore_errors=True)
