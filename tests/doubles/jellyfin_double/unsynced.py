# SPDX-License-Identifier: GPL-3.0-or-later
"""What a power cut takes: like the real server, the double writes all but its database in place, without fsync.

A file that was written since the last sync of its filesystem is empty after a power cut.
"""

from __future__ import annotations

from pathlib import Path

_written: set[Path] = set()


def write(path: Path, text: str) -> None:
    """Write in place, and remember that only memory holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    _written.add(path)


def written(folder: Path) -> set[Path]:
    """Files below the folder that a power cut would empty."""
    return {path for path in _written if path.is_relative_to(folder) and path.is_file()}


def synced(folder: Path) -> None:
    """The filesystem of the folder was synced."""
    _written.difference_update({path for path in _written if path.is_relative_to(folder)})


def power_cut(folder: Path) -> list[Path]:
    """Empty what was not synced; return those files."""
    lost = sorted(written(folder))
    for path in lost:
        path.write_text("", encoding="utf-8")
    synced(folder)
    return lost
