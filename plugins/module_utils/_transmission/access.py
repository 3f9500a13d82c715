# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The file from which the host's own programs take address, user name and password of a daemon's RPC."""

from __future__ import annotations

import json
import os
import typing as t
from dataclasses import asdict, dataclass, field

from .._core.errors import FileProblem, InvalidValue
from .._core.owned_file import OwnedFile
from .._core.plan import MISSING, Change

NAME = "(access_file)"


@dataclass(frozen=True)
class Access:
    """How a daemon's RPC is reached."""

    url: str
    user: str
    password: str = field(repr=False)

    @classmethod
    def read(cls, path: str) -> Access:
        """Return what an access file holds. Raises FileProblem, whose text holds nothing of the content."""
        found = OwnedFile(path).read_raw()
        if not found.exists:
            raise FileProblem(f"{path} does not exist; run the playbook again")
        try:
            data = json.loads(found.raw)
            return cls(str(data["url"]), str(data["user"]), str(data["password"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            raise FileProblem(f"{path} is damaged; run the playbook again") from None

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=4, sort_keys=True) + "\n"


class AccessFile:
    """One file for root alone. The module writes it after the daemon has its settings."""

    def __init__(self, path: str, access: Access) -> None:
        self._file = OwnedFile(path)
        self._text = access.to_json()

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
        return cls(path, Access(url, options["username"], options["password"]))

    def plan(self) -> list[Change]:
        """Return what differs, as one change whose values are secret."""
        found = self._file.read_raw()
        if found.exists and (found.raw, found.mode) == (self._text.encode(), self._file.mode):
            return []
        return [Change(NAME, "another" if found.exists else MISSING, self._text, secret=True)]

    def write(self) -> None:
        """Replace the file in one step. Raises FileProblem."""
        self._file.replace(self._text, found=self._file.read_raw())
