# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of ``mediaserver status`` on newer images: what the last `mediaserver updates` has found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mediaserver._core.errors import MediaserverError
from mediaserver._registry.line import News
from mediaserver.command import updates, words
from mediaserver.command.frame import Context, list_schema, object_schema

SERVICES = list_schema({"type": "string"})
PROPERTIES: Mapping[str, Any] = {
    "updates": object_schema(
        {
            "checked": {"type": ["string", "null"], "description": "when the registries were asked last, ISO 8601"},
            "waiting": {**SERVICES, "description": "services with a newer image"},
            "unknown": {**SERVICES, "description": "services whose image could not be checked"},
        }
    )
}
SHOW, ASK = "mediaserver updates --stored", "sudo mediaserver updates"


def observe(context: Context) -> dict[str, Any]:
    try:
        found = updates.stored(context.settings.state / updates.RESULT)
    except MediaserverError:
        found = None  # another part names settings that cannot be read
    if found is None:
        return {"updates": {"checked": None, "waiting": [], "unknown": []}}
    waiting = updates.with_news(found, News.NEWER, News.REBUILT)
    return {
        "updates": {
            "checked": found["checked"],
            "waiting": waiting,
            "unknown": updates.with_news(found, News.UNKNOWN),
        }
    }


def lines(found: Mapping[str, Any], now: float) -> list[str]:
    told = found["updates"]
    checked = words.parse(told["checked"] or "")
    if checked is None:
        return [f"updates       not searched for yet: {ASK}"]
    text = f"newer images for {', '.join(told['waiting'])}: {SHOW}" if told["waiting"] else "none is waiting"
    if told["unknown"]:
        text += f"; not known for {', '.join(told['unknown'])}"
    return [f"updates       {text} (searched {words.duration(now - checked)} ago)"]


def attention(found: Mapping[str, Any]) -> list[str]:
    """Return nothing: every image works, and a newer one comes with the collection."""
    del found
    return []
