# SPDX-License-Identifier: GPL-3.0-or-later
"""The age of the last backup, of its last check and of the last drill, where a backup notes them in its state file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from mediaserver._core import files
from mediaserver.command import words
from mediaserver.health.environment import Environment
from mediaserver.health.model import Finding, Value, ok, unknown, warning

# Below the folder of state files: {"backup": …, "check": …, "drill": …}, times in seconds since 1970.
STATE = "backup.json"
AGE = "mediaserver_backup_age_seconds"
BACKUP, VERIFIED, DRILL = "backup-made", "backup-checked", "backup-drill"
CHECKS = (BACKUP, VERIFIED, DRILL)
# What is noted, under which check, and after how many days it is late.
NOTED: Mapping[str, tuple[str, int]] = {"backup": (BACKUP, 2), "check": (VERIFIED, 8), "drill": (DRILL, 40)}
WORDS = {BACKUP: "backup", VERIFIED: "check of the backup", DRILL: "restore drill"}


def read(environment: Environment) -> list[Finding]:
    text = files.read(environment.settings.state / STATE)
    if text is None:
        return [unknown(check, "no backup is set up") for check in CHECKS]
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    return judge(found if isinstance(found, dict) else {}, environment.now.wall)


def judge(noted: Mapping[str, object], now: float) -> list[Finding]:
    """Pure."""
    return [_judge(check, noted.get(key), days, now) for key, (check, days) in NOTED.items()]


def _judge(check: str, noted: object, days: int, now: float) -> Finding:
    what = WORDS[check]
    if isinstance(noted, bool) or not isinstance(noted, (int, float)) or not math.isfinite(noted):
        return warning(check, f"there has been no {what} yet", "see: sudo mediaserver logs")
    age = max(now - noted, 0.0)
    value = Value(AGE, round(age), (("kind", check.removeprefix("backup-")),))
    text = f"the last {what} was {words.duration(age)} ago"
    if age > days * words.DAY:
        return warning(check, text, "see: sudo mediaserver logs", value)
    return ok(check, text, value)
