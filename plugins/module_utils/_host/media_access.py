# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What below a folder an account cannot read. Looks only: files of a household are never changed."""

from __future__ import annotations

import errno
import json
import os
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# Bounds of one look: a large library on a slow disk must not hold up a run. Levels below the folder itself, which is
# enough for <library>/<film>/<file>; entries looked at; findings named.
LEVELS, ENTRIES, NAMED = 3, 5000, 10
DENIED = (errno.EACCES, errno.EPERM)


@dataclass(frozen=True)
class Unreadable:
    """One path that cannot be read, and the number of the error."""

    path: str
    number: int


def unreadable(folders: Iterable[str], *, uid: int, gid: int) -> list[Unreadable]:
    """Look as an account, which a child process takes on; must run as root. What is not there is no finding."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # nothing of the parent's may run here: it reports and ends
        found: list[tuple[str, int]] = []
        try:
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
            found = _look(folders)
        except OSError as error:
            found = [("/", error.errno or errno.EIO)]
        finally:
            with os.fdopen(writer, "wb") as answer:
                answer.write(json.dumps(found).encode())
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        rows = json.loads(answer.read() or b"[]")
    os.waitpid(child, 0)
    return [Unreadable(path, number) for path, number in rows]


def told(found: Iterable[Unreadable], *, account: str, group: str) -> list[str]:
    """One line for each finding: the path, what is wrong with it, and what cures it."""
    return [_line(one, account, group) for one in found]


def _line(found: Unreadable, account: str, group: str) -> str:
    # A name may hold bytes that are no UTF-8.
    path = os.fsencode(found.path).decode("utf-8", "backslashreplace")
    if found.number in DENIED:
        name = shlex.quote(path)
        return (
            f"{path}: account {account}, as which the services run, may not read it. If they should, give their group "
            f"access by hand: sudo chgrp -R {group} {name} && sudo chmod -R g+rX {name} (a network or FUSE mount: by "
            f"its mount options, such as gid={group} or allow_other)"
        )
    return (
        f"{path}: it cannot be read ({os.strerror(found.number)}). Look at the disk or network share that is mounted "
        "there: findmnt --target, and sudo dmesg"
    )


def _look(folders: Iterable[str]) -> list[tuple[str, int]]:
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
    """Give each path with the number of the error that reading it meets, 0 for none."""
    try:
        entries = sorted(os.scandir(path), key=lambda entry: entry.name)
        # A folder that may be listed and not entered.
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
