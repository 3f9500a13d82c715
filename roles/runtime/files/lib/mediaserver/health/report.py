# SPDX-License-Identifier: GPL-3.0-or-later
"""``status.json``: the result of one health check, and its JSON Schema, which docs/status.schema.json repeats. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mediaserver.command import words
from mediaserver.command.frame import list_schema, object_schema
from mediaserver.health.environment import Moment
from mediaserver.health.model import WORST_FIRST, Finding, worst
from mediaserver.health.table import SUBJECTS, Check
from mediaserver.health.transitions import Track

VERSION = 1
INTERVAL_S = 300
STATES = [str(state) for state in WORST_FIRST]
VALUE = object_schema(
    {
        "metric": {"type": "string"},
        "number": {"type": "number"},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
    }
)
CHECK = object_schema(
    {
        "id": {"type": "string"},
        "subject": {"enum": list(SUBJECTS)},
        "title": {"type": "string"},
        "state": {"enum": STATES},
        "since": {"type": "string", "description": "when this state was found first, ISO 8601"},
        "answered": {
            "type": ["string", "null"],
            "description": "when the check was able to measure last, ISO 8601; null: never yet",
        },
        "text": {"type": "string", "description": "what was found"},
        "remedy": {"type": "string", "description": "what to do; empty where nothing is to be done"},
        "values": list_schema(VALUE, description="numbers, as in the metrics"),
    }
)
SCHEMA = object_schema(
    {
        "version": {"const": VERSION},
        "checked": {"type": "string", "description": "when the check was made, ISO 8601"},
        "since_boot_s": {"type": "number", "description": "the same in seconds since boot, which no clock changes"},
        "boot_id": {"type": "string", "description": "which boot that was, as in /proc/sys/kernel/random/boot_id"},
        "duration_s": {"type": "number", "minimum": 0},
        "state": {"enum": STATES, "description": "the worst state of all checks; unknown counts as ok here"},
        "checks": list_schema(CHECK, description="worst first"),
    }
)


def document(
    findings: Sequence[Finding],
    checks: Mapping[str, Check],
    tracks: Mapping[str, Track],
    answered: Mapping[str, float],
    *,
    now: Moment,
    duration_s: float,
    titles: bool = False,
) -> dict[str, Any]:
    """Return the content of the file; names of films and users only with ``titles``."""
    order = {name: number for number, name in enumerate(checks)}
    rows = sorted(findings, key=lambda one: (WORST_FIRST.index(one.state), order[one.check]))
    return {
        "version": VERSION,
        "checked": words.moment(now.wall),
        "since_boot_s": round(now.since_boot, 1),
        "boot_id": now.boot_id,
        "duration_s": round(duration_s, 2),
        "state": str(worst(one.state for one in findings if one.state.is_problem)),
        "checks": [_row(one, checks[one.check], tracks, answered, now, titles) for one in rows],
    }


def text_of(finding: Finding, *, titles: bool) -> str:
    return f"{finding.text}: {finding.private}" if titles and finding.private else finding.text


def _row(
    finding: Finding,
    check: Check,
    tracks: Mapping[str, Track],
    answered: Mapping[str, float],
    now: Moment,
    titles: bool,
) -> dict[str, Any]:
    track = tracks.get(finding.check)
    last = answered.get(finding.check)
    return {
        "id": check.id,
        "subject": check.subject,
        "title": check.title,
        "state": str(finding.state),
        "since": words.moment(track.since if track else now.wall),
        "answered": None if last is None else words.moment(last),
        "text": text_of(finding, titles=titles),
        "remedy": finding.remedy,
        "values": [{"metric": one.metric, "number": one.number, "labels": dict(one.labels)} for one in finding.values],
    }
