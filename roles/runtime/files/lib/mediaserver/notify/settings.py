# SPDX-License-Identifier: GPL-3.0-or-later
"""Where notifications go: ``secrets/notify.json``, which the role runtime writes and only root can read."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from mediaserver._core import files
from mediaserver._core.errors import FileProblem, reason

FILE = Path("secrets", "notify.json")
# Below the folder of state. The role runtime makes its folder, for the account of the import.
OUTBOX = Path("notify", "outbox.json")
# systemd sets it to the folder of a unit's credentials (systemd.exec(5), LoadCredential=).
CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"
CREDENTIAL = "notify"


@dataclass(frozen=True)
class NotifySettings:
    """``urls``: apprise's, each a secret; empty where notifications are off. ``titles``: messages may name titles."""

    urls: tuple[str, ...] = field(default=(), repr=False)
    titles: bool = False

    @classmethod
    def read(cls, root: Path) -> NotifySettings:
        """Read the credential that systemd gave to this unit, else the file below ``root``. Raises FileProblem."""
        given = os.environ.get(CREDENTIALS_VARIABLE, "")
        path = Path(given, CREDENTIAL) if given else root / FILE
        try:
            text = files.read(path)
        except OSError as error:
            raise FileProblem(f"{path} cannot be read: {reason(error)}") from error
        if text is None:
            return cls()
        try:
            found = json.loads(text)
            return cls(tuple(map(str, found["urls"])), found["titles"] is True)
        except (ValueError, KeyError, TypeError, RecursionError):
            # Without the parser's words, which may quote the file.
            raise FileProblem(f"{path} is damaged; run the playbook again") from None
