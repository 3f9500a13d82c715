# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""A file that holds one secret, such as a key: read without trust, replaced in one step.

A new content is complete on the disk, under its final owner and mode, before it takes the old one's place. At no time
is there no key, or half a key, or a key that others can read. An old secret is kept under a second name where that is
asked for. When a secret may be replaced at all is decided by the callers' plans.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .account import UNKNOWN_ID, gid_of, uid_of
from .errors import KeyFileError
from .files import lock, replacing, sync_folder

# A key has less than 300 characters; more than a page is none.
SIZE_MAX = 4096
PRIVATE = 0o600
PATIENCE_S = 30.0

FILE, LINK, OTHER = "file", "link", "other"


@dataclass(frozen=True)
class Owner:
    """Who owns a file. None: left alone. UNKNOWN_ID: an account that does not exist (yet)."""

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def of(cls, user: str | None, group: str | None) -> Owner:
        return cls(uid=uid_of(user), gid=gid_of(group))

    @property
    def known(self) -> bool:
        return UNKNOWN_ID not in (self.uid, self.gid)


UNCHANGED = Owner()


@dataclass(frozen=True)
class SecretFile:
    """What is at a path: the text and attributes of a file; only the kind of something else."""

    text: str = field(repr=False)
    mode: int
    uid: int
    gid: int
    kind: str = FILE


def read(path: str) -> SecretFile | None:
    """Return what is there, None without anything; a link is not followed. Raises KeyFileError."""
    try:
        descriptor = _open(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            return SecretFile("", 0, -1, -1, LINK if error.errno == errno.ELOOP else OTHER)
        raise KeyFileError(f"{path} cannot be read: {error.strerror}. Run this as root (become: true)") from error
    try:
        status = os.fstat(descriptor)
        is_file = stat.S_ISREG(status.st_mode)
        text = os.read(descriptor, SIZE_MAX + 1).decode("utf-8", errors="replace") if is_file else ""
    finally:
        os.close(descriptor)
    kind = FILE if is_file else OTHER
    return SecretFile(text, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, kind)


def write(
    path: str, text: str, *, found: SecretFile | None, owner: Owner, mode: int = PRIVATE, keep_old: bool = False
) -> str | None:
    """Make the file hold ``text``, or correct the attributes of one that does. ``found`` is what was read before.

    With ``keep_old`` the old file gets a second name first, which is returned. Raises KeyFileError.
    """
    there = found if found and found.kind == FILE else None
    ids = tuple(
        wanted if wanted is not None else has
        for wanted, has in ((owner.uid, there.uid if there else -1), (owner.gid, there.gid if there else -1))
    )
    try:
        if there and there.text == text:
            _correct(path, (ids[0], ids[1]), mode)
            return None
        kept = None
        with replacing(path, text.encode(), mode=mode, owner=(ids[0], ids[1])):
            if keep_old and found:
                kept = _keep_aside(path)
        if kept:
            # Not before, because until now it was the file in use.
            _correct(kept, (-1, -1), PRIVATE)
        return kept
    except OSError as error:
        raise KeyFileError(
            f"{path} cannot be written: {error.strerror}. What was there is still there; see to the disk or the "
            "folder's rights, then run this again"
        ) from error


def check_folder(path: str) -> None:
    """Raise KeyFileError when the folder that the file goes into is missing."""
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        raise KeyFileError(f"directory {folder} does not exist. Make it first (file_tree does)")


def check_owner(path: str, owner: Owner) -> None:
    """Raise KeyFileError for an account that is missing."""
    if not owner.known:
        raise KeyFileError(f"owner or group of {path} does not exist on this host. Make the account first")


@contextlib.contextmanager
def alone(paths: Iterable[str]) -> Iterator[None]:
    """Keep other runs away from the folders of ``paths``. A folder that is missing cannot be locked.

    Raises KeyFileError after PATIENCE_S seconds.
    """
    with contextlib.ExitStack() as held:
        # In one order, so that two runs cannot wait for each other for ever.
        for folder in sorted({os.path.realpath(os.path.dirname(path)) for path in paths}):
            try:
                descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except OSError:
                continue
            held.callback(os.close, descriptor)
            try:
                lock(descriptor, patience=PATIENCE_S)
            except TimeoutError:
                raise KeyFileError(
                    f"another run has kept {folder} locked for {PATIENCE_S:g} s. Try again later"
                ) from None
            except OSError as error:
                raise KeyFileError(
                    f"{folder} cannot be locked: {error.strerror}. Choose one on a local disk"
                ) from error
        yield


def _open(path: str) -> int:
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def _correct(path: str, ids: tuple[int, int], mode: int) -> None:
    descriptor = _open(path)
    try:
        # The owner first, because its change takes set-id bits away.
        os.fchown(descriptor, *ids)
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)


def _keep_aside(path: str) -> str:
    """Give the old file a second name that is free."""
    number = 1
    while True:
        aside = f"{path}.replaced.{number}"
        try:
            os.link(path, aside, follow_symlinks=False)
        except FileExistsError:
            number += 1
            continue
        sync_folder(os.path.dirname(path))
        return aside
