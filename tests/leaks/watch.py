# SPDX-License-Identifier: GPL-3.0-or-later
"""Captures a household's uplink during a fault, while the prober and a client outside of the LAN send packets."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import capture_analysis
import observer
import packets
from capture_analysis import JELLYFIN_OUTSIDE, OUTSIDE_CLIENT, UI_OUTSIDE
from lab_control import LabControl

# What the design permits in some cells: the probe, and the reason for the report.
# UDP to an endpoint is not a packet in clear. The outer barrier does not see marks, so it accepts this UDP from any
# process in the namespace: while it stands alone, and until a new namespace has its own table.
TO_AN_ENDPOINT = {f"endpoint-{how}": "UDP to an endpoint" for how in ("unbound", "device", "source")}
# The inner barrier does not see the client behind Docker's proxy; the outer barrier does.
BY_PROXY = {UI_OUTSIDE: "Docker's proxy"}
# Jellyfin is not in the VPN namespace, so the inner barrier does not apply to it.
NOT_IN_VPN = {JELLYFIN_OUTSIDE: "outside of the VPN"}
RECENT_S = 10  # many times the duration of a round


@dataclass
class Watch:
    """What a capture may contain, and, after its end, what it contains."""

    permitted: Mapping[str, str]
    path: Path  # of the capture
    seen: Counter[str] = field(default_factory=Counter)  # packets of each probe that got out
    others: list[packets.Packet] = field(default_factory=list)  # packets in clear of any sender

    def leaks(self) -> list[str]:
        """Return the packets in clear that are not permitted, one line each."""
        probes = [f"{times} of {name}" for name, times in self.seen.items() if name not in self.permitted]
        return [*probes, *map(str, self.others)]

    def assert_no_leaks(self) -> None:
        assert self.leaks() == [], f"packets in clear; the capture is {self.path}"


@contextmanager
def watching(
    lab: LabControl,
    name: str,
    *ignored: packets.Ignored,
    permitted: Mapping[str, str] | None = None,
    installs: bool = False,
) -> Iterator[Watch]:
    """Capture while the block runs. The capture is kept when it has packets in clear.

    The prober's earlier records are removed. Raises AssertionError when the tunnel, the prober or the client outside
    of the LAN sent nothing, because then the result proves nothing.
    """
    with observer.capturing(lab.household, name) as capture:
        lab.clear_probe_records()
        watch = Watch(permitted or {}, capture.path)
        with lab.outside_client():
            yield watch
        probed = lab.namespace() in lab.probed_namespaces(time.monotonic() - RECENT_S)
        received = Counter(lab.received_probes())
    captured = capture.path.read_bytes()
    watch.seen = capture_analysis.count_probes(captured, lab.household) + received
    answers = not {UI_OUTSIDE, JELLYFIN_OUTSIDE}.isdisjoint(watch.permitted)
    watch.others = capture_analysis.unexpected_packets(
        captured, lab.household, *ignored, installs=installs, outside_answers=answers
    )
    active = {
        "the prober has not probed the current namespace recently": probed,
        "the capture has no packet of the tunnel": capture.packets("udp port 51820"),
        "the client outside of the LAN sent nothing": capture.packets(f"src host {OUTSIDE_CLIENT}"),
    }
    missing = [text for text, found in active.items() if not found]
    assert missing == [], f"packets in clear: {watch.leaks()}"
    if not watch.leaks():
        capture.path.unlink()
