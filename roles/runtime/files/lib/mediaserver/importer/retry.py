# SPDX-License-Identifier: GPL-3.0-or-later
"""When something that has failed is tried again. Pure."""

from __future__ import annotations

FIRST_S, LONGEST_S = 5.0, 900.0
# Steps of the system clock beyond this are no waiting time: a Pi without a real-time clock starts in the past.
IMPLAUSIBLE_S = 2 * LONGEST_S


def pause(tries: int) -> float:
    """Return the seconds to wait after so many failures, from 5 seconds to a quarter of an hour."""
    return float(min(FIRST_S * 2 ** min(max(tries - 1, 0), 16), LONGEST_S))


def is_due(not_before: float, now: float) -> bool:
    """Say whether a time of the system clock has come; a clock that was set back does not make it wait for years."""
    return now >= not_before or not_before - now > IMPLAUSIBLE_S
