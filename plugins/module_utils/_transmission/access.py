# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The file from which the host's own programs take address, user name and password of a daemon's RPC."""

from __future__ import annotations

import json
import os
import typing as t

from .._core.errors import InvalidValue
from .._core.owned_file import OwnedFile
from .._core.plan import MISSING, Change

NAME = "(access_file)"


class AccessFile:
    """One file for root alone. The module writes it after the daemon has its settings."""

    def __init__(self, path: str, *, url: str, user: str, password: str) -> None:
        self._file = OwnedFile(path)
        self._text = json.dumps({"password": password, "url": url, "user": user}, indent=4, sort_keys=True) + "\n"

    @classmethod
    def from_options(cls, options: dict[str, t.Any], *, check_mode: bool) -> AccessFile | None:
        """Return None where no file is asked for. Raises InvalidValue."""
        path = options["access_file"]
        if not path:
            return None
        if not os.path.isabs(path):
            raise InvalidValue(f"access_file must be an absolute path, not {path}")
        if not os.path.isdir(os.path.dirname(path)) and not check_mode:
            # Found out before the daemon is stopped.
            raise InvalidValue(f"access_file {path}: its folder does not exist; make it first")
        url = options["access_url"] or options["url"]
        return cls(path, url=url, user=options["username"], password=options["password"])

    def plan(self) -> list[Change]:
        """Return what differs, as one change whose values are secret."""
        found = self._file.read_raw()
        if found.exists and (found.raw, found.mode) == (self._text.encode(), self._file.mode):
            return []
        return [Change(NAME, "another" if found.exists else MISSING, self._text, secret=True)]

    def write(self) -> None:
        """Replace the file in one step. Raises FileProblem."""
        self._file.replace(self._text, found=self._file.read_raw())
