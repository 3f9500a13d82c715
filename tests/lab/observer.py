# SPDX-License-Identifier: GPL-3.0-or-later
"""Captures what crosses the Pi's uplink, outside the Pi, and counts what should not have."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import images
import packets as frames
from engine import BUILD, OURS, LabError, docker, inspect, remove, run, running
from topology import House

# The kernel keeps room for a whole snapshot of each packet; with the default of 256 KiB there is room for eight.
SNAPSHOT, BUFFER_KB = 2048, 16 * 1024


@dataclass(frozen=True)
class Capture:
    """One finished capture."""

    house: House
    path: Path

    def packets(self, expression: str = "") -> list[str]:
        """One line per captured packet that fits a pcap-filter(7) expression."""
        folder, name = str(self.path.parent), self.path.name
        command = ["tcpdump", "-nn", "-r", f"/captures/{name}", *([expression] if expression else [])]
        text = docker("run", "--rm", "--volume", f"{folder}:/captures:ro", images.tag("router"), *command)
        return [line for line in text.splitlines() if line]

    def clear(self, *ignored: frames.Ignored) -> list[frames.Packet]:
        """Packets that are neither of the tunnel, nor the house's own business, nor ignored by name."""
        return frames.clear(frames.read(self.path.read_bytes()), self.house, *ignored)


@contextmanager
def watching(house: House, name: str) -> Iterator[Capture]:
    """Capture while the block runs; the capture can be read after it."""
    found = inspect("network", house.name)
    if found is None:
        raise LabError(f"{house.name} is not there; see: python tests/lab up")
    folder = BUILD / "captures"  # not the lab's: a capture outlives it
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"house{house.number}-{re.sub(r'[^a-z0-9]+', '-', name.lower())}.pcap"
    path.unlink(missing_ok=True)
    container = f"{house.name}-observer"
    remove(container)
    # The house's bridge, not the Pi's own end, because it outlives a reboot of the Pi.
    bridge, buffer = f"br-{found['Id'][:12]}", ["--snapshot-length", str(SNAPSHOT), "--buffer-size", str(BUFFER_KB)]
    listen = ["tcpdump", "--immediate-mode", *buffer, "-U", "-Z", "root", "-nn", "-i", bridge]
    docker(
        *("run", "--detach", "--name", container, *OURS, "--network", "host"),
        *("--cap-add", "NET_ADMIN", "--cap-add", "NET_RAW", "--volume", f"{folder}:/captures"),
        *(images.tag("router"), *listen, "-w", f"/captures/{path.name}"),
    )
    _wait_until(lambda: "listening on" in _told(container))
    try:
        yield Capture(house, path)
    finally:
        time.sleep(0.5)  # what is still on its way
        lasted = running(container)
        docker("stop", "--time", "5", container)
        told = _told(container)
        remove(container)
    if not lasted or not re.search(r"^0 packets dropped by kernel$", told, re.MULTILINE):
        raise LabError(f"the observer has not seen everything: {told}")


def _told(container: str) -> str:
    return run("sh", "-c", f"docker logs {container} 2>&1")


def _wait_until(happened: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            raise LabError("the observer did not begin to listen")
        time.sleep(0.1)
