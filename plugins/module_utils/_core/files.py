# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Files that are replaced in one step: a reader, or a start after a power cut, finds the old or the new one, whole.

The folder may belong to an account that is not trusted, so a file that is being made is reached by its descriptor.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import time
import typing as t
from collections.abc import Iterator

StrPath = t.Union[str, "os.PathLike[str]"]

PREFIX = ".mediaserver-"
# Between two tries to take a lock.
LOCK_PAUSE_S = 0.1


def read(path: StrPath) -> str | None:
    """Return the text of a file, or None without one. What is not UTF-8 becomes U+FFFD. Raises OSError."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def write(path: StrPath, text: str, *, mode: int) -> None:
    """Replace a file by ``text``; missing folders above it are made, 0700. Raises OSError, the old file then stays."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    replace(path, text.encode(), mode=mode)


def matches(path: StrPath, text: str, *, mode: int) -> bool:
    """Say whether a file has this content and exactly this mode."""
    return read(path) == text and os.stat(path).st_mode & 0o7777 == mode


def digest(text: str) -> str:
    """Return the SHA-256 of ``text``, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def replace(path: StrPath, content: bytes, *, mode: int, owner: tuple[int, int] = (-1, -1)) -> None:
    """Put a file in place of ``path``, as ``replacing`` does."""
    with replacing(path, content, mode=mode, owner=owner):
        pass


@contextlib.contextmanager
def replacing(path: StrPath, content: bytes, *, mode: int, owner: tuple[int, int] = (-1, -1)) -> Iterator[None]:
    """Put a file in place of ``path``, which is not followed when it is a link.

    The body of the ``with`` runs once the new file is on the disk, under its owner and mode, and before it takes the
    old one's place. If the body, or anything before, raises, then the old one stays and nothing is left behind.
    An id of -1 in ``owner`` stands for the account that runs this. Raises OSError.
    """
    folder = os.path.dirname(path) or "."
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


def move(source: StrPath, target: StrPath) -> None:
    """Give a file or folder another name on the same filesystem, in one step, and have the disk know it.

    A folder takes the place of an empty folder only. A file would replace a file: its caller keeps the name free.
    Raises OSError.
    """
    os.replace(source, target)
    for folder in dict.fromkeys((os.path.dirname(target) or ".", os.path.dirname(source) or ".")):
        sync_folder(folder)


def write_below(folder: StrPath, path: str, text: str, *, mode: int) -> None:
    """Replace the file ``path`` below a folder that another account may change: no link below it is followed.

    Folders on the way must exist. Raises OSError, the old file then stays.
    """
    *folders, name = path.split("/")
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    with contextlib.ExitStack() as opened:
        place = os.open(folder, flags)
        opened.callback(os.close, place)
        for part in folders:
            place = os.open(part, flags, dir_fd=place)
            opened.callback(os.close, place)
        made = PREFIX + secrets.token_hex(8)
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode, dir_fd=place)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                os.fchmod(descriptor, mode)
                file.write(text)
                file.flush()
                os.fsync(descriptor)
            os.replace(made, name, src_dir_fd=place, dst_dir_fd=place)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(made, dir_fd=place)
            raise


@contextlib.contextmanager
def temporary(content: bytes, *, folder: str) -> Iterator[tuple[t.BinaryIO, str]]:
    """Give a file with ``content`` that only its owner can read, open, and its path; afterwards it is removed."""
    # Not by the module tempfile, which takes 0.6 MB of a program that stays.
    path = os.path.join(folder, PREFIX + secrets.token_hex(8))
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            yield file, path
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def sync_folder(folder: StrPath) -> None:
    """Have the disk know which names are in ``folder`` (fsync(2), NOTES). Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(path: StrPath, *, patience: float | None = None) -> Iterator[None]:
    """Let one process at a time into the block (flock(2)). The lock ends with the process at the latest.

    With ``patience``, TimeoutError is raised after so many seconds.
    """
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    with open(path, "w", encoding="utf-8") as stream:
        lock(stream.fileno(), patience=patience)
        yield


def lock(descriptor: int, *, patience: float | None = None) -> None:
    """Wait for the lock of an open file or folder. Raises TimeoutError after ``patience`` seconds, OSError."""
    if patience is None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise TimeoutError(f"another process has held the lock for {patience:g} s") from None
        time.sleep(LOCK_PAUSE_S)


def unlock(descriptor: int) -> None:
    """Give the lock of an open file or folder back."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)
