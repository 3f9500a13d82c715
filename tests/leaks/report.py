# SPDX-License-Identifier: GPL-3.0-or-later
"""The leak test's result: build/reports/leaks.json, and a table."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

PATH = Path(__file__).resolve().parents[2] / "build" / "reports" / "leaks.json"


@dataclass(frozen=True)
class Row:
    """One probe in one phase and variant.

    ``seen`` is set for controls, in which every probe must be seen. ``recovery_s`` is the phase's: seconds from the
    end of the fault until everything is healthy; after a reboot, from systemd's start. ``permitted`` is the reason why
    the design permits this probe in this cell, if it does. The probe "any" counts packets in clear of any sender.
    """

    phase: str
    variant: str
    probe: str
    clear_packets: int
    seen: bool | None = None
    recovery_s: float | None = None
    permitted: str | None = None


def read() -> list[Row]:
    """Return the rows of the report; none without a report."""
    return [Row(**row) for row in json.loads(PATH.read_text(encoding="utf-8"))] if PATH.exists() else []


def merge(before: Sequence[Row], rows: Sequence[Row]) -> list[Row]:
    """Replace the rows of the phases and variants that ``rows`` repeats."""
    again = {(row.phase, row.variant) for row in rows}
    return [*(row for row in before if (row.phase, row.variant) not in again), *rows]


def add(rows: Sequence[Row], *, joined: bool) -> list[Row]:
    """Write the rows, with ``joined`` merged into the report; return all rows."""
    PATH.parent.mkdir(parents=True, exist_ok=True)
    with PATH.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two households are tested at the same time
        merged = merge(read(), rows) if joined else list(rows)
        PATH.write_text(json.dumps([asdict(row) for row in merged], indent=1) + "\n", encoding="utf-8")
    return merged


def table(rows: Iterable[Row]) -> str:
    """Return a table with one line per phase and variant."""
    lines = [
        f"{'phase':<42} {'variant':<14} {'probes':>6} {'clear':>6} {'permitted':>9} {'seen':>6} {'recovery s':>10}"
    ]
    for (phase, variant), found in groupby(rows, key=lambda row: (row.phase, row.variant)):
        group = list(found)
        probes = [row for row in group if row.probe != "any"]
        control = [row for row in probes if row.seen is not None]
        seen = f"{sum(bool(row.seen) for row in control)}/{len(control)}" if control else ""
        times = {row.recovery_s for row in group} - {None}
        recovery = f"{times.pop():.1f}" if times else ""
        clear = sum(row.clear_packets for row in group if not row.permitted)
        permitted = sum(row.clear_packets for row in group if row.permitted)
        lines.append(f"{phase:<42} {variant:<14} {len(probes):>6} {clear:>6} {permitted:>9} {seen:>6} {recovery:>10}")
    return "\n".join(lines)
