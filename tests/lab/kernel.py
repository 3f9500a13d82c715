# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel settings that a Pi in a container shares with the machine: noted before the lab, put back after it."""

from __future__ import annotations

import json
from pathlib import Path

from engine import write

# Setting bytes clears the ratio, and the other way round; of each pair the one that is not 0 is put back.
SHARED = (
    "vm/dirty_background_bytes",
    "vm/dirty_background_ratio",
    "vm/dirty_bytes",
    "vm/dirty_ratio",
    "fs/inotify/max_user_instances",
    "fs/inotify/max_user_watches",
)


def note(file: Path, proc: Path = Path("/proc/sys")) -> None:
    """Write down the machine's own values, once."""
    if not file.exists():
        values = {name: (proc / name).read_text(encoding="ascii").strip() for name in SHARED}
        write(file, json.dumps(values, indent=2) + "\n")


def put_back(file: Path, proc: Path = Path("/proc/sys")) -> None:
    """Give the machine its own values back, if they were noted."""
    if not file.exists():
        return
    for name, value in json.loads(file.read_text(encoding="utf-8")).items():
        if value != "0" and (proc / name).read_text(encoding="ascii").strip() != value:
            (proc / name).write_text(value, encoding="ascii")
