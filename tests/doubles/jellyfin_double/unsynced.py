# SPDX-License-Identifier: GPL-3.0-or-later
"""Effects of a power cut. Like the server, the double writes files in place and without fsync, except its database.

A file that was written since the last sync of its filesystem is empty after a power cut.
"""

from __future__ import annotations

from pathlib import Path

_written: set[Path] = set()


def write(path: Path, text: str) -> None:
    """Write in place, and record the file as not synced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    _written.add(path)


def written(folder: Path) -> set[Path]:
    """Return the files in the folder that a power cut would truncate."""
    return {path for path in _written if path.is_relative_to(folder) and path.is_file()}


def synced(folder: Path) -> None:
    """Record a sync of the folder's filesystem."""
    _written.difference_update({path for path in _written if path.is_relative_to(folder)})


def power_cut(folder: Path) -> list[Path]:
    """Truncate the files that are not synced; return them."""
    lost = sorted(written(folder))
    for path in lost:
        path.write_text("", encoding="utf-8")
    synced(folder)
    return lost
