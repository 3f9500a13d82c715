# SPDX-License-Identifier: GPL-3.0-or-later
"""The import: what has waited for long, what delays every download; and torrents that Transmission has not taken."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from mediaserver.command import words
from mediaserver.health.environment import Environment
from mediaserver.health.model import Finding, State, Value, ok, warning
from mediaserver.importer.settings import SETTINGS
from mediaserver.importer.settings import Settings as ImportSettings
from mediaserver.importer.state import STATE, StateFile
from mediaserver.importer.state import State as ImportState

WAITING, TROUBLES, WATCH = "import-waiting", "import-troubles", "watch-folder"
OLDEST, NUMBER, NOT_TAKEN = (
    "mediaserver_import_oldest_seconds",
    "mediaserver_import_waiting",
    "mediaserver_watch_folder_files",
)
# An import normally takes seconds.
LATE_S = 3600.0
# Transmission reads its folder every ten seconds; Jackett writes a file in place.
NOT_TAKEN_S = 300.0
KINDS = (".torrent", ".magnet")
LOGS = "see why: mediaserver status; sudo mediaserver logs import"


def read(environment: Environment) -> list[Finding]:
    """The import's own files."""
    path = environment.root / SETTINGS
    state = StateFile(ImportSettings.read(path).state / STATE).read()
    return judge(state, environment.now.wall)


def read_watch(environment: Environment) -> list[Finding]:
    """Jackett writes the files of this folder in place, so a full disk or a power cut leaves a damaged one."""
    return [judge_watch(list_watch(environment.settings.downloads / "watch", environment.now.wall))]


def list_watch(folder: Path, now: float) -> list[tuple[str, float]]:
    """Return the torrents in the folder with their age. Raises OSError."""
    with os.scandir(folder) as entries:
        found = [(one.name, now - one.stat(follow_symlinks=False).st_mtime) for one in entries]
    # A time in the future says that the clock was wrong, so nothing of the age.
    return [(name, max(age, 0.0)) for name, age in found if name.lower().endswith(KINDS)]


def judge(state: ImportState, now: float) -> list[Finding]:
    """Pure."""
    ages = [max(now - one.since, 0.0) for one in state.waiting]
    values = (Value(NUMBER, len(ages)), Value(OLDEST, round(max(ages, default=0.0))))
    late = [one for one, age in zip(state.waiting, ages, strict=True) if age >= LATE_S]
    if late:
        text = f"{_downloads(len(late))} for {words.duration(max(ages))}"
        found = Finding(WAITING, State.WARNING, text, LOGS, values, private=", ".join(one.name for one in late))
    else:
        found = ok(WAITING, "no download waits for long", *values)
    return [found, _troubles(state)]


def _downloads(number: int) -> str:
    return "1 download has not arrived" if number == 1 else f"{number} downloads have not arrived"


def _troubles(state: ImportState) -> Finding:
    # Texts of the import about a service or the disk; the names in the spool come from outside.
    texts = [*state.troubles, *([f"{len(state.rejected)} files in the spool name no torrent"] * bool(state.rejected))]
    if texts:
        return warning(TROUBLES, "; ".join(texts), LOGS)
    return ok(TROUBLES, "nothing delays the import")


def judge_watch(found: Sequence[tuple[str, float]]) -> Finding:
    """Pure."""
    old = [name for name, age in found if age >= NOT_TAKEN_S]
    value = Value(NOT_TAKEN, len(old))
    if not old:
        return ok(WATCH, "Transmission has taken all torrents from the watch folder", value)
    files = "1 file in the watch folder is" if len(old) == 1 else f"{len(old)} files in the watch folder are"
    text = f"{files} not taken by Transmission; a full disk or a power cut leaves damaged ones"
    remedy = "search again in Jackett, and remove the old file from the watch folder"
    return Finding(WATCH, State.WARNING, text, remedy, (value,), private=", ".join(sorted(old)))
