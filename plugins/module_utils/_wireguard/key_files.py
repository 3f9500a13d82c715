# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: reads and writes the files of a WireGuard key pair.

A new content is complete on the disk, under its final owner and mode, before it takes the old one's place,
and an old secret has a second name before that. At no moment is there no key, or half a key, or a key that
others can read. Two runs at once wait for each other.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterable, Iterator

from .._core.account import UNKNOWN_ID, gid_of, uid_of
from .._core.atomic import replacing, sync_folder
from .keys import (
    KeyFileChange,
    KeyFileError,
    KeyFileState,
    Owner,
)

SIZE_MAX = 4096
PATIENCE_S, PAUSE_S = 30.0, 0.1


def owner(user: str | None, group: str | None) -> Owner:
    """Look up the ids; -1 for an account that does not exist."""
    return Owner(uid=uid_of(user), gid=gid_of(group))


def read(path: str) -> KeyFileState | None:
    """Return the file, or None when it is not there. Raises KeyFileError for anything but a plain file."""
    if not os.path.isabs(path):
        raise KeyFileError(f"{path} is not an absolute path")
    try:
        descriptor = _open(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read: {error.strerror}. Run this as root (become: true)") from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise KeyFileError(f"{path} is not a plain file. Remove it, or choose another path")
        # A key is 44 characters; more than a page is certainly none.
        text = os.read(descriptor, SIZE_MAX + 1).decode("utf-8", errors="replace")
    finally:
        os.close(descriptor)
    return KeyFileState(text, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)


def check_possible(steps: tuple[KeyFileChange, ...]) -> None:
    """Raise KeyFileError for what would stop the steps half-way, before the first is taken."""
    for step in steps:
        folder = os.path.dirname(step.path)
        if not os.path.isdir(folder):
            raise KeyFileError(f"directory {folder} does not exist. Make it first (file_tree does)")
        if UNKNOWN_ID in (step.owner.uid, step.owner.gid):
            raise KeyFileError(f"owner or group of {step.path} does not exist on this host. Make the account first")


def apply(step: KeyFileChange) -> str | None:
    """Make the file what it shall be; return the path under which an old secret was kept, if one was."""
    try:
        if step.rewrites:
            return _replace(step)
        _correct(step)
        return None
    except OSError as error:
        raise KeyFileError(
            f"{step.path} cannot be written: {error.strerror}. What was there is still there; see to the disk or the "
            "folder's rights, then run this again"
        ) from error


@contextlib.contextmanager
def alone(paths: Iterable[str]) -> Iterator[None]:
    """Keep other runs of this module away from the folders of ``paths``. A folder that is missing cannot be kept."""
    deadline = time.monotonic() + PATIENCE_S
    with contextlib.ExitStack() as held:
        # In one order, so that two runs cannot wait for each other for ever.
        for folder in sorted({os.path.realpath(os.path.dirname(path)) for path in paths}):
            try:
                descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except OSError:
                continue
            held.callback(os.close, descriptor)
            while not _locked(descriptor, folder):
                if time.monotonic() > deadline:
                    raise KeyFileError(f"another run has kept {folder} locked for {PATIENCE_S:g} s. Try again later")
                time.sleep(PAUSE_S)
        yield


def _locked(descriptor: int, folder: str) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise KeyFileError(f"{folder} cannot be locked: {error.strerror}. Choose one on a local disk") from error
    return True


def _replace(step: KeyFileChange) -> str | None:
    uid, gid = _ids(step)
    kept = None
    with replacing(step.path, step.text.encode(), mode=step.mode, owner=(uid, gid)):
        if step.aside:
            kept = _keep_aside(step.path)
    if kept:
        # Not before, because until now it was the file in use.
        descriptor = _open(kept)
        try:
            os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)
    return kept


def _correct(step: KeyFileChange) -> None:
    descriptor = _open(step.path)
    try:
        os.fchown(descriptor, *_ids(step))
        os.fchmod(descriptor, step.mode)
    finally:
        os.close(descriptor)


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise KeyFileError(f"{path} is a symbolic link. Give the path of the file itself") from error
        raise


def _ids(step: KeyFileChange) -> tuple[int, int]:
    found = step.found
    uid = step.owner.uid if step.owner.uid is not None else found.uid if found else -1
    gid = step.owner.gid if step.owner.gid is not None else found.gid if found else -1
    return uid, gid


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
