# SPDX-License-Identifier: GPL-3.0-or-later
"""Times and sizes as a person reads them. Pure, except for the time zone of the host."""

from __future__ import annotations

from datetime import datetime

MINUTE, HOUR, DAY = 60, 3600, 86400
UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def duration(seconds: float) -> str:
    """Return a rounded time span, such as "3 hours". One in the future, as after a step of the clock, is short."""
    for unit, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if seconds >= unit:
            number = int(seconds // unit)
            return f"{number} {name}" + ("s" if number != 1 else "")
    return "less than a minute"


def moment(timestamp: float) -> str:
    """Return a point of time in the host's zone, as ISO 8601."""
    return datetime.fromtimestamp(timestamp).astimezone().isoformat(timespec="seconds")


def readable(timestamp: float, now: float) -> str:
    """Return a point of time and how long ago that is, such as "2026-12-01 14:02 (3 hours)"."""
    return f"{datetime.fromtimestamp(timestamp):%Y-%m-%d %H:%M} ({duration(now - timestamp)})"


def parse(text: str) -> float | None:
    """Return the timestamp of an ISO 8601 text; None for another one."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def size(number: float) -> str:
    """Return bytes in decimal units, as disks are sold."""
    for unit in UNITS[:-1]:
        if number < 1000:
            return f"{number:.0f} {unit}" if unit in UNITS[:3] else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} {UNITS[-1]}"
