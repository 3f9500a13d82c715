# SPDX-License-Identifier: GPL-3.0-or-later
"""``importer.json``: what waits and why, and what has arrived, for `mediaserver status` and for notifications."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mediaserver._core import files
from mediaserver._core.errors import FileProblem, reason

# Below the import's folder of state.
STATE = "importer.json"
MODE = 0o644
RECENT_KEPT = 50
# Left-out files of one torrent that the state file names.
LEFT_OUT_KEPT = 20


@dataclass(frozen=True)
class Waiting:
    """A torrent that has not arrived, in words. ``published``: it is in the library, but Jellyfin does not list it."""

    hash: str
    name: str
    since: float
    text: str
    published: bool = False


@dataclass(frozen=True)
class Arrival:
    """A torrent that is done. ``new``: files that it added to the library; ``warning``: what a person should know."""

    hash: str
    name: str
    time: float
    kind: str
    new: int
    left_out: tuple[tuple[str, str], ...] = ()
    warning: str = ""


@dataclass(frozen=True)
class State:
    """The content of the file."""

    waiting: tuple[Waiting, ...] = ()
    recent: tuple[Arrival, ...] = ()  # youngest first
    troubles: tuple[str, ...] = ()  # of Transmission, Jellyfin, disk and spool
    rejected: tuple[str, ...] = ()  # what lay in the spool and is no torrent's hash


@dataclass
class StateFile:
    """The file. It is written only when something has changed, which spares the SD card."""

    path: Path
    _written: State | None = field(default=None)

    def read(self) -> State:
        """Return the content; a missing or damaged file counts as empty."""
        try:
            data: dict[str, Any] = json.loads(files.read(self.path) or "{}")
            return State(
                tuple(Waiting(**one) for one in data.get("waiting", ())),
                tuple(_arrival(one) for one in data.get("recent", ())),
                tuple(map(str, data.get("troubles", ()))),
                tuple(map(str, data.get("rejected", ()))),
            )
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
            return State()

    def write(self, state: State) -> None:
        """Raises FileProblem."""
        if state == self._written:
            return
        try:
            files.write(self.path, json.dumps(asdict(state), indent=1) + "\n", mode=MODE)
        except OSError as error:
            raise FileProblem(f"{self.path} cannot be written: {reason(error)}") from error
        self._written = state


def _arrival(data: dict[str, Any]) -> Arrival:
    return Arrival(**{**data, "left_out": tuple((str(one[0]), str(one[1])) for one in data.get("left_out", ()))})


def with_arrival(recent: Sequence[Arrival], arrival: Arrival) -> tuple[Arrival, ...]:
    """Return the arrivals with one more; an earlier one of the same torrent that added nothing is replaced."""
    others = [one for one in recent if one.hash != arrival.hash or one.new]
    return (arrival, *others)[:RECENT_KEPT]
