# SPDX-License-Identifier: GPL-3.0-or-later
"""Time that a test can replace: nothing in the double waits in any other way."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

NEVER = "0001-01-01T00:00:00.0000000Z"


class Clock:
    """Real time."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def stamp(self) -> str:
        """The present moment as Jellyfin writes it: UTC with seven digits after the second."""
        return _stamp(datetime.now(UTC))


class ManualClock(Clock):
    """Time that passes only when told to, or when something sleeps."""

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
