# SPDX-License-Identifier: GPL-3.0-or-later
"""The age of the last backup, of its last check and of the last drill, where a backup notes them in its state file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from mediaserver._core import files
from mediaserver.command import words
from mediaserver.health.environment import Environment
from mediaserver.health.model import Finding, Value, bad, ok, unknown, warning

# Below the folder of state files: {"backup": …, "check": …, "drill": …}, times in seconds since 1970.
STATE = "backup.json"
AGE = "mediaserver_backup_age_seconds"
BACKUP, VERIFIED, DRILL = "backup-made", "backup-checked", "backup-drill"
DATABASES = "backup-databases"
CHECKS = (BACKUP, VERIFIED, DRILL, DATABASES)
# What is noted, under which check, and after how many days it is late.
NOTED: Mapping[str, tuple[str, int]] = {"backup": (BACKUP, 2), "check": (VERIFIED, 8), "drill": (DRILL, 40)}
# Faults of databases that are named.
SHOWN = 3
WORDS = {BACKUP: "backup", VERIFIED: "check of the backup", DRILL: "restore drill"}


def read(environment: Environment) -> list[Finding]:
    text = files.read(environment.settings.state / STATE)
    if text is None:
        return [unknown(check, "no backup is set up") for check in CHECKS]
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    noted = found if isinstance(found, dict) else {}
    if off := noted.get("off"):
        return [
            warning(BACKUP, str(off), "without a backup, everything but the media is lost with the card"),
            *(unknown(check, "there is no backup") for check in CHECKS[1:]),
        ]
    return [*judge(noted, environment.now.wall), judge_databases(noted)]


def judge(noted: Mapping[str, object], now: float) -> list[Finding]:
    """Pure."""
    found = [_judge(check, noted.get(key), days, now) for key, (check, days) in NOTED.items()]
    if error := noted.get("drill_error"):
        failed = bad(DRILL, f"the last restore drill has failed: {error}", "see: sudo mediaserver restore --drill")
        return [failed if one.check == DRILL else one for one in found]
    return found


def _judge(check: str, noted: object, days: int, now: float) -> Finding:
    what = WORDS[check]
    if isinstance(noted, bool) or not isinstance(noted, (int, float)) or not math.isfinite(noted):
        return warning(check, f"there has been no {what} yet", "see: sudo mediaserver logs backup")
    age = max(now - noted, 0.0)
    value = Value(AGE, round(age), (("kind", check.removeprefix("backup-")),))
    text = f"the last {what} was {words.duration(age)} ago"
    if age > days * words.DAY:
        return warning(check, text, "see: sudo mediaserver logs backup", value)
    return ok(check, text, value)


def judge_databases(noted: Mapping[str, object]) -> Finding:
    """What the check of the databases' copies has found in the last backup. Pure."""
    if "faults" not in noted:
        return unknown(DATABASES, "no copy has been checked yet")
    faults = noted["faults"]
    found = [one for one in faults if isinstance(one, dict)] if isinstance(faults, list) else []
    if not found:
        return ok(DATABASES, "the copies of all databases are sound")
    service = next((str(one["service"]) for one in found if one.get("service")), "")
    text = "; ".join(f"{one.get('path')}: {one.get('text')}" for one in found[:SHOWN])
    rest = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return bad(
        DATABASES,
        f"a database is damaged: {text}{rest}",
        f"bring back the last sound one: sudo mediaserver restore {service} --at yesterday",
    )
