# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of ``mediaserver status`` on the last health check, from status.json: worst first, and what to do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mediaserver._core import clock, files
from mediaserver._core.errors import MediaserverError, reason
from mediaserver.command import words
from mediaserver.command.frame import Context, Line, list_schema, object_schema

# Below the project folder and the folder of state files; both as in health/settings.py, whose import would take longer
# than the rest of this.
SETTINGS, STATUS = "health.json", "status.json"
# The form that is known here (health/report.py).
VERSION = 1
# Three runs of cron, and a long one.
STALE_S = 1200.0
# Problems that fit on one screen with the rest.
SHOWN = 5
BAD, WARNING = "bad", "warning"
SIGNS = {BAD: "BAD", WARNING: "warning"}
PROBLEM = object_schema(
    {
        "id": {"type": "string"},
        "title": {"type": "string"},
        "state": {"enum": [BAD, WARNING]},
        "since": {"type": "string", "description": "ISO 8601"},
        "text": {"type": "string"},
        "remedy": {"type": "string"},
    }
)
PROPERTIES: Mapping[str, Any] = {
    "health": object_schema(
        {
            "checked": {"type": ["string", "null"], "description": "when the last health check was made, ISO 8601"},
            "trouble": {"type": "string", "description": "why there is no current health check; else empty"},
            "problems": list_schema(PROBLEM, description="worst first"),
            "unknown": {"type": "integer", "description": "checks that could not be made"},
        }
    )
}
AGAIN = "run it: sudo mediaserver health"


def observe(context: Context) -> dict[str, Any]:
    if not (context.root / SETTINGS).exists():
        return {"health": _nothing("")}
    try:
        path = context.settings.state / STATUS
        text = files.read(path)
    except (MediaserverError, OSError) as error:
        return {"health": _nothing(f"the last health check cannot be read: {reason(error)}")}
    if text is None:
        return {"health": _nothing(f"no health check has been made yet; {AGAIN}")}
    try:
        return {"health": _content(json.loads(text), context.now())}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {"health": _nothing(f"{path} is damaged; the next health check writes it again; {AGAIN}")}


def _nothing(trouble: str) -> dict[str, Any]:
    return {"checked": None, "trouble": trouble, "problems": [], "unknown": 0}


def _content(found: Mapping[str, Any], now: float) -> dict[str, Any]:
    """Raises ValueError, KeyError, TypeError, AttributeError for a content of another form."""
    if found["version"] != VERSION:
        raise ValueError
    problems = [
        {key: str(one[key]) for key in ("id", "title", "state", "since", "text", "remedy")}
        for one in found["checks"]
        if one["state"] in SIGNS
    ]
    age = _age(found, now)
    return {
        "checked": str(found["checked"]),
        "trouble": f"the last health check was made {words.duration(age)} ago; {SEE_CRON}" if age > STALE_S else "",
        "problems": problems,
        "unknown": sum(one["state"] == "unknown" for one in found["checks"]),
    }


SEE_CRON = "see whether cron runs: systemctl status cron; sudo mediaserver logs health"


def _age(found: Mapping[str, Any], now: float) -> float:
    """Return the seconds since the check: by the clock since boot, as long as it is the same boot."""
    if found["boot_id"] and found["boot_id"] == _boot_id():
        return clock.now() - float(found["since_boot_s"])
    return now - (words.parse(found["checked"]) or 0.0)


def _boot_id() -> str:
    try:
        return (files.read("/proc/sys/kernel/random/boot_id") or "").strip()
    except OSError:
        return ""


def lines(found: Mapping[str, Any], now: float) -> list[str]:
    health = found["health"]
    if health["checked"] is None and not health["trouble"]:
        return []
    made: list[str] = []
    if health["trouble"]:
        made.append(Line(f"health check  {health['trouble']}", WARNING))
    if health["checked"] is not None:
        when = words.duration(now - (words.parse(health["checked"]) or now))
        number = len(health["problems"])
        said = (
            "all is well" if not number else "1 thing is not well" if number == 1 else f"{number} things are not well"
        )
        state = "ok" if not number else health["problems"][0]["state"]
        made.append(Line(f"health        {said} (checked {when} ago)", state))
    return made + problem_lines(health["problems"], SHOWN)


def problem_lines(rows: Sequence[Mapping[str, Any]], limit: int | None = None) -> list[str]:
    """Return two lines for each problem among these checks: what it is, and what to do."""
    problems = [one for one in rows if one["state"] in SIGNS]
    made: list[str] = []
    for one in problems[:limit]:
        made.append(Line(f"  {SIGNS[one['state']]}: {one['title']}: {one['text']}", one["state"]))
        made += [f"    -> {one['remedy']}"] * bool(one["remedy"])
    if limit is not None and len(problems) > limit:
        made.append(f"  and {len(problems) - limit} more: mediaserver status --json")
    return made


def attention(found: Mapping[str, Any]) -> list[str]:
    health = found["health"]
    made = [health["trouble"]] * bool(health["trouble"])
    return made + [f"{one['title']}: {one['text']}" for one in health["problems"]]
