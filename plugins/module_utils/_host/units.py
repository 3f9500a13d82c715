# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Which systemd units have not taken their files over: a run that was interrupted restarts nothing, and the next one
finds the files in place."""

from __future__ import annotations

import typing as t

from .reader import Reader

PROPERTIES = ("Id", "ActiveState", "NeedDaemonReload", "ActiveEnterTimestampMonotonic")


def parse(told: str) -> dict[str, dict[str, str]]:
    """Return the properties of each unit in the output of ``systemctl show``, by its name."""
    blocks = (dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in told.split("\n\n"))
    return {block["Id"]: block for block in blocks if block.get("Id")}


def is_outdated(properties: dict[str, str], now: float, ages: t.Iterable[float]) -> bool:
    """Whether a running unit was started before one of its files was written, so many seconds ago.

    ``now`` is CLOCK_MONOTONIC: the time of a boot may have been wrong, because a Raspberry Pi has no clock of its own.
    """
    try:
        since = int(properties.get("ActiveEnterTimestampMonotonic", "0")) / 1e6
    except ValueError:
        return False
    return properties.get("ActiveState") == "active" and since > 0 and any(age < now - since for age in ages)


def measure_units(reader: Reader, wanted: t.Mapping[str, t.Sequence[str]]) -> dict[str, dict[str, bool]]:
    """Return for each unit whether systemd has to read it again, and whether it is older than its files."""
    if not wanted or not reader.exists("/run/systemd/system"):
        return {}
    found = parse(reader.run(["systemctl", "show", f"--property={','.join(PROPERTIES)}", *wanted]))
    now = reader.monotonic()
    return {
        name: {
            "needs_reload": properties.get("NeedDaemonReload") == "yes",
            "outdated": is_outdated(properties, now, [age for age in map(reader.age, wanted[name]) if age is not None]),
        }
        for name, properties in found.items()
        if name in wanted
    }
