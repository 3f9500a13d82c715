# SPDX-License-Identifier: GPL-3.0-or-later
"""The password of the repository: the household's own, or one that is made on the Pi and kept.

It must be readable from paper, so a made one has no characters that look alike.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from mediaserver._core import files
from mediaserver._core.errors import FileProblem, reason

# Below the folder of the backup's secrets. The role writes the first one, the host the second one.
GIVEN, MADE = "password", "password.made"
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
GROUPS, LETTERS = 6, 5  # 148 bits
MODE = 0o600


def make() -> str:
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(LETTERS)) for _ in range(GROUPS))


def find(folder: Path) -> Path | None:
    """Return the file with the password that is in use; None without one. Raises FileProblem."""
    for name in (GIVEN, MADE):
        path = folder / name
        try:
            if (files.read(path) or "").strip():
                return path
        except OSError as error:
            raise FileProblem(f"{path} cannot be read: {reason(error)}") from error
    return None


def ensure(folder: Path) -> Path:
    """Return the file with the password, and make one where there is none. Raises FileProblem."""
    if found := find(folder):
        return found
    path = folder / MADE
    try:
        # A name that appears at once with its whole content: half a password would lock the repository for ever.
        files.write(path, make() + "\n", mode=MODE)
    except OSError as error:
        raise FileProblem(f"{path} cannot be written: {reason(error)}") from error
    return path
