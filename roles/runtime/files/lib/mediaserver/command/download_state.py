# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of ``mediaserver status`` on downloads, from the state file of the import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mediaserver._core.errors import MediaserverError, reason
from mediaserver._core.names import IMPORT_PATH_UNIT
from mediaserver.command import words
from mediaserver.command.frame import Context, list_schema, object_schema
from mediaserver.importer.settings import SETTINGS, Settings
from mediaserver.importer.spool import REJECTED
from mediaserver.importer.state import STATE, Arrival, State, StateFile, Waiting

# Arrivals that are shown.
RECENT = 5
WAITING = object_schema(
    {
        "hash": {"type": "string"},
        "name": {"type": "string"},
        "since": {"type": "string", "description": "ISO 8601"},
        "text": {"type": "string", "description": "why it has not arrived"},
        "published": {"type": "boolean", "description": "it is in the library, but Jellyfin does not list it yet"},
    }
)
LEFT_OUT = object_schema({"file": {"type": "string"}, "reason": {"type": "string"}})
ARRIVED = object_schema(
    {
        "hash": {"type": "string"},
        "name": {"type": "string"},
        "time": {"type": "string", "description": "ISO 8601"},
        "kind": {"type": "string"},
        "new": {"type": "integer", "description": "files that it added to the library"},
        "left_out": list_schema(LEFT_OUT),
        "warning": {"type": "string"},
    }
)
PROPERTIES: Mapping[str, Any] = {
    "downloads": object_schema(
        {
            "import": {"enum": ["runs", "stopped", "not set up"]},
            "waiting": list_schema(WAITING),
            "arrived": list_schema(ARRIVED, description=f"the newest {RECENT}"),
            "troubles": list_schema({"type": "string"}, description="that delay every download"),
            "rejected": list_schema(
                {"type": "string"}, description="paths of what was in the spool and names no torrent"
            ),
        }
    )
}


def observe(context: Context) -> dict[str, Any]:
    if not (context.root / SETTINGS).exists():
        return {"downloads": data("not set up", State())}
    try:
        folder = Settings.read(context.root / SETTINGS).state
        state = StateFile(folder / STATE).read()
        state = replace(state, rejected=tuple(str(folder / REJECTED / name) for name in state.rejected))
    except (MediaserverError, OSError) as error:
        state = State(troubles=(reason(error),))
    active = context.run(["systemctl", "is-active", IMPORT_PATH_UNIT]).stdout.strip() == "active"
    return {"downloads": data("runs" if active else "stopped", state)}


def data(runs: str, state: State, *, recent: int = RECENT) -> dict[str, Any]:
    return {
        "import": runs,
        "waiting": [_waiting(one) for one in state.waiting],
        "arrived": [_arrived(one) for one in state.recent[:recent]],
        "troubles": list(state.troubles),
        "rejected": list(state.rejected),
    }


def _waiting(one: Waiting) -> dict[str, Any]:
    return {
        "hash": one.hash,
        "name": one.name,
        "since": words.moment(one.since),
        "text": one.text,
        "published": one.published,
    }


def _arrived(one: Arrival) -> dict[str, Any]:
    return {
        "hash": one.hash,
        "name": one.name,
        "time": words.moment(one.time),
        "kind": one.kind,
        "new": one.new,
        "left_out": [{"file": file, "reason": why} for file, why in one.left_out],
        "warning": one.warning,
    }


def lines(found: Mapping[str, Any], now: float) -> list[str]:
    downloads = found["downloads"]
    if downloads["import"] == "not set up":
        return ["downloads     are not imported into the library (upkeep_import)"]
    number = len(downloads["waiting"])
    none = "none waits" if _troubles(downloads) else "all have arrived"
    made = [f"downloads     {f'{number} not in the library yet' if number else none}"]
    made += [f"              {one['name']}: {one['text']}" for one in downloads["waiting"]]
    made += [f"              {text}" for text in _troubles(downloads)]
    for one in downloads["arrived"]:
        when = words.duration(now - (words.parse(one["time"]) or now))
        made.append(f"              arrived {when} ago: {one['name']}" + (one["warning"] and f" ({one['warning']})"))
        made += [f"                {left['file']}: {left['reason']}" for left in one["left_out"]]
    return made


def _troubles(downloads: Mapping[str, Any]) -> list[str]:
    made = [f"the import does not run, so nothing arrives. Start it: sudo systemctl start {IMPORT_PATH_UNIT}"] * (
        downloads["import"] == "stopped"
    )
    made += downloads["troubles"]
    return made + [
        f"{path!r} was in the import's spool, but its name is not the hash of a torrent. Find out what has written it,"
        " and remove it"
        for path in downloads["rejected"]
    ]


def attention(found: Mapping[str, Any]) -> list[str]:
    """Return what delays every download; a download that waits is no fault of the host."""
    return _troubles(found["downloads"]) if found["downloads"]["import"] != "not set up" else []
