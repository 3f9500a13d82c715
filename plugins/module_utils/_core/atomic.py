# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Files replaced in one step: whoever reads one, and whenever the power fails, it is the old or the new one, whole.

The folder may belong to an account that is not trusted, so a file that is being made is reached by its descriptor.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from typing import BinaryIO


def sync_folder(folder: str) -> None:
    """Have the disk know which names are in ``folder`` (fsync(2), NOTES). Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def temporary(content: bytes, *, folder: str | None) -> Iterator[tuple[BinaryIO, str]]:
    """Give a file with ``content`` that only its owner can read, open, and its path; afterwards it is gone."""
    descriptor, path = tempfile.mkstemp(prefix=".ansible-", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            yield file, path
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


@contextlib.contextmanager
def replacing(path: str, content: bytes, *, mode: int, owner: tuple[int, int] = (-1, -1)) -> Iterator[None]:
    """Put a file in place of ``path``, which is not followed when it is a link.

    The body of the ``with`` runs once the new file is on the disk, under its owner and mode, and before it takes the
    old one's place. If the body, or anything before, raises, then the old one stays and nothing is left behind.
    An id of -1 in ``owner`` stands for the account that runs this. Raises OSError.
    """
    folder = os.path.dirname(path)
    with temporary(content, folder=folder) as (file, name):
        descriptor = file.fileno()
        if owner != (-1, -1):
            os.fchown(descriptor, *owner)
        # After the owner, whose change takes set-id bits away.
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)
        yield
        os.replace(name, path)
    sync_folder(folder)


def replace(path: str, content: bytes, *, mode: int, owner: tuple[int, int] = (-1, -1)) -> None:
    """Do the same when nothing has to happen in between."""
    with replacing(path, content, mode=mode, owner=owner):
        pass
