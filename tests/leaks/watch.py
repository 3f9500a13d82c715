# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches a household while something happens to it: what leaves in clear, with prober and stranger at work."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import observer
import packets
import sightings
from stage import Stage

# What the design lets pass in some cells: the probe, and the report's word for it.
# UDP to an endpoint is no packet in clear, and the outer barrier does not see marks: it lets them pass from whoever
# is in the namespace when it stands alone, also for the moment between a namespace's birth and its own table.
TO_AN_ENDPOINT = {f"endpoint-{how}": "UDP to an endpoint" for how in ("unbound", "device", "source")}
# The inner barrier cannot see who is behind Docker's proxy: strangers are the outer one's then.
TO_A_STRANGER = {"ui-stranger": "Docker's proxy"}
# The inner barrier does not know Jellyfin at all.
TO_JELLYFIN = {"jellyfin-stranger": "outside of the VPN"}
LATELY_S = 10  # many times what a round takes


@dataclass
class Watch:
    """What a watch is for, and, once it is over, what it has found."""

    lets: Mapping[str, str]
    path: Path  # of the capture
    seen: Counter[str] = field(default_factory=Counter)  # packets of each probe that got out
    others: list[packets.Packet] = field(default_factory=list)  # whoever sent them

    def leaks(self) -> list[str]:
        """What left in clear, one line each."""
        probes = [f"{times} of {name}" for name, times in self.seen.items() if name not in self.lets]
        return [*probes, *map(str, self.others)]

    def assert_shut(self) -> None:
        assert self.leaks() == [], f"in clear; the capture is {self.path}"


@contextmanager
def watching(
    stage: Stage,
    name: str,
    *ignored: packets.Ignored,
    lets: Mapping[str, str] | None = None,
    installs: bool = False,
) -> Iterator[Watch]:
    """Capture all the while; the capture is kept where it holds anything in clear.

    What the prober has noted before is forgotten. Raises AssertionError where tunnel, prober or stranger were not at
    work.
    """
    with observer.watching(stage.house, name) as capture:
        stage.forget()
        watch = Watch(lets or {}, capture.path)
        with stage.knocking():
            yield watch
        tried = stage.namespace() in stage.tried(time.monotonic() - LATELY_S)
        heard = Counter(stage.heard())
    captured = capture.path.read_bytes()
    watch.seen = sightings.probes_seen(captured, stage.house) + heard
    strangers = not {"ui-stranger", "jellyfin-stranger"}.isdisjoint(watch.lets)
    watch.others = sightings.strange(captured, stage.house, *ignored, installs=installs, strangers=strangers)
    at_work = {
        "nothing was tried lately in the namespace that is there now": tried,
        "the observer saw nothing of the tunnel": capture.packets("udp port 51820"),
        "nobody knocked": capture.packets(f"src host {sightings.STRANGER}"),
    }
    idle = [words for words, seen in at_work.items() if not seen]
    assert idle == [], f"in clear: {watch.leaks()}"
    if not watch.leaks():
        capture.path.unlink()
