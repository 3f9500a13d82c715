# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Time: seconds since boot for what several processes compare, and what waiting needs."""

from __future__ import annotations

import time
import typing as t

# A clock before this year was never set: a Raspberry Pi has none that runs without power.
FIRST_YEAR = 2020


def now() -> float:
    """Return the seconds since boot (CLOCK_BOOTTIME): steps of the system clock and sleep do not change them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Clock(t.Protocol):
    """The module time, or a double with which tests wait without time passing."""

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float, /) -> None: ...
