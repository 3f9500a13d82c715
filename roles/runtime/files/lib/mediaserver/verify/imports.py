# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of the import: its units are active, its disk is there, and nothing keeps all downloads from arriving."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from mediaserver._core.errors import CheckFailed, MediaserverError
from mediaserver._core.names import IMPORT_PATH_UNIT, IMPORT_TIMER_UNIT, IMPORT_UNIT
from mediaserver.importer.library import disk_of
from mediaserver.importer.settings import SETTINGS, Settings
from mediaserver.importer.state import STATE, StateFile
from mediaserver.verify.probes import run

NOT_SET_UP = "downloads are not imported (upkeep_import)"
# The path unit starts the import within a second; a run that is at work takes the file in.
SPOOL_S = 60.0


def check(root: Path) -> str:
    """Return what was found. Raises CheckFailed."""
    if not (root / SETTINGS).exists():
        return NOT_SET_UP
    down = [unit for unit in (IMPORT_PATH_UNIT, IMPORT_TIMER_UNIT) if not _is_active(unit)]
    if down:
        raise CheckFailed(f"not running: {', '.join(down)}; run the playbook again")
    try:
        settings = Settings.read(root / SETTINGS)
        disk_of(settings.disk_id)
    except MediaserverError as error:
        raise CheckFailed(str(error)) from error
    late = late_files(settings.spool, time.time())
    if late:
        raise CheckFailed(
            f"{len(late)} finished downloads were not taken from {settings.spool}; see: journalctl --unit {IMPORT_UNIT}"
        )
    state = StateFile(settings.state / STATE).read()
    if state.troubles:
        raise CheckFailed("; ".join(state.troubles))
    waiting = f", {len(state.waiting)} wait" if state.waiting else ""
    return f"its units are active and its disk is mounted{waiting}"


def late_files(spool: Path, now: float) -> Sequence[str]:
    """Return the files of the spool that have been there for SPOOL_S. Raises CheckFailed."""
    try:
        return [path.name for path in spool.iterdir() if now - path.lstat().st_mtime > SPOOL_S]
    except OSError as error:
        raise CheckFailed(f"{spool} cannot be read: {error.strerror}; run the playbook again") from error


def _is_active(unit: str) -> bool:
    return run("systemctl", "is-active", "--quiet", unit).returncode == 0
