# SPDX-License-Identifier: GPL-3.0-or-later
"""Which snapshots ``--at`` means. Pure, except for the time zone of the host."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from mediaserver._core.errors import InvalidValue
from mediaserver.backup.restic import REASON, Snapshot
from mediaserver.command import words

YESTERDAY, NEWEST = "yesterday", "newest"
# What a restore keeps before it begins: it holds what the household wants to leave.
BEFORE_RESTORE = "before-restore"
ID = re.compile(r"[0-9a-f]{8,64}")
FORMS = "yesterday, newest, a day such as 2026-11-30, a time such as 2026-11-30T20:15, or the id of a snapshot"
SHOWN = 8


def candidates(snapshots: Sequence[Snapshot], at: str, now: float) -> list[Snapshot]:
    """Return the snapshots that ``at`` means, the best one first: the newest complete one, then the incomplete ones.

    Raises InvalidValue.
    """
    wanted = at.strip().lower()
    by_day = [one for one in snapshots if f"{REASON}{BEFORE_RESTORE}" not in one.tags]
    if wanted == NEWEST:
        found = by_day
    elif wanted == YESTERDAY:
        midnight = datetime.fromtimestamp(now).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
        found = [one for one in by_day if one.time < midnight]
    elif ID.fullmatch(wanted):
        found = [one for one in snapshots if one.id.startswith(wanted)]
    else:
        begin, end = _span(at)
        found = [one for one in by_day if begin <= one.time < end]
    if not found:
        raise InvalidValue(f"there is no snapshot for {at!r}. {_listed(snapshots)}")
    if ID.fullmatch(wanted) and len(found) > 1:
        raise InvalidValue(f"{at!r} is the beginning of {len(found)} ids; give more digits")
    # They come oldest first, also those of one second.
    return sorted(reversed(found), key=lambda one: (one.complete, one.time), reverse=True)


def _span(at: str) -> tuple[float, float]:
    """Return the time from which on and before which a snapshot is wanted. Raises InvalidValue."""
    try:
        moment = datetime.fromisoformat(at.strip())
    except ValueError as error:
        raise InvalidValue(f"{at!r} is not a time; expected {FORMS}") from error
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", at.strip()):
        return moment.timestamp(), (moment + timedelta(days=1)).timestamp()
    return 0.0, moment.timestamp() + 1.0


def _listed(snapshots: Sequence[Snapshot]) -> str:
    if not snapshots:
        return "The repository has no snapshot of this household"
    newest = sorted(snapshots, key=lambda one: one.time, reverse=True)
    shown = ", ".join(f"{one.id[:8]} of {words.moment(one.time)}" for one in newest[:SHOWN])
    return f"There are: {shown}" + (f", and {len(newest) - SHOWN} older ones" if len(newest) > SHOWN else "")
