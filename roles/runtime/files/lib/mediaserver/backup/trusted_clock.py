# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the clock can be trusted: retention and the locks of restic are judged by it. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from mediaserver._core.clock import FIRST_YEAR

# A backup that is so much younger than the present was made with a wrong clock, or this clock is wrong.
TOLERANCE_S = 600.0


def distrust(now: float, newest: float) -> str:
    """Say why the clock cannot be trusted, with what to do; empty where it can.

    ``newest``: the time of the newest snapshot or of the last backup, 0 for none.
    """
    year = datetime.fromtimestamp(now, UTC).year
    if year < FIRST_YEAR:
        return f"the clock of this host says {year}; connect it to the internet, which sets it, then run this again"
    if newest > now + TOLERANCE_S:
        found, present = (f"{datetime.fromtimestamp(one, UTC):%Y-%m-%d %H:%M} UTC" for one in (newest, now))
        return (
            f"the newest backup is of {found}, and the clock of this host says {present}; compare the clock"
            " (`timedatectl`), then run this again"
        )
    return ""
