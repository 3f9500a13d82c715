# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The file that holds an API key: read without trust, replaced in one step, never open to others."""

from __future__ import annotations

import os
import re
from dataclasses import replace

from .._core.account import UNKNOWN_ID, gid_of, uid_of
from .._core.atomic import sync_folder
from .._core.errors import FileProblem, InvalidValue
from .._host import file_tree
from .._host import file_tree_disk as disk

MODE = 0o600
# Jellyfin makes 32 hexadecimal digits; others may come, but no blanks and no control characters.
KEY = re.compile(r"[!-~]{8,256}")


def is_key(text: object) -> bool:
    """Tell whether this can be an API key."""
    return isinstance(text, str) and KEY.fullmatch(text) is not None


def load_key(path: str) -> str:
    """Return the key for a module that needs one. Raises FileProblem; the message holds nothing of the content."""
    found = disk.read(path)
    if found.kind != "file":
        what = "does not exist" if found.kind == "absent" else "is no plain file"
        raise FileProblem(f"api_key_file {path} {what}; jellyfin_setup makes it")
    if found.mode & 0o007:
        raise FileProblem(f"api_key_file {path} is open to everybody (mode {found.mode:04o}); make it 0600")
    key = key_in(found)
    if not key:
        raise FileProblem(f"api_key_file {path} holds no API key; jellyfin_setup repairs it")
    return key


def key_in(found: file_tree.PathState) -> str:
    """Return the key in a file's content, or an empty text."""
    text = found.content.decode("ascii", "replace").strip() if found.kind == "file" else ""
    return text if is_key(text) else ""


class KeyFile:
    """One key file, with the owner and group that it has to get; an empty name leaves that as it is."""

    def __init__(self, path: str, *, owner: str = "", group: str = "") -> None:
        if not os.path.isabs(path):
            raise InvalidValue(f"api_key_file must be an absolute path, not {path}")
        self.path = path
        self.entry = file_tree.Entry(
            path=path,
            state="file",
            mode=MODE,
            uid=uid_of(owner),
            gid=gid_of(group),
            secret=True,
        )

    def read(self) -> file_tree.PathState:
        """Return what is there. Raises FileProblem when it cannot be read."""
        return disk.read(self.path)

    def wrong(self, found: file_tree.PathState) -> dict[str, tuple[str, str]]:
        """Return the attributes of a present file that have to change, each with the present and wanted value."""
        entry = self.entry
        pairs = {
            "mode": (f"{found.mode:04o}", f"{MODE:04o}"),
            "owner": (str(found.uid), _shown(entry.uid, found.uid)),
            "group": (str(found.gid), _shown(entry.gid, found.gid)),
        }
        return {name: pair for name, pair in pairs.items() if found.kind == "file" and pair[0] != pair[1]}

    def check(self) -> None:
        """Raise what would stop the writing, before anything else is done."""
        if UNKNOWN_ID in (self.entry.uid, self.entry.gid):
            raise InvalidValue(f"api_key_file {self.path}: its owner or group is not an account of this host")
        if not os.path.isdir(os.path.dirname(self.path)):
            raise FileProblem(f"api_key_file {self.path}: its folder does not exist; make it first")

    def write(self, key: str, found: file_tree.PathState) -> None:
        """Replace the file, or correct its attributes when the key is the one that it holds. Raises FileProblem."""
        content = f"{key}\n".encode() if key != key_in(found) else found.content
        entry = replace(self.entry, content=content)
        disk.Tree(lambda _: (0, ""), str.split).apply(file_tree.plan([entry], {self.path: found}))
        try:
            sync_folder(os.path.dirname(self.path))
        except OSError as error:
            raise FileProblem(f"{self.path} cannot be written: {error.strerror}") from error


def _shown(wanted: int | None, found: int) -> str:
    if wanted is None:
        return str(found)
    return "(an account that does not exist yet)" if wanted == UNKNOWN_ID else str(wanted)
