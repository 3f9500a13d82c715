# SPDX-License-Identifier: GPL-3.0-or-later
"""What is noted about backups in the state file, which every account may read: it never holds a secret.

The keys: ``backup``, ``check``, ``drill``, ``attempt``, ``card`` (times in seconds since 1970 of the last good one),
``error`` and ``drill_error`` (why the last one failed, else empty), ``faults`` (of sources that were kept all the
same), ``seen`` (paths of the last backup), ``snapshot``, ``part`` (of the repository that was read last), ``off`` (why
there is no repository), ``repository`` (where, kind, survives).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mediaserver._core import files
from mediaserver._core.errors import FileProblem, reason
from mediaserver._core.names import RUN

MODE = 0o644
LOCK = RUN / "backup-state.lock"
PATIENCE_S = 10.0
BACKUP, CHECK, DRILL, CARD, ATTEMPT = "backup", "check", "drill", "card", "attempt"


@dataclass(frozen=True)
class StateFile:
    """Several programs note something here, so each change is merged into what is there."""

    path: Path
    lock: Path = LOCK

    def read(self) -> dict[str, Any]:
        """Return what is noted; nothing for an absent or damaged file, which the next backup writes again."""
        try:
            found = json.loads(files.read(self.path) or "{}")
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def update(self, **changes: object) -> None:
        """Note these values and keep the others. Raises FileProblem."""
        try:
            with files.locked(self.lock, patience=PATIENCE_S):
                text = json.dumps({**self.read(), **changes}, indent=1, sort_keys=True) + "\n"
                files.write(self.path, text, mode=MODE)
        except OSError as error:
            raise FileProblem(f"{self.path} cannot be written: {reason(error)}") from error


def moment(noted: object) -> float:
    """Return a time that is noted, 0 for none."""
    return float(noted) if isinstance(noted, (int, float)) and not isinstance(noted, bool) else 0.0
