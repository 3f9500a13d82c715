# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Selects the files of a torrent that may be published, and splits their paths."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from . import file_types
from .model import HIDDEN, INCOMPLETE, NOT_WANTED, UNSAFE_NAME, Identity, LeftOut, Torrent, TorrentFile
from .names import BIDIRECTIONAL, has_only_visible, visible

SAMPLE_WORD = re.compile(r"(?<![^\W_])samples?(?![^\W_])", re.IGNORECASE)
SYSTEM_FOLDER = frozenset(["__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found"])


@dataclass(frozen=True)
class Item:
    """A file that is wanted, complete and safe; size in bytes, parents are its folders from the torrent's own down."""

    path: str
    parents: tuple[str, ...]
    name: str
    size: int
    identity: Identity | None

    @cached_property
    def _split(self) -> tuple[str, str]:
        return file_types.split_extension(self.name)

    @property
    def stem(self) -> str:
        """The name without its extension."""
        return self._split[0]

    @property
    def suffix(self) -> str:
        """The extension as it is written."""
        return self._split[1]

    @cached_property
    def extension(self) -> str:
        """The extension in lower case."""
        return self.suffix.lower()

    @property
    def is_video(self) -> bool:
        """Whether the extension is a video's."""
        return self.extension in file_types.VIDEO

    @property
    def is_subtitle(self) -> bool:
        """Whether the extension is that of a subtitle or of a subtitle's index."""
        return self.extension in file_types.SUBTITLE or self.extension == file_types.SUBTITLE_INDEX

    @cached_property
    def has_sample_word(self) -> bool:
        """Whether its own or its folder's name has the word sample."""
        return any(SAMPLE_WORD.search(text) for text in (self.stem, *self.parents[1:][-1:]))


def is_safe_path(path: str) -> bool:
    """Return whether a path stays below its folder."""
    if not path or "\0" in path:
        return False
    return all(
        part and part.strip() not in (".", "..") and visible(part) not in (".", "..") for part in path.split("/")
    )


def _is_hidden(parts: list[str], single: bool) -> bool:
    """Return whether a path is hidden; a title that begins with two dots and a torrent of one file are not."""
    *folders, name = parts
    if any(part.startswith(".") and not part.startswith("..") for part in folders[1:]):
        return True
    if any(part.lower() in SYSTEM_FOLDER for part in folders):
        return True
    if not name.startswith(".") or name.startswith("..") or (single and file_types.split_extension(name)[1]):
        return name.startswith("._")
    return True


def reason_against(file: TorrentFile, *, single: bool) -> str:
    """Return the reason to leave out a file of any kind, empty when there is none."""
    if not file.wanted:
        return NOT_WANTED
    if not is_safe_path(file.path):
        return UNSAFE_NAME
    if not file.is_complete:
        return INCOMPLETE
    parts = file.path.split("/")
    extension = file_types.split_extension(parts[-1])[1].lower()
    medium = extension in file_types.VIDEO | file_types.SUBTITLE | file_types.AUDIO | file_types.BOOK
    if file_types.is_disguised(parts[-1]) or (BIDIRECTIONAL.search(parts[-1]) and not medium):
        return UNSAFE_NAME
    return HIDDEN if _is_hidden(parts, single) else ""


def context_items(torrent: Torrent) -> list[Item]:
    """Return all safe files of a torrent, complete or not, so that its kind does not change while it completes."""
    found = []
    single = len(torrent.files) == 1
    for file in torrent.files:
        path = file.path.removesuffix(".part")
        complete = TorrentFile(path, file.length, file.length)
        if not reason_against(complete, single=single):
            *parents, name = path.split("/")
            found.append(Item(path, tuple(parents), name, file.length, None))
    return found


def select(torrent: Torrent) -> tuple[list[Item], list[LeftOut]]:
    """Divide a torrent's files into items, in the order of their paths, and left-out files."""
    items: list[Item] = []
    left_out: list[LeftOut] = []
    single = len(torrent.files) == 1
    seen: set[str] = set()
    for file in sorted(torrent.files, key=lambda file: file.path):
        if file.path in seen:
            continue
        seen.add(file.path)
        reason = reason_against(file, single=single)
        if reason:
            left_out.append(LeftOut(file.path, reason))
        else:
            *parents, name = file.path.split("/")
            items.append(Item(file.path, tuple(parents), name, file.length, file.identity))
    return items, left_out


def has_exact_name(item: Item) -> bool:
    """Return whether a file can be published under its own names."""
    return all(has_only_visible(part) for part in (*item.parents, item.name))
