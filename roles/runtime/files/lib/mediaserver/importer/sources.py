# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a torrent on the disk.

Their names come from the internet, and the container that writes them may be compromised: no symbolic link is followed,
and only regular files are used.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mediaserver._import.selection import is_safe_path

FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
Identity = tuple[int, int]


@dataclass
class Sources:
    """The folder of a torrent below the root of downloads, and what was found there of each file."""

    root: Path
    folder: tuple[str, ...]
    identities: dict[str, Identity] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)  # symbolic links and other things that are no regular files

    def find(self, paths: Iterable[str]) -> None:
        """Find the files."""
        for parent, names in _grouped(paths):
            try:
                with self.opened(parent) as descriptor:
                    for path, name in names:
                        self._find_one(path, name, descriptor)
            except NotADirectoryError:  # a part of the path is a symbolic link, or a file
                self.links.extend(path for path, _name in names)
            except (OSError, ValueError):
                self.missing.extend(path for path, _name in names)

    def _find_one(self, path: str, name: str, descriptor: int) -> None:
        try:
            status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
        except (OSError, ValueError):
            self.missing.append(path)
            return
        if stat.S_ISREG(status.st_mode):
            self.identities[path] = (status.st_dev, status.st_ino)
        else:
            self.links.append(path)

    @contextlib.contextmanager
    def opened(self, parent: tuple[str, ...]) -> Iterator[int]:
        """Give the descriptor of a folder of the torrent. Raises OSError; NotADirectoryError for a symbolic link."""
        descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in (*self.folder, *parent):
                inner = os.open(part, FLAGS, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = inner
            yield descriptor
        finally:
            os.close(descriptor)


def _grouped(paths: Iterable[str]) -> Iterator[tuple[tuple[str, ...], list[tuple[str, str]]]]:
    """Yield each folder with its files, as whole path and name; unsafe paths are left out, as the planner does."""
    groups: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for path in paths:
        if is_safe_path(path):
            *parents, name = path.split("/")
            groups.setdefault(tuple(parents), []).append((path, name))
    yield from groups.items()
