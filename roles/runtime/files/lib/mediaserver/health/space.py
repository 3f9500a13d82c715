# SPDX-License-Identifier: GPL-3.0-or-later
"""How full a filesystem is."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Space:
    """Bytes and inodes. ``free``: what an account without the rights of root can use. ``device``: which filesystem."""

    total: int
    used: int
    free: int
    inodes: int
    inodes_free: int
    read_only: bool
    device: int

    @property
    def percent(self) -> float:
        """The used part of what the services can use, as df(1) shows it."""
        usable = self.used + self.free
        return 100.0 * self.used / usable if usable else 0.0

    @property
    def inodes_percent(self) -> float:
        """0 for a filesystem without a fixed number of inodes."""
        return 100.0 * (1 - self.inodes_free / self.inodes) if self.inodes else 0.0


def measure(path: Path) -> Space:
    """Raises OSError."""
    found = os.statvfs(path)
    size = found.f_frsize
    return Space(
        total=found.f_blocks * size,
        used=(found.f_blocks - found.f_bfree) * size,
        free=found.f_bavail * size,
        inodes=found.f_files,
        inodes_free=found.f_ffree,
        read_only=bool(found.f_flag & os.ST_RDONLY),
        device=path.stat().st_dev,
    )
