# SPDX-License-Identifier: GPL-3.0-or-later
"""What one run leaves for the next: which states are known and reported, numbers, and findings that are kept for long.

The file is in the state folder; where that cannot be written, as on a full disk, it is in /run until it can.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mediaserver._core import files
from mediaserver._core.errors import FileProblem, reason
from mediaserver.health.environment import Moment
from mediaserver.health.model import Finding, State, Value
from mediaserver.health.transitions import Track

FILE = "state.json"
MODE = 0o600
DAMAGED = ".damaged"


@dataclass(frozen=True)
class Kept:
    """The findings of a probe, the number of the run that made them, and for what."""

    run: int
    key: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Memory:
    """The content of the file. ``run``: the number of the last run."""

    run: int = 0
    last: Moment | None = None
    tracks: Mapping[str, Track] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)
    kept: Mapping[str, Kept] = field(default_factory=dict)
    answered: Mapping[str, float] = field(default_factory=dict)  # when each check had its last answer
    ping_failed: bool = False


@dataclass(frozen=True)
class Store:
    """``spare`` is used while ``path`` cannot be written."""

    path: Path
    spare: Path

    def read(self) -> tuple[Memory, str]:
        """Return the younger of both contents, and what was wrong with the file, if so. It never raises."""
        spare = Memory()
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            spare = memory_of(json.loads(files.read(self.spare) or "{}"))
        try:
            found = memory_of(json.loads(files.read(self.path) or "{}"))
        except OSError as error:
            return spare, f"{self.path} cannot be read: {reason(error)}"
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            aside = self.path.with_name(self.path.name + DAMAGED)
            with suppress(OSError):
                files.move(self.path, aside)
            return spare, f"{self.path} was damaged; it is kept as {aside}, and all states are found again"
        return (spare if spare.run > found.run else found), ""

    def write(self, memory: Memory) -> str:
        """Return why the file could not be written; the spare one is written then. Raises FileProblem without both."""
        text = json.dumps(asdict(memory), indent=1) + "\n"
        try:
            files.write(self.path, text, mode=MODE)
        except OSError as error:
            why = f"{self.path} cannot be written: {reason(error)}"
        else:
            with suppress(OSError):
                self.spare.unlink(missing_ok=True)
            return ""
        try:
            files.write(self.spare, text, mode=MODE)
        except OSError as error:
            raise FileProblem(f"{why}; {self.spare} cannot either: {reason(error)}") from error
        return why


def memory_of(data: Mapping[str, Any]) -> Memory:
    """Raises ValueError, KeyError, TypeError, AttributeError for a content of another form."""
    last = data.get("last")
    return Memory(
        run=int(data.get("run", 0)),
        last=None if last is None else Moment(float(last["wall"]), float(last["since_boot"]), str(last["boot_id"])),
        tracks={str(name): _track(one) for name, one in data.get("tracks", {}).items()},
        numbers={str(name): float(one) for name, one in data.get("numbers", {}).items()},
        kept={
            str(name): Kept(int(one["run"]), str(one["key"]), tuple(map(_finding, one["findings"])))
            for name, one in data.get("kept", {}).items()
        },
        answered={str(name): float(one) for name, one in data.get("answered", {}).items()},
        ping_failed=data.get("ping_failed") is True,
    )


def _track(data: Mapping[str, Any]) -> Track:
    return Track(
        State(data["state"]),
        float(data["since"]),
        State(data["reported"]),
        int(data["runs"]),
        int(data["silence"]),
        tuple(map(int, data["changes"])),
    )


def _finding(data: Mapping[str, Any]) -> Finding:
    values = tuple(
        Value(str(one["metric"]), float(one["number"]), tuple((str(name), str(text)) for name, text in one["labels"]))
        for one in data["values"]
    )
    return Finding(
        str(data["check"]),
        State(data["state"]),
        str(data["text"]),
        str(data["remedy"]),
        values,
        str(data["private"]),
    )
