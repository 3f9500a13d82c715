# SPDX-License-Identifier: GPL-3.0-or-later
"""What the library holds: paths, and the identity of each file (device and inode)."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from mediaserver._core import files
from mediaserver._core.errors import reason
from mediaserver._import.model import ExistingFiles, Identity
from mediaserver.importer.problem import ImportProblem, LibraryProblem, in_words, shown

# Hidden folders in which the import prepares what it publishes. No other program makes them, so one that is there
# when the import begins is left from an interrupted run.
STAGING = ".mediaserver-import-"
DISK_ID = re.compile(r"[0-9a-f]{32}")


@dataclass
class Library:
    """The files below the media root. Hidden files and folders do not count; links to folders are not followed."""

    root: Path
    files: dict[str, Identity | None] = field(default_factory=dict)
    leftovers: list[str] = field(default_factory=list)

    @classmethod
    def scan(cls, root: Path) -> Library:
        """Raises LibraryProblem."""
        found = cls(root)
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            try:
                waiting.extend(found._scan(folder))
            except FileNotFoundError:
                if not folder:
                    raise LibraryProblem(
                        f"the library {root} does not exist. Run the playbook, which creates it"
                    ) from None
                # Another program has removed or renamed it since.
            except OSError as error:
                raise LibraryProblem(
                    in_words(error, f"{shown(str(root / folder))} in the library cannot be read")
                ) from error
        return found

    def _scan(self, folder: str) -> list[str]:
        """Note the files of a folder, and return the folders in it."""
        path = self.root / folder
        device = path.stat().st_dev
        prefix = f"{folder}/" if folder else ""
        folders = []
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    if entry.name.startswith(STAGING):
                        self.leftovers.append(prefix + entry.name)
                elif entry.is_dir(follow_symlinks=False):
                    folders.append(prefix + entry.name)
                else:
                    # The inode is part of the directory, so a large library is read without a call for each file.
                    known = entry.is_file(follow_symlinks=False)
                    self.files[prefix + entry.name] = (device, entry.inode()) if known else None
        return folders

    def existing(self) -> ExistingFiles:
        return ExistingFiles(self.files)

    def clean(self) -> None:
        """Remove what an interrupted run has left. Its files have other names still, so nothing is lost."""
        for one in self.leftovers:
            shutil.rmtree(self.root / one, ignore_errors=True)
        self.leftovers.clear()


def disk_of(path: Path) -> str:
    """Return the id of the disk that is mounted now. Raises ImportProblem."""
    try:
        content = files.read(path)
    except OSError as error:
        raise ImportProblem(f"the media disk cannot be read: {reason(error)}") from error
    if content is None:
        raise ImportProblem(
            f"the media disk is not there: {path} is missing. Attach the disk; a new one needs a run of the playbook"
        )
    text = content.strip()
    if not DISK_ID.fullmatch(text):
        raise ImportProblem(f"{path} holds no id of a disk (32 hexadecimal digits). Remove it and run the playbook")
    return text
