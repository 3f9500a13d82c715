# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The disk under ``file_tree``: looks at paths, has new contents judged, and writes a plan.

A file is complete on the disk, under its final owner and mode, before it takes the old one's place; links are
replaced, never followed.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterable

from .._core import atomic
from .._core.errors import FileProblem, InvalidValue
from .file_tree import (
    SECRET,
    Change,
    Entry,
    Found,
    final_mode,
)

# Python writes it beside the programs that it runs.
PYTHON_CACHE = ("__pycache__",)


def read(path: str) -> Found:
    """Look at a path itself, not at what a link there points to. Raises FileProblem when it cannot be read."""
    try:
        status = os.lstat(path)
        if stat.S_ISREG(status.st_mode):
            with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW)) as stream:
                kind, content = "file", stream.read()
        else:
            kind, content = "directory" if stat.S_ISDIR(status.st_mode) else "other", b""
    except (FileNotFoundError, NotADirectoryError):
        return Found()
    except OSError as error:
        raise FileProblem(f"{path} cannot be read: {error.strerror}") from error
    return Found(kind, content, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)


def unlisted(wanted: Iterable[Entry]) -> list[Entry]:
    """Return removals of what lies below exclusive folders and is not an entry. Raises FileProblem.

    A folder that is not an entry is removed whole. Links are not followed.
    """
    listed = {entry.path for entry in wanted}
    removals = []
    for root in [entry.path for entry in wanted if entry.exclusive and not os.path.islink(entry.path)]:
        for folder, folders, files in os.walk(root, onerror=_cannot_be_read):
            left = [name for name in folders if name not in PYTHON_CACHE and os.path.join(folder, name) not in listed]
            paths = [os.path.join(folder, name) for name in (*left, *files)]
            removals += [Entry(path, "absent", recurse=True) for path in sorted(paths) if path not in listed]
            folders[:] = [name for name in folders if name not in left and name not in PYTHON_CACHE]
    return removals


def _cannot_be_read(error: OSError) -> None:
    if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
        raise FileProblem(f"{error.filename} cannot be read: {error.strerror}") from error


class Tree:
    """The target's file system. ``run`` executes a validating command and returns its status and what it said."""

    def __init__(self, run: Callable[[list[str]], tuple[int, str]], split: Callable[[str], list[str]]) -> None:
        self._run = run
        self._split = split

    def validate(self, changes: Iterable[Change], *, only_if_installed: bool) -> None:
        """Have each new content judged by its own program before anything is replaced. Raises InvalidValue."""
        for change in changes:
            if not (change.content and change.entry.validate):
                continue
            words = self._split(change.entry.validate)
            if not any("%s" in word for word in words):
                raise InvalidValue(f"{change.entry.path}: validate needs %s where the file's name goes")
            if only_if_installed and shutil.which(words[0]) is None:
                continue
            status, said = self._judge(change.entry, words)
            if status != 0:
                shown = SECRET if change.entry.secret else said.strip()  # what is said may quote the content
                raise InvalidValue(f"{change.entry.path}: {words[0]} refuses the new content: {shown}")

    def _judge(self, entry: Entry, words: list[str]) -> tuple[int, str]:
        folder = os.path.dirname(entry.path)
        try:
            with atomic.temporary(entry.content, folder=folder if os.path.isdir(folder) else None) as (file, path):
                file.close()  # one that is open for writing cannot be executed
                return self._run([word.replace("%s", path) for word in words])
        except OSError as error:
            raise FileProblem(f"{entry.path} cannot be tried: {error.strerror}") from error

    def apply(self, changes: Iterable[Change]) -> None:
        """Write what the plan says. Raises FileProblem; paths before that one are done, it and those after are not."""
        for change in changes:
            try:
                self._apply(change)
            except OSError as error:
                raise FileProblem(f"{change.entry.path} cannot be changed: {error.strerror}") from error

    def _apply(self, change: Change) -> None:
        entry = change.entry
        if entry.state == "absent":
            self._remove(change)
        elif not change.content:
            self._correct(change)
        elif entry.state == "directory":
            os.mkdir(entry.path, 0o700)
            self._correct(change)
        else:
            uid_gid = self._owner(entry, change.found)
            atomic.replace(entry.path, entry.content, mode=final_mode(entry, change.found), owner=uid_gid)

    @staticmethod
    def _remove(change: Change) -> None:
        if change.found.kind != "directory":
            os.unlink(change.entry.path)
        elif change.entry.recurse:
            shutil.rmtree(change.entry.path)
        else:
            os.rmdir(change.entry.path)

    def _correct(self, change: Change) -> None:
        """Act on what was found there, by its descriptor: a link that somebody puts in its place is not followed."""
        kind = os.O_DIRECTORY if change.entry.state == "directory" else os.O_NONBLOCK
        descriptor = os.open(change.entry.path, os.O_RDONLY | os.O_NOFOLLOW | kind)
        try:
            self._attributes(descriptor, change.entry, change.found)
        finally:
            os.close(descriptor)

    def _attributes(self, descriptor: int, entry: Entry, found: Found) -> None:
        """Give owner first, since that takes set-id bits away."""
        uid_gid = self._owner(entry, found)
        if uid_gid != (-1, -1):
            os.fchown(descriptor, *uid_gid)
        os.fchmod(descriptor, final_mode(entry, found))

    @staticmethod
    def _owner(entry: Entry, found: Found) -> tuple[int, int]:
        """Return who shall own it; what was not asked for stays as it was."""
        there = found.kind == entry.state
        uid = entry.uid if entry.uid is not None else (found.uid if there else -1)
        gid = entry.gid if entry.gid is not None else (found.gid if there else -1)
        return uid, gid
