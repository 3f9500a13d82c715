# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: reads and writes the files of a WireGuard key pair."""

from __future__ import annotations

import os

from .._core import secret_file
from .._core.errors import KeyFileError
from .._core.secret_file import SecretFile
from .keys import KeyFileChange


def read(path: str) -> SecretFile | None:
    """Return the file, or None when it is not there. Raises KeyFileError for anything but a plain file."""
    if not os.path.isabs(path):
        raise KeyFileError(f"{path} is not an absolute path")
    found = secret_file.read(path)
    if found and found.kind == secret_file.LINK:
        raise KeyFileError(f"{path} is a symbolic link. Give the path of the file itself")
    if found and found.kind != secret_file.FILE:
        raise KeyFileError(f"{path} is not a plain file. Remove it, or choose another path")
    return found


def check_possible(steps: tuple[KeyFileChange, ...]) -> None:
    """Raise KeyFileError for what would stop the steps half-way, before the first is taken."""
    for step in steps:
        secret_file.check_folder(step.path)
        secret_file.check_owner(step.path, step.owner)


def apply(step: KeyFileChange) -> str | None:
    """Make the file what it shall be; return the path under which an old secret was kept, if one was."""
    return secret_file.write(
        step.path, step.text, found=step.found, owner=step.owner, mode=step.mode, keep_old=step.aside
    )
