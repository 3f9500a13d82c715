# SPDX-License-Identifier: GPL-3.0-or-later
"""Publishes planned links: a new folder appears in one step, files of an existing folder one by one.

Hard links only, and nothing is overwritten: link(2) refuses a name that exists. Mode and owner are never changed,
because the seeding copy shares the inode.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mediaserver._core import files
from mediaserver._import.model import Link
from mediaserver.importer.library import STAGING
from mediaserver.importer.problem import ImportProblem, LibraryChanged, LibraryProblem, in_words, shown
from mediaserver.importer.sources import Sources

FOLDER_MODE = 0o775


@dataclass
class Publisher:
    """Publishes the links of one torrent. ``changed`` are the new folders and files, relative to the media root."""

    media: Path
    sources: Sources
    tag: str  # of the hidden folders
    changed: list[str] = field(default_factory=list)
    _there: dict[str, bool] = field(default_factory=dict)

    def publish(self, links: Sequence[Link]) -> None:
        """Raises LibraryProblem for a library that cannot be written, LibraryChanged for one that has changed."""
        whole: dict[str, list[Link]] = {}
        single: list[Link] = []
        for link in links:
            top = self._topmost_missing(link.target)
            if top == link.target:
                single.append(link)
            else:
                whole.setdefault(top, []).append(link)
        for number, (top, inside) in enumerate(sorted(whole.items())):
            self._publish_folder(top, inside, number)
        self._publish_files(single)

    def _topmost_missing(self, target: str) -> str:
        """Return the topmost part of a path that does not exist, at most the file itself. Raises LibraryProblem."""
        parts = target.split("/")
        for end in range(1, len(parts)):
            folder = "/".join(parts[:end])
            there = self._there.get(folder)
            if there is None:
                there = self._there[folder] = self._is_folder(folder)
            if not there:
                if end == 1:
                    raise LibraryProblem(
                        f"the library's folder {self.media / folder} does not exist. Run the playbook, which creates it"
                    )
                return folder
        return target

    def _is_folder(self, folder: str) -> bool:
        path = self.media / folder
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            return False
        except OSError as error:
            raise LibraryProblem(in_words(error, f"{shown(str(path))} cannot be read")) from error
        if not stat.S_ISDIR(mode):
            raise LibraryProblem(
                f"{shown(str(path))} is not a folder, but a file or a symbolic link. Rename or remove it"
            )
        return True

    def _publish_folder(self, top: str, links: list[Link], number: int) -> None:
        """Link all files into a hidden sibling, which then gets its name in one step."""
        parent = top.rpartition("/")[0]
        staging = f"{parent}/{STAGING}{self.tag}-{number}"
        made = {""}
        try:
            (self.media / staging).mkdir(FOLDER_MODE)
            for source, group in _by_source_folder(links):
                with self.sources.opened(source) as descriptor:
                    for link, name in group:
                        below = link.target[len(top) + 1 :]
                        self._make_folders(staging, below.rpartition("/")[0], made)
                        self._link(descriptor, name, f"{staging}/{below}", link.source)
            for folder in sorted(made):
                files.sync_folder(self.media / staging / folder)
            files.move(self.media / staging, self.media / top)
        except OSError as error:
            self._discard(staging)
            if os.path.lexists(self.media / top):
                raise LibraryChanged(f"{shown(top)} has appeared in the library meanwhile") from error
            raise LibraryProblem(in_words(error, f"{shown(top)} cannot be published")) from error
        except ImportProblem:
            self._discard(staging)
            raise
        self._there.clear()
        self.changed.append(top)

    def _make_folders(self, staging: str, folder: str, made: set[str]) -> None:
        parts = folder.split("/") if folder else []
        for end in range(1, len(parts) + 1):
            part = "/".join(parts[:end])
            if part not in made:
                (self.media / staging / part).mkdir(FOLDER_MODE)
                made.add(part)

    def _discard(self, staging: str) -> None:
        # The next run tries again, if the disk does not allow it now.
        shutil.rmtree(self.media / staging, ignore_errors=True)

    def _publish_files(self, links: list[Link]) -> None:
        """Link files into folders that exist. A name that has the same inode is done."""
        try:
            for source, group in _by_source_folder(links):
                with self.sources.opened(source) as descriptor:
                    for link, name in group:
                        self._link(descriptor, name, link.target, link.source)
                        self.changed.append(link.target)
            for folder in sorted({link.target.rpartition("/")[0] for link in links}):
                files.sync_folder(self.media / folder)
        except OSError as error:
            raise LibraryProblem(in_words(error, "a file cannot be published")) from error

    def _link(self, descriptor: int, name: str, target: str, source: str) -> None:
        """Link one file. Raises OSError, LibraryChanged."""
        path = self.media / target
        wanted = self.sources.identities[source]
        with contextlib.suppress(FileExistsError):
            os.link(name, path, src_dir_fd=descriptor, follow_symlinks=False)
        status = path.lstat()
        if (status.st_dev, status.st_ino) == wanted and stat.S_ISREG(status.st_mode):
            return
        if _is_same(descriptor, name, status):
            # The download was replaced between its measurement and the link.
            path.unlink()
        raise LibraryChanged(f"{shown(target)} is another file than expected; a new plan is made")


def _is_same(descriptor: int, name: str, status: os.stat_result) -> bool:
    try:
        now = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
    except OSError:
        return False
    return (now.st_dev, now.st_ino) == (status.st_dev, status.st_ino)


def _by_source_folder(links: Iterable[Link]) -> list[tuple[tuple[str, ...], list[tuple[Link, str]]]]:
    """Group links by the folder of their source, in the order of the targets: subtitles may come before the video."""
    groups: dict[tuple[str, ...], list[tuple[Link, str]]] = {}
    for link in links:
        *parents, name = link.source.split("/")
        groups.setdefault(tuple(parents), []).append((link, name))
    return list(groups.items())
