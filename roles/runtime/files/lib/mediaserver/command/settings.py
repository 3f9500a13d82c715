# SPDX-License-Identifier: GPL-3.0-or-later
"""What the command knows of the household: ``command.json``, which the role runtime writes. It holds no secrets."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from mediaserver._core import files
from mediaserver._core.errors import FileProblem, reason

FILE = "command.json"


@dataclass(frozen=True)
class CommandSettings:
    """``address_page`` and ``verify_target`` are arguments of verify; ``data`` and ``state`` are folders."""

    address_page: str
    verify_target: str
    data: Path
    state: Path

    @classmethod
    def read(cls, root: Path) -> CommandSettings:
        """Raises FileProblem."""
        path = root / FILE
        try:
            text = files.read(path)
            if text is None:
                raise FileProblem(f"{path} does not exist; run the playbook again")
            found = json.loads(text)
            return cls(
                str(found["address_page"]),
                str(found["verify_target"]),
                Path(found["data"]),
                Path(found["state"]),
            )
        except OSError as error:
            raise FileProblem(f"{path} cannot be read: {reason(error)}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise FileProblem(f"{path} is damaged; run the playbook again") from error
