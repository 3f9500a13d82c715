# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The file that holds an API key of Jellyfin."""

from __future__ import annotations

import os
import re

from .._core import secret_file
from .._core.account import UNKNOWN_ID
from .._core.errors import FileProblem, InvalidValue
from .._core.secret_file import FILE, PRIVATE, Owner, SecretFile

# Jellyfin makes 32 hexadecimal digits; others may come, but no blanks and no control characters.
KEY = re.compile(r"[!-~]{8,256}")


def is_key(text: object) -> bool:
    """Tell whether this can be an API key."""
    return isinstance(text, str) and KEY.fullmatch(text) is not None


def load_key(path: str) -> str:
    """Return the key for a module that needs one. Raises FileProblem; the message holds nothing of the content."""
    found = secret_file.read(path)
    if found is None or found.kind != FILE:
        what = "does not exist" if found is None else "is no plain file"
        raise FileProblem(f"api_key_file {path} {what}; jellyfin_setup makes it")
    if found.mode & 0o007:
        raise FileProblem(f"api_key_file {path} is open to all users (mode {found.mode:04o}); make it 0600")
    key = key_in(found)
    if not key:
        raise FileProblem(f"api_key_file {path} holds no API key; jellyfin_setup repairs it")
    return key


def key_in(found: SecretFile | None) -> str:
    """Return the key in a file's content, or an empty text."""
    text = found.text.strip() if found else ""
    return text if is_key(text) else ""


class KeyFile:
    """One key file, with the owner and group that it has to get; an empty name leaves that as it is.

    A link in its place is replaced, not followed.
    """

    def __init__(self, path: str, *, owner: str = "", group: str = "") -> None:
        if not os.path.isabs(path):
            raise InvalidValue(f"api_key_file must be an absolute path, not {path}")
        self.path = path
        self.owner = Owner.of(owner, group)

    def read(self) -> SecretFile | None:
        """Return what is there. Raises FileProblem when it cannot be read."""
        return secret_file.read(self.path)

    def wrong(self, found: SecretFile | None) -> dict[str, tuple[str, str]]:
        """Return the attributes of a present file that have to change, each with the present and wanted value."""
        if found is None or found.kind != FILE:
            return {}
        pairs = {
            "mode": (f"{found.mode:04o}", f"{PRIVATE:04o}"),
            "owner": (str(found.uid), _shown(self.owner.uid, found.uid)),
            "group": (str(found.gid), _shown(self.owner.gid, found.gid)),
        }
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}

    def check(self) -> None:
        """Raise what would stop the writing, before anything else is done."""
        if not self.owner.known:
            raise InvalidValue(f"api_key_file {self.path}: its owner or group is not an account of this host")
        if not os.path.isdir(os.path.dirname(self.path)):
            raise FileProblem(f"api_key_file {self.path}: its folder does not exist; make it first")

    def write(self, key: str, found: SecretFile | None) -> None:
        """Replace the file, or correct its attributes when the key is the one that it holds. Raises FileProblem."""
        text = found.text if found and key == key_in(found) else f"{key}\n"
        secret_file.write(self.path, text, found=found, owner=self.owner)


def _shown(wanted: int | None, found: int) -> str:
    if wanted is None:
        return str(found)
    return "(an account that does not exist yet)" if wanted == UNKNOWN_ID else str(wanted)
