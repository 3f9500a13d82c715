# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""A file in a folder of a service: read without trust, replaced in one step, never truncated.

The service's account controls the folder, and the module runs as root, so links are refused.
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass

from .account import UNKNOWN_ID, gid_of, uid_of
from .errors import FileProblem
from .files import replace

MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class FileState:
    """The present file; `stamp` changes with every write."""

    exists: bool = False
    raw: bytes = b""
    owner: tuple[int, int] = (-1, -1)
    mode: int = 0
    stamp: tuple[int, int] = (0, 0)


class OwnedFile:
    """One file, with the owner and mode that it has to get."""

    def __init__(self, path: str, *, owner: str = "", group: str = "", mode: int = 0o600) -> None:
        self.path = path
        self.owner = owner
        self.group = group
        self.mode = mode

    def read_raw(self) -> FileState:
        """Return what is there, up to one byte more than is allowed; an absent file is no error."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return FileState()
        except OSError as error:
            reason = "it is a symbolic link" if error.errno == errno.ELOOP else error.strerror
            raise FileProblem(f"{self.path} cannot be read: {reason}") from error
        info = os.fstat(descriptor)
        # Before it becomes a stream, which a folder cannot be.
        if not stat.S_ISREG(info.st_mode):
            os.close(descriptor)
            raise FileProblem(f"{self.path} is not a file; remove or rename it, then run again")
        with os.fdopen(descriptor, "rb") as file:
            raw = file.read(MAX_BYTES + 1)
        owner, stamp = (info.st_uid, info.st_gid), (info.st_ino, info.st_mtime_ns)
        return FileState(True, raw, owner, stat.S_IMODE(info.st_mode), stamp)

    def wrong_owner(self, found: FileState, *, may_be_missing: bool) -> bool:
        """Tell whether it has another owner. In check mode, an account may not exist yet."""
        if not found.exists:
            return False
        wanted = self._ids(may_be_missing=may_be_missing)
        return wanted is None or any(want not in (-1, has) for want, has in zip(wanted, found.owner, strict=True))

    def replace(self, text: str, *, found: FileState) -> None:
        """Replace the file in one step. Where no owner is asked for, the old file's stays."""
        wanted = self._ids(may_be_missing=False) or (-1, -1)
        owner = tuple(has if want == -1 else want for want, has in zip(wanted, found.owner, strict=True))
        try:
            replace(self.path, text.encode(), mode=self.mode, owner=(owner[0], owner[1]))
        except OSError as error:
            raise FileProblem(f"{self.path} cannot be written: {error.strerror}") from error

    def give_to_owner(self, *, and_mode: bool = False) -> None:
        """Set the owner without a write. A file with a second hard link is left alone: it may be another service's."""
        wanted = self._ids(may_be_missing=False) or (-1, -1)
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                info = os.fstat(descriptor)
                if stat.S_ISREG(info.st_mode) and info.st_nlink == 1:
                    os.fchown(descriptor, *wanted)
                    if and_mode:
                        os.fchmod(descriptor, self.mode)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise FileProblem(f"{self.path} cannot be given to its owner: {error.strerror}") from error

    def _ids(self, *, may_be_missing: bool) -> tuple[int, int] | None:
        """Return the wanted numbers, -1 where the file's own stays; None when an account is not there yet."""
        uid, gid = uid_of(self.owner), gid_of(self.group)
        if UNKNOWN_ID in (uid, gid):
            if may_be_missing:
                return None
            unknown = self.owner if uid == UNKNOWN_ID else self.group
            raise FileProblem(f"owner and group of {self.path}: {unknown} is not known on this host")
        return -1 if uid is None else uid, -1 if gid is None else gid
