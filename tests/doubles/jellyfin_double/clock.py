# SPDX-License-Identifier: GPL-3.0-or-later
"""A clock that tests can replace. All waiting in the double uses it."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

NEVER = "0001-01-01T00:00:00.0000000Z"


class Clock:
    """The system's clock."""

    def monotonic(self) -> float:
        """Return seconds since an arbitrary start."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def stamp(self) -> str:
        """Return the current time in Jellyfin's format: UTC with seven decimals of a second."""
        return _stamp(datetime.now(UTC))


class ManualClock(Clock):
    """A clock that advances only by `advance` and `sleep`."""

    def __init__(self) -> None:
        self._elapsed = 0.0
        self._origin = datetime(2026, 1, 1, tzinfo=UTC)
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        with self._lock:
            return self._elapsed

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._elapsed += seconds

    def stamp(self) -> str:
        return _stamp(self._origin + timedelta(seconds=self.monotonic()))


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond:06d}0Z"
