# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Builds a plan: the files in the library, and the targets that are assigned already."""

from __future__ import annotations

import typing as t

from .file_types import DISC_IMAGE, VIDEO, split_extension
from .model import ExistingFiles, Identity, LeftOut, Link
from .names import fold
from .selection import Item

VIDEOS = VIDEO | DISC_IMAGE


class PlanBuilder:
    """Collects links, left-out and present files; a path that is taken is never assigned again."""

    def __init__(self, existing: ExistingFiles) -> None:
        """Index the library's paths, folders and identities."""
        self.links: dict[str, str] = {}
        self.present: dict[str, str] = {}
        self.left_out: dict[str, str] = {}
        self._taken: set[str] = set()
        self._existing: dict[Identity, list[str]] = {}
        # Folder, folded, to its files' names; and to the spelling of the folders in it.
        self._files: dict[str, list[str]] = {}
        self._folders: dict[str, dict[str, str]] = {}
        # Folder, folded, to the folded stems of its videos.
        self._stems: dict[str, set[str]] = {}
        self._copies: dict[str, int] = {}
        for path in sorted(existing.files):
            self._register(path)
            identity = existing.files[path]
            if identity is not None:
                self._existing.setdefault(identity, []).append(path)

    def _register(self, path: str) -> None:
        self._taken.add(fold(path))
        folder, _slash, name = path.rpartition("/")
        key = fold(folder)
        names = self._files.get(key)
        if names is None:
            names = self._files[key] = []
            while folder:
                folder, _slash, child = folder.rpartition("/")
                self._folders.setdefault(fold(folder), {}).setdefault(fold(child), child)
        names.append(name)
        stem, extension = split_extension(name)
        if extension.lower() in VIDEOS:
            self._stems.setdefault(key, set()).add(fold(stem))

    def find_existing(self, item: Item, kind: str = "") -> str:
        """Return the library's path of a file with the same identity, below a kind where one is given, or empty."""
        existing = self._existing.get(item.identity, []) if item.identity is not None else []
        return next((path for path in existing if path.startswith(f"{kind}/" if kind else "")), "")

    def record_present(self, items: t.Iterable[Item]) -> list[Item]:
        """Record the files that are anywhere in the library, and return the others."""
        missing = []
        for item in items:
            existing = self.find_existing(item)
            if existing:
                self.present[item.path] = existing
            else:
                missing.append(item)
        return missing

    def is_taken(self, path: str) -> bool:
        """Return whether a file or folder has the path; case is ignored."""
        key = fold(path)
        if key in self._taken or key in self._files or key in self._folders:
            return True
        # A file cannot lie below another file.
        folder = key.rpartition("/")[0]
        while folder and folder not in self._files and folder not in self._folders:
            if folder in self._taken:
                return True
            folder = folder.rpartition("/")[0]
        return False

    def folders(self, folder: str) -> t.Collection[str]:
        """Return the names of the folders in a folder."""
        return self._folders.get(fold(folder), {}).values()

    def spelling(self, folder: str, name: str) -> str:
        """Return the name of a folder in its existing spelling."""
        return self._folders.get(fold(folder), {}).get(fold(name), name)

    def names(self, folder: str) -> t.Sequence[str]:
        """Return the names of the files of a folder."""
        return self._files.get(fold(folder), ())

    def has_video(self, folder: str, stem: str) -> bool:
        """Return whether a folder has a video of this stem, with any extension."""
        return fold(stem) in self._stems.get(fold(folder), ())

    def copy_number(self, name: str) -> int:
        """Return the next number for a name of several files, from 2."""
        self._copies[name] = self._copies.get(name, 1) + 1
        return self._copies[name]

    def add_link(self, item: Item, path: str) -> None:
        """Publish a file.

        Raises ValueError when the path is taken.
        """
        if self.is_taken(path):
            raise ValueError(f"{path} is taken; {item.path} needs another target")
        self.links[item.path] = path
        self._register(path)

    def add_exact_links(self, paths: t.Mapping[str, str]) -> None:
        """Publish files at free paths, which may differ from each other by case only."""
        self.links.update(paths)
        for path in paths.values():
            self._register(path)

    def leave_out(self, item: Item, reason: str) -> None:
        """Leave a file out, unless an earlier plan published it."""
        existing = self.find_existing(item)
        if existing:
            self.present[item.path] = existing
        else:
            self.left_out[item.path] = reason

    def result(self) -> tuple[tuple[Link, ...], tuple[LeftOut, ...], tuple[Link, ...]]:
        """Return links, left-out and present files, each in the order of the torrent's paths."""
        return (
            tuple(Link(*pair) for pair in sorted(self.links.items())),
            tuple(LeftOut(*pair) for pair in sorted(self.left_out.items())),
            tuple(Link(*pair) for pair in sorted(self.present.items())),
        )
