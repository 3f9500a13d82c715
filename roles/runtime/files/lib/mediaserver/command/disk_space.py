# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of ``mediaserver status`` on free space: of the data, and of the system's own filesystem."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mediaserver._core.errors import MediaserverError, reason
from mediaserver.command import words
from mediaserver.command.frame import Context, list_schema, object_schema

SYSTEM = Path("/")
# Low is less than both: a part of the filesystem, and an amount with which downloads and updates still work.
LOW_PART = 0.05
LOW_BYTES = 5_000_000_000
FILESYSTEM = object_schema(
    {
        "path": {"type": "string"},
        "total": {"type": "integer", "description": "bytes"},
        "free": {"type": "integer", "description": "bytes that an account without the rights of root can use"},
        "low": {"type": "boolean"},
        "read_only": {"type": "boolean"},
        "problem": {"type": "string", "description": "why it could not be measured; else empty"},
    }
)
PROPERTIES: Mapping[str, Any] = {"disk": list_schema(FILESYSTEM)}


def observe(context: Context) -> dict[str, Any]:
    try:
        data = context.settings.data
    except MediaserverError as error:
        return {"disk": [_failed("", str(error)), measure(SYSTEM)]}
    found = [measure(data)]
    if not _same(data, SYSTEM):
        found.append(measure(SYSTEM))
    return {"disk": found}


def measure(path: Path) -> dict[str, Any]:
    try:
        status = os.statvfs(path)
    except OSError as error:
        return _failed(str(path), f"{path} cannot be measured: {reason(error)}")
    total, free = status.f_blocks * status.f_frsize, status.f_bavail * status.f_frsize
    return {
        "path": str(path),
        "total": total,
        "free": free,
        "low": is_low(total, free),
        "read_only": bool(status.f_flag & os.ST_RDONLY),
        "problem": "",
    }


def is_low(total: int, free: int) -> bool:
    return free < min(total * LOW_PART, LOW_BYTES)


def _failed(path: str, problem: str) -> dict[str, Any]:
    return {"path": path, "total": 0, "free": 0, "low": False, "read_only": False, "problem": problem}


def _same(one: Path, other: Path) -> bool:
    try:
        return one.stat().st_dev == other.stat().st_dev
    except OSError:
        return False


def lines(found: Mapping[str, Any], now: float) -> list[str]:
    del now
    return [f"disk          {_words(one)}" for one in found["disk"]]


def _words(one: Mapping[str, Any]) -> str:
    if one["problem"]:
        return str(one["problem"])
    notes = [", nearly full"] * one["low"] + [", read-only"] * one["read_only"]
    return f"{one['path']}: {words.size(one['free'])} of {words.size(one['total'])} are free{''.join(notes)}"


def attention(found: Mapping[str, Any]) -> list[str]:
    made = []
    for one in found["disk"]:
        if one["problem"]:
            made.append(one["problem"])
        if one["low"]:
            made.append(f"only {words.size(one['free'])} are free at {one['path']}")
        if one["read_only"]:
            made.append(f"{one['path']} is read-only; the kernel makes it so after an error: see dmesg")
    return made
