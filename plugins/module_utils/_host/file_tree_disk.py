# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Reads paths, validates new contents and applies the plan of ``file_tree``.

A new file is complete on the disk, with its final owner and mode, before it is renamed over the old one. Symbolic links
are replaced, never followed.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable

from .._core import files
from .._core.errors import FileProblem, InvalidValue
from .file_tree import (
    SECRET,
    Entry,
    PathChange,
    PathState,
    final_mode,
)

# Python writes it beside the modules that it imports.
PYTHON_CACHE = ("__pycache__",)


def read(path: str) -> PathState:
    """Return the state of a path without following links. Raises FileProblem when it cannot be read."""
    try:
        status = os.lstat(path)
        if stat.S_ISREG(status.st_mode):
            with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW)) as stream:
                kind, content = "file", stream.read()
        else:
            kind, content = "directory" if stat.S_ISDIR(status.st_mode) else "other", b""
    except (FileNotFoundError, NotADirectoryError):
        return PathState()
    except OSError as error:
        raise FileProblem(f"{path} cannot be read: {error.strerror}") from error
    return PathState(kind, content, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)


def unlisted(wanted: Iterable[Entry]) -> list[Entry]:
    """Return removals of all paths below exclusive folders that are not entries.

    A folder that is not an entry is removed with its content. Links are not followed. Raises FileProblem when a folder
    cannot be read.
    """
    listed = {entry.path for entry in wanted}
    removals = []
    for root in [entry.path for entry in wanted if entry.exclusive and not os.path.islink(entry.path)]:
        for folder, folders, names in os.walk(root, onerror=_raise_unless_absent):
            left = [name for name in folders if name not in PYTHON_CACHE and os.path.join(folder, name) not in listed]
            paths = [os.path.join(folder, name) for name in (*left, *names)]
            removals += [Entry(path, "absent", recurse=True) for path in sorted(paths) if path not in listed]
            folders[:] = [name for name in folders if name not in left and name not in PYTHON_CACHE]
    return removals


def _raise_unless_absent(error: OSError) -> None:
    if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
        raise FileProblem(f"{error.filename} cannot be read: {error.strerror}") from error


class Tree:
    """Validates and writes changes. ``run`` executes a command and returns its exit status and its output."""

    def __init__(self, run: Callable[[list[str]], tuple[int, str]], split: Callable[[str], list[str]]) -> None:
        self._run = run
        self._split = split

    def validate(self, changes: Iterable[PathChange], *, only_if_installed: bool) -> None:
        """Run the validating command of each new content, before anything is replaced.

        With ``only_if_installed``, a command whose program is missing is skipped. Raises InvalidValue when a command
        fails, FileProblem when it cannot run.
        """
        for change in changes:
            if not (change.content and change.entry.validate):
                continue
            words = self._split(change.entry.validate)
            if not any("%s" in word for word in words):
                raise InvalidValue(f"{change.entry.path}: validate has no %s; write it where the file's name belongs")
            if only_if_installed and shutil.which(words[0]) is None:
                continue
            status, output = self._run_validation(change.entry, words)
            if status != 0:
                shown = SECRET if change.entry.secret else output.strip()  # the output may quote the content
                raise InvalidValue(f"{change.entry.path}: {words[0]} rejects the new content: {shown}")

    def _run_validation(self, entry: Entry, words: list[str]) -> tuple[int, str]:
        folder = os.path.dirname(entry.path)
        if not os.path.isdir(folder):
            folder = tempfile.gettempdir()
        try:
            with files.temporary(entry.content, folder=folder) as (file, path):
                file.close()  # a file that is open for writing cannot be executed (ETXTBSY)
                return self._run([word.replace("%s", path) for word in words])
        except OSError as error:
            raise FileProblem(f"{entry.path} cannot be validated: {error.strerror}") from error

    def apply(self, changes: Iterable[PathChange]) -> None:
        """Apply the changes in order. Raises FileProblem at the first that fails; earlier ones stay applied."""
        for change in changes:
            try:
                self._apply(change)
            except OSError as error:
                raise FileProblem(f"{change.entry.path} cannot be changed: {error.strerror}") from error

    def _apply(self, change: PathChange) -> None:
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
            files.replace(entry.path, entry.content, mode=final_mode(entry, change.found), owner=uid_gid)

    @staticmethod
    def _remove(change: PathChange) -> None:
        if change.found.kind != "directory":
            os.unlink(change.entry.path)
        elif change.entry.recurse:
            shutil.rmtree(change.entry.path)
        else:
            os.rmdir(change.entry.path)

    def _correct(self, change: PathChange) -> None:
        """Set owner and mode by descriptor, so that a link put there after the read is not followed."""
        kind = os.O_DIRECTORY if change.entry.state == "directory" else os.O_NONBLOCK
        descriptor = os.open(change.entry.path, os.O_RDONLY | os.O_NOFOLLOW | kind)
        try:
            self._attributes(descriptor, change.entry, change.found)
        finally:
            os.close(descriptor)

    def _attributes(self, descriptor: int, entry: Entry, found: PathState) -> None:
        """Set the owner first, because chown(2) clears set-id bits."""
        uid_gid = self._owner(entry, found)
        if uid_gid != (-1, -1):
            os.fchown(descriptor, *uid_gid)
        os.fchmod(descriptor, final_mode(entry, found))

    @staticmethod
    def _owner(entry: Entry, found: PathState) -> tuple[int, int]:
        """Return the final uid and gid; without a wanted value the current one, or -1 for a new path."""
        exists = found.kind == entry.state
        uid = entry.uid if entry.uid is not None else (found.uid if exists else -1)
        gid = entry.gid if entry.gid is not None else (found.gid if exists else -1)
        return uid, gid
