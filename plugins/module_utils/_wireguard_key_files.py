# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: reads and writes the files of a WireGuard key pair.

A new content is complete on the disk, under its final owner and mode, before it takes the old one's place,
and an old secret has a second name before that. At no moment is there no key, or half a key, or a key that
others can read.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
import tempfile

from ansible_collections.household.mediaserver.plugins.module_utils._durable import sync_folder
from ansible_collections.household.mediaserver.plugins.module_utils._wireguard_keys import (
    Found,
    KeyFileError,
    Owner,
    Step,
)

SIZE_MAX = 4096
UNKNOWN = -1


def owner(user: str | None, group: str | None) -> Owner:
    """Look up the ids; -1 for an account that does not exist."""
    return Owner(uid=_uid(user), gid=_gid(group))


def _uid(user: str | None) -> int | None:
    if user is None:
        return None
    try:
        return int(user) if user.isdecimal() else pwd.getpwnam(user).pw_uid
    except KeyError:
        return UNKNOWN


def _gid(group: str | None) -> int | None:
    if group is None:
        return None
    try:
        return int(group) if group.isdecimal() else grp.getgrnam(group).gr_gid
    except KeyError:
        return UNKNOWN


def read(path: str) -> Found | None:
    """Return the file, or None when it is not there. Raises KeyFileError for anything but a plain file."""
    if not os.path.isabs(path):
        raise KeyFileError(f"{path} is not an absolute path")
    try:
        descriptor = _open(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise KeyFileError(f"{path} is not a plain file. Remove it, or choose another path")
        # A key is 44 characters; more than a page is certainly none.
        text = os.read(descriptor, SIZE_MAX + 1).decode("utf-8", errors="replace")
    finally:
        os.close(descriptor)
    return Found(text, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)


def check_possible(steps: tuple[Step, ...]) -> None:
    """Raise KeyFileError for what would stop the steps half-way, before the first is taken."""
    for step in steps:
        folder = os.path.dirname(step.path)
        if not os.path.isdir(folder):
            raise KeyFileError(f"directory {folder} does not exist. Make it first (file_tree does)")
        if UNKNOWN in (step.owner.uid, step.owner.gid):
            raise KeyFileError(f"owner or group of {step.path} does not exist on this host. Make the account first")


def apply(step: Step) -> str | None:
    """Make the file what it shall be; return the path under which an old secret was kept, if one was."""
    if not step.rewrites:
        descriptor = _open(step.path)
        try:
            _set_attributes(descriptor, step)
        finally:
            os.close(descriptor)
        return None
    kept = _keep_aside(step.path) if step.aside else None
    folder, name = os.path.split(step.path)
    descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            _set_attributes(descriptor, step)
            file.write(step.text)
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, step.path)
    except BaseException:
        os.unlink(temporary)
        raise
    sync_folder(folder)
    return kept


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise KeyFileError(f"{path} is a symbolic link. Give the path of the file itself") from error
        raise


def _set_attributes(descriptor: int, step: Step) -> None:
    found = step.found
    uid = step.owner.uid if step.owner.uid is not None else found.uid if found else -1
    gid = step.owner.gid if step.owner.gid is not None else found.gid if found else -1
    os.fchown(descriptor, uid, gid)
    os.fchmod(descriptor, step.mode)


def _keep_aside(path: str) -> str:
    """Give the old file a second name that is free, readable by its owner alone."""
    number = 1
    while True:
        aside = f"{path}.replaced.{number}"
        try:
            os.link(path, aside, follow_symlinks=False)
        except FileExistsError:
            number += 1
            continue
        os.chmod(aside, 0o600)
        return aside
