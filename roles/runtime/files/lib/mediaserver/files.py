# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are either the old one or the new one, never half of each."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

# Between two tries to take a lock.
LOCK_PAUSE_S = 0.1


def read(path: Path) -> str | None:
    """Return the text of ``path``, or None when there is no such file. What is no UTF-8 becomes U+FFFD."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


def write(path: Path, text: str, *, mode: int) -> None:
    """Replace ``path`` by ``text`` in one step; parents are made 0700. Raises OSError, the old file then stands."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        os.fchmod(descriptor, mode)
        stream.write(text)
        stream.flush()
        os.fsync(descriptor)
    temporary.replace(path)


def stands(path: Path, text: str, *, mode: int) -> bool:
    """Say whether ``path`` already holds ``text`` with exactly ``mode``."""
    return read(path) == text and path.stat().st_mode & 0o7777 == mode


def digest(text: str) -> str:
    """Return the SHA-256 of ``text``, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


@contextlib.contextmanager
def locked(path: Path, *, patience: float | None = None) -> Iterator[None]:
    """Let one program at a time into the block; another one waits. The lock ends with the process at the latest.

    With ``patience``, TimeoutError is raised after so many seconds.
    """
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as stream:
        if patience is None:
            fcntl.flock(stream, fcntl.LOCK_EX)
        else:
            _lock_within(stream.fileno(), patience)
        yield


def _lock_within(descriptor: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise TimeoutError(f"another program has held the lock for {seconds:g} s") from None
        time.sleep(LOCK_PAUSE_S)
