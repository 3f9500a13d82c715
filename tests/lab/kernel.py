# SPDX-License-Identifier: GPL-3.0-or-later
"""Saves and restores the kernel settings that a Pi in a container shares with the machine."""

from __future__ import annotations

import json
from pathlib import Path

from engine import write

# Writing the bytes sets the ratio to 0 and vice versa, so of each pair the value that is not 0 is restored.
SHARED = (
    "vm/dirty_background_bytes",
    "vm/dirty_background_ratio",
    "vm/dirty_bytes",
    "vm/dirty_ratio",
    "fs/inotify/max_user_instances",
    "fs/inotify/max_user_watches",
)


def save(file: Path, proc: Path = Path("/proc/sys")) -> None:
    """Write the machine's values to ``file``, unless it exists."""
    if not file.exists():
        values = {name: (proc / name).read_text(encoding="ascii").strip() for name in SHARED}
        write(file, json.dumps(values, indent=2) + "\n")


def restore(file: Path, proc: Path = Path("/proc/sys")) -> None:
    """Restore the machine's values from ``file``, if it exists."""
    if not file.exists():
        return
    for name, value in json.loads(file.read_text(encoding="utf-8")).items():
        if value != "0" and (proc / name).read_text(encoding="ascii").strip() != value:
            (proc / name).write_text(value, encoding="ascii")
