# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Finds systemd units that run with an older version of their files, because an earlier run was interrupted."""

from __future__ import annotations

import typing as t

from .reader import Reader

PROPERTIES = ("Id", "ActiveState", "UnitFileState", "NeedDaemonReload", "ActiveEnterTimestampMonotonic")


def parse(output: str) -> dict[str, dict[str, str]]:
    """Return the properties of each unit in the output of ``systemctl show``, by the unit's name."""
    blocks = (dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in output.split("\n\n"))
    return {block["Id"]: block for block in blocks if block.get("Id")}


def is_outdated(properties: dict[str, str], now: float, ages: t.Iterable[float]) -> bool:
    """Return whether a running unit was started before one of its files was written.

    ``now`` is CLOCK_MONOTONIC in seconds, ``ages`` are seconds since each file was written. Wall-clock time is not
    used, because a Raspberry Pi has no hardware clock and may boot with a wrong time.
    """
    try:
        since = int(properties.get("ActiveEnterTimestampMonotonic", "0")) / 1e6
    except ValueError:
        return False
    return properties.get("ActiveState") == "active" and since > 0 and any(age < now - since for age in ages)


def measure_units(reader: Reader, wanted: t.Mapping[str, t.Sequence[str]]) -> dict[str, dict[str, bool]]:
    """Return the state of each unit: started, enabled, in need of a daemon-reload, older than its files.

    ``wanted`` maps a unit to the files that it reads when it starts.
    """
    if not wanted or not reader.exists("/run/systemd/system"):
        return {}
    found = parse(reader.run(["systemctl", "show", f"--property={','.join(PROPERTIES)}", *wanted]))
    now = reader.monotonic()
    return {
        name: {
            "started": properties.get("ActiveState") == "active",
            "enabled": properties.get("UnitFileState") == "enabled",
            "needs_reload": properties.get("NeedDaemonReload") == "yes",
            "outdated": is_outdated(properties, now, [age for age in map(reader.age, wanted[name]) if age is not None]),
        }
        for name, properties in found.items()
        if name in wanted
    }
