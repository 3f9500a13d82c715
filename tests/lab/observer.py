# SPDX-License-Identifier: GPL-3.0-or-later
"""Captures packets on the Pi's uplink, outside of the Pi."""

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
from topology import LabHousehold

# The kernel reserves a whole snapshot per packet: with the default length of 256 KiB the buffer holds eight packets.
SNAPSHOT, BUFFER_KB = 2048, 16 * 1024


@dataclass(frozen=True)
class Capture:
    """One finished capture."""

    household: LabHousehold
    path: Path

    def packets(self, expression: str = "") -> list[str]:
        """Return one line per captured packet that matches a pcap-filter(7) expression."""
        folder, name = str(self.path.parent), self.path.name
        command = ["tcpdump", "-nn", "-r", f"/captures/{name}", *([expression] if expression else [])]
        text = docker("run", "--rm", "--volume", f"{folder}:/captures:ro", images.tag("router"), *command)
        return [line for line in text.splitlines() if line]

    def clear_packets(self, *ignored: frames.Ignored) -> list[frames.Packet]:
        """Return the packets in clear; see ``packets.clear_packets``."""
        return frames.clear_packets(frames.read(self.path.read_bytes()), self.household, *ignored)


@contextmanager
def capturing(household: LabHousehold, name: str) -> Iterator[Capture]:
    """Capture while the block runs; read the capture after it. Raises LabError when packets were lost."""
    found = inspect("network", household.name)
    if found is None:
        raise LabError(f"network {household.name} does not exist; start the lab: python tests/lab up")
    folder = BUILD / "captures"  # outside of build/lab, so that captures stay after `down`
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"household{household.number}-{re.sub(r'[^a-z0-9]+', '-', name.lower())}.pcap"
    path.unlink(missing_ok=True)
    container = f"{household.name}-observer"
    remove(container)
    # The LAN's bridge instead of the Pi's interface, because the bridge remains when the Pi reboots.
    bridge, buffer = f"br-{found['Id'][:12]}", ["--snapshot-length", str(SNAPSHOT), "--buffer-size", str(BUFFER_KB)]
    listen = ["tcpdump", "--immediate-mode", *buffer, "-U", "-Z", "root", "-nn", "-i", bridge]
    docker(
        *("run", "--detach", "--name", container, *OURS, "--network", "host"),
        *("--cap-add", "NET_ADMIN", "--cap-add", "NET_RAW", "--volume", f"{folder}:/captures"),
        *(images.tag("router"), *listen, "-w", f"/captures/{path.name}"),
    )
    _wait_until(lambda: "listening on" in _log(container))
    try:
        yield Capture(household, path)
    finally:
        time.sleep(0.5)  # for packets in transit
        still_running = running(container)
        docker("stop", "--time", "5", container)
        log = _log(container)
        remove(container)
    if not still_running or not re.search(r"^0 packets dropped by kernel$", log, re.MULTILINE):
        raise LabError(f"the capture is not complete: {log}")


def _log(container: str) -> str:
    return run("sh", "-c", f"docker logs {container} 2>&1")


def _wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise LabError(f"tcpdump has not started to listen in {seconds:g} s")
        time.sleep(0.1)
