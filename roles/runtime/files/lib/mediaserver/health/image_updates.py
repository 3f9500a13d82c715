# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether newer images wait, by the stored result of `mediaserver updates`, which a timer runs once a day.

A newer image is no problem: it is a fact for people and for metrics, and no message is sent of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mediaserver._registry.line import News
from mediaserver.command import updates, words
from mediaserver.health.environment import Environment
from mediaserver.health.model import Finding, Value, ok, unknown

CHECK = "image-updates"
WAITING = "mediaserver_image_updates_waiting"
# A registry may be away for days.
STALE_S = 7 * words.DAY
ASK = "ask again: sudo mediaserver updates"


def result(environment: Environment) -> Path:
    return environment.settings.state / updates.RESULT


def read(environment: Environment) -> list[Finding]:
    return [judge(updates.stored(result(environment)), environment.now.wall)]


def judge(found: Mapping[str, Any] | None, now: float) -> Finding:
    """Pure."""
    checked = None if found is None else words.parse(found["checked"])
    if found is None or checked is None:
        return unknown(CHECK, "the last result is damaged", ASK)
    if now - checked > STALE_S:
        return unknown(CHECK, f"the registries were asked {words.duration(now - checked)} ago", ASK)
    waiting = updates.with_news(found, News.NEWER, News.REBUILT)
    not_known = updates.with_news(found, News.UNKNOWN)
    value = Value(WAITING, len(waiting))
    if waiting:
        return ok(CHECK, f"newer images for {', '.join(waiting)}: mediaserver updates --stored", value)
    if not_known:
        return unknown(CHECK, f"the registry did not answer for {', '.join(not_known)}", ASK)
    return ok(CHECK, "every image is the newest of its line", value)
