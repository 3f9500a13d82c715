# SPDX-License-Identifier: GPL-3.0-or-later
"""The drill: restores a whole snapshot into a scratch folder, and compares it with what the snapshot lists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mediaserver._core.errors import MediaserverError
from mediaserver.backup.restic import Snapshot
from mediaserver.backup.settings import Settings
from mediaserver.backup.state import StateFile
from mediaserver.restore import staging, wanted
from mediaserver.restore.chosen import choose, own_snapshots
from mediaserver.restore.moments import NEWEST
from mediaserver.restore.staging import Archive, NotSound
from mediaserver.restore.wanted import Wanted

FOLDER = "drill"


@dataclass(frozen=True)
class Drilled:
    """``rows``: in all tables of all databases."""

    snapshot: Snapshot
    files: int
    size: int
    databases: int
    rows: int
    notes: tuple[str, ...]


@dataclass
class Drill:
    """Changes nothing but its scratch folder, and notes its outcome for `mediaserver status`."""

    settings: Settings
    archive: Archive
    household: str
    now: Callable[[], float]
    state_file: StateFile

    def run(self, at: str = NEWEST) -> Drilled:
        """Raises MediaserverError, after it was noted."""
        try:
            done = self._run(at)
        except MediaserverError as error:
            # Every account may read the state file, and messages are made of it.
            self.state_file.update(drill_error=error.summary if isinstance(error, NotSound) else str(error))
            raise
        self.state_file.update(drill=self.now(), drill_error="")
        return done

    def _run(self, at: str) -> Drilled:
        folder = self.settings.scratch / FOLDER
        chosen = choose(self.archive, own_snapshots(self.archive, self.household), at, self.now())
        content: Wanted = wanted.whole(chosen.manifest, chosen.entries(self.archive))
        try:
            staging.fetch(self.archive, chosen.snapshot.id, content, folder)
        finally:
            staging.clear(folder)
        return Drilled(
            chosen.snapshot,
            sum(one.type == "file" for one in content.entries),
            content.size,
            len(content.databases),
            sum(rows for one in content.databases for rows in one.tables.values()),
            chosen.passed,
        )
