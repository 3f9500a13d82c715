# SPDX-License-Identifier: GPL-3.0-or-later
"""The hold: a program that works on the stack pauses vpn-monitor for a bounded time.

A hold ends by its deadline in any case, so an aborted run pauses vpn-monitor for a limited time. Times are seconds
since boot (CLOCK_BOOTTIME): no step of the clock makes a hold shorter or longer.
"""

from __future__ import annotations

import json
import stat
from dataclasses import dataclass
from pathlib import Path

from mediaserver._core import files
from mediaserver._core.names import HOLD

# The longest hold; a deadline further away is a mistake or a forgery.
LONGEST_S = 3600.0


@dataclass(frozen=True)
class Hold:
    """``valid`` or not, and why, in words that fit after "hold"."""

    valid: bool
    why: str = ""


def take(owner: str, seconds: float, now: float, path: Path = HOLD) -> None:
    """Pause for ``seconds`` from ``now``, in place of an earlier hold. Raises OSError, ValueError."""
    if not 0 < seconds <= LONGEST_S:
        raise ValueError(f"a hold of {seconds:g} s is refused; the longest is {LONGEST_S:g} s")
    files.write(path, json.dumps({"owner": owner, "deadline": now + seconds}) + "\n", mode=0o644)


def release(path: Path = HOLD) -> None:
    path.unlink(missing_ok=True)


def read(now: float, path: Path = HOLD) -> Hold | None:
    """Return the present hold, or None. One that cannot be trusted is not valid. It never raises."""
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o022:
            return Hold(False, "is ignored: it is not a file that only root can write")
        data = json.loads(path.read_text(encoding="utf-8"))
        owner, deadline = str(data["owner"]), float(data["deadline"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        return Hold(False, f"is ignored: it cannot be read ({error!r})")
    if deadline <= now:
        return Hold(False, f"by {owner} has expired")
    # NaN is refused as well: it would never be reached.
    if not deadline - now <= LONGEST_S:
        return Hold(False, f"by {owner} is ignored: its deadline is further away than {LONGEST_S:g} s")
    return Hold(True, f"by {owner} for {deadline - now:.0f} s more")
