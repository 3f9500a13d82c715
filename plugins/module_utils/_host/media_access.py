# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Finds paths below a folder that an account cannot read. Files of a household are never changed."""

from __future__ import annotations

import errno
import json
import os
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# Bounds of one scan, so that a large library on a slow disk does not delay a run: levels below the folder, enough for
# <library>/<film>/<file>; entries checked; findings returned.
LEVELS, ENTRIES, NAMED = 3, 5000, 10
DENIED = (errno.EACCES, errno.EPERM)


@dataclass(frozen=True)
class UnreadablePath:
    """One path that cannot be read, and the errno."""

    path: str
    errno: int


def find_unreadable(folders: Iterable[str], *, uid: int, gid: int) -> list[UnreadablePath]:
    """Return at most NAMED paths that the account cannot read. A missing folder is not a finding.

    Must run as root: a child process drops to the account.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # the child must run none of the parent's code after this block
        found: list[tuple[str, int]] = []
        try:
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
            found = _scan(folders)
        except OSError as error:
            found = [("/", error.errno or errno.EIO)]
        finally:
            with os.fdopen(writer, "wb") as pipe:
                pipe.write(json.dumps(found).encode())
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        rows = json.loads(pipe.read() or b"[]")
    os.waitpid(child, 0)
    return [UnreadablePath(path, number) for path, number in rows]


def describe(findings: Iterable[UnreadablePath], *, account: str, group: str) -> list[str]:
    """Return one line for each finding: the path, the reason and the remedy."""
    return [_line(finding, account, group) for finding in findings]


def _line(finding: UnreadablePath, account: str, group: str) -> str:
    # A name may hold bytes that are not UTF-8.
    path = os.fsencode(finding.path).decode("utf-8", "backslashreplace")
    if finding.errno in DENIED:
        name = shlex.quote(path)
        return (
            f"{path}: account {account}, as which the services run, may not read it. If they should, give their group "
            f"access by hand: sudo chgrp -R {group} {name} && sudo chmod -R g+rX {name} (a network or FUSE mount: by "
            f"its mount options, such as gid={group} or allow_other)"
        )
    return (
        f"{path}: it cannot be read ({os.strerror(finding.errno)}). Check the disk or network share that is mounted "
        "there: findmnt --target, and sudo dmesg"
    )


def _scan(folders: Iterable[str]) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    left = ENTRIES
    for top in folders:
        for path, number in _walk(top, LEVELS):
            left -= 1
            if number:
                found.append((path, number))
            if left <= 0 or len(found) >= NAMED:
                return found
    return found


def _walk(path: str, levels: int) -> Iterator[tuple[str, int]]:
    """Yield each path with the errno of reading it, 0 for success."""
    try:
        entries = sorted(os.scandir(path), key=lambda entry: entry.name)
        # Fails for a folder that has read but not search permission.
        os.stat(os.path.join(path, "."))
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR):
            yield path, error.errno or errno.EIO
        return
    yield path, 0
    for entry in entries:
        try:
            folder = entry.is_dir(follow_symlinks=False)
        except OSError as error:
            yield entry.path, error.errno or errno.EIO
            continue
        if folder and levels > 1:
            yield from _walk(entry.path, levels - 1)
        elif not entry.is_symlink():
            mode = os.R_OK | os.X_OK if folder else os.R_OK
            yield entry.path, 0 if os.access(entry.path, mode) else errno.EACCES
