# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of ``mediaserver status`` on the backup: how old it is, what it survives, whether the card is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mediaserver._core.errors import MediaserverError
from mediaserver.backup import card
from mediaserver.backup.state import BACKUP, DRILL, StateFile, moment
from mediaserver.command import words
from mediaserver.command.frame import Context, Line, object_schema

# Below the project folder and that of state files; both as in backup/settings.py, whose import takes longer.
SETTINGS = STATE = "backup.json"
TIME = {"type": ["string", "null"], "description": "ISO 8601; null for never"}
PROPERTIES: Mapping[str, Any] = {
    "backup": object_schema(
        {
            "wanted": {"type": "boolean", "description": "upkeep_backup"},
            "last": TIME,
            "drill": TIME,
            "survives": {"type": "string", "description": "what the repository survives; empty before the first one"},
            "off": {"type": "string", "description": "why there is no place for a backup; else empty"},
            "error": {"type": "string", "description": "why the last backup failed; else empty"},
            "card_due": {"type": "boolean", "description": "the recovery card was not confirmed for a quarter"},
        }
    )
}
CONFIRM = "is the recovery card still there? sudo mediaserver card --confirm (or print it: sudo mediaserver card)"
NEVER = "none has been made yet: sudo mediaserver backup"


def observe(context: Context) -> dict[str, Any]:
    try:
        wanted = (context.root / SETTINGS).exists()
        noted = StateFile(context.settings.state / STATE).read() if wanted else {}
    except MediaserverError:
        wanted, noted = False, {}  # another part names settings that cannot be read
    place = noted.get("repository")
    return {
        "backup": {
            "wanted": wanted,
            "last": _time(noted.get(BACKUP)),
            "drill": _time(noted.get(DRILL)),
            "survives": str(place.get("survives", "")) if isinstance(place, dict) else "",
            "off": str(noted.get("off") or ""),
            "error": str(noted.get("error") or ""),
            "card_due": card.is_due(noted, context.now()),
        }
    }


def _time(noted: object) -> str | None:
    try:
        return words.moment(moment(noted)) if moment(noted) else None
    except (OverflowError, OSError, ValueError):
        return None


def lines(found: Mapping[str, Any], now: float) -> list[str]:
    told = found["backup"]
    if not told["wanted"]:
        return [Line("backup        off (upkeep_backup)", "warning")]
    if told["off"]:
        return [Line(f"backup        off: {told['off']}", "warning")]
    last = words.parse(told["last"] or "")
    age = NEVER if last is None else f"made {words.duration(now - last)} ago"
    made = [Line(f"backup        {age}", "warning") if last is None or told["error"] else f"backup        {age}"]
    made += [Line(f"  the last one failed: {told['error']}", "warning")] * bool(told["error"])
    made += [f"  it survives: {told['survives']}"] * bool(told["survives"])
    if last is not None:
        drill = words.parse(told["drill"] or "")
        made.append(f"  restore drill: {'none yet' if drill is None else f'{words.duration(now - drill)} ago'}")
    return made + [Line(f"  {CONFIRM}", "warning")] * told["card_due"]


def attention(found: Mapping[str, Any]) -> list[str]:
    """Return what the health check does not report: it knows of the age, not of the card."""
    told = found["backup"]
    return [CONFIRM] * told["card_due"] + [f"backup: {told['off']}"] * bool(told["off"])
