# SPDX-License-Identifier: GPL-3.0-or-later
"""The clock of these programs."""

from __future__ import annotations

import time


def now() -> float:
    """Seconds since boot (CLOCK_BOOTTIME): no step of the clock, and no sleep, falsifies them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
