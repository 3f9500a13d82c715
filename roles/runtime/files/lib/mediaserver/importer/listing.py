# SPDX-License-Identifier: GPL-3.0-or-later
"""What Jellyfin must list of published files. Pure, but for the names in a folder.

Extras, further parts and subtitles have no item of their own, so their video counts. A second version stands in the
first one's MediaSources (12) or is an item of type Video (10.11), and which file is the first is Jellyfin's choice. So
the ids of all videos of a folder are asked for.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mediaserver._import import file_types
from mediaserver._import.extras import SUFFIX, folder_kind
from mediaserver.importer.settings import CONTAINER_MEDIA, Library

NAMESPACE = "MediaBrowser.Controller.Entities."
_BOOKS = file_types.BOOK
_SOUND = file_types.AUDIO | file_types.AUDIO_BOOK
_VIDEO = file_types.VIDEO | file_types.DISC_IMAGE
# By the library's type: which files are items, and the types that such an item may have.
ITEMS: Mapping[str, tuple[frozenset[str], tuple[str, ...]]] = {
    "movies": (_VIDEO, ("Movies.Movie", "Video")),
    "tvshows": (_VIDEO, ("TV.Episode", "Video")),
    "music": (_SOUND, ("Audio.Audio",)),
    "books": (_BOOKS | _SOUND, ("Book", "AudioBook")),
    "musicvideos": (_VIDEO, ("MusicVideo", "Video")),
    "homevideos": (_VIDEO, ("Video",)),
}
MIXED = (_VIDEO, ("Movies.Movie", "TV.Episode", "Video"))
FURTHER_PART = re.compile(r"[ _.-](?:cd|dvd|part|pt|dis[ck])[ _.-]*(?!0*1$|a$)(?:\d+|[b-d])$", re.IGNORECASE)
DISC_FOLDERS = ("VIDEO_TS", "BDMV")

Names = Callable[[str], Sequence[str]]


@dataclass(frozen=True)
class Expectation:
    """One folder: paths that must be listed (or, without such, any candidate), and the ids to ask for."""

    wanted: tuple[str, ...]
    candidates: tuple[str, ...]
    types: tuple[str, ...]

    @property
    def ids(self) -> list[str]:
        return [item_id(kind, f"{CONTAINER_MEDIA}/{path}") for path in self.candidates for kind in self.types]

    def missing(self, listed: set[str]) -> bool:
        """Say whether the paths that Jellyfin lists do not hold what is expected."""
        if self.wanted:
            return not listed.issuperset(self.wanted)
        return bool(self.candidates) and listed.isdisjoint(self.candidates)


def item_id(kind: str, path: str) -> str:
    """Return the id that Jellyfin gives to the item of a path, by the type's name below NAMESPACE."""
    text = f"{NAMESPACE}{kind}{path}".encode("utf-16-le", "surrogatepass")
    return uuid.UUID(bytes_le=hashlib.md5(text, usedforsecurity=False).digest()).hex


def names_below(media: Path) -> Names:
    """Return a function from a folder, relative to the media root, to the names in it."""

    def names(folder: str) -> Sequence[str]:
        try:
            return [path.name for path in (media / folder).iterdir() if not path.name.startswith(".")]
        except OSError:
            return ()

    return names


def expectations(targets: Iterable[str], libraries: Sequence[Library], names: Names) -> list[Expectation]:
    """Return what Jellyfin must list; nothing for files below no library's folder."""
    folders: dict[str, tuple[Library, list[str]]] = {}
    for target in targets:
        library = next((one for one in libraries if one.holds(target)), None)
        if library is None:
            continue
        folder, item = _place(target, library)
        folders.setdefault(folder, (library, []))[1].extend([item] if item else [])
    found = []
    for folder, (library, wanted) in folders.items():
        extensions, types = ITEMS.get(library.type, MIXED)
        there = [f"{folder}/{name}" for name in names(folder)]
        candidates = {one for one in there if is_item(one, extensions)} | set(wanted)
        if candidates:
            found.append(Expectation(tuple(sorted(set(wanted))), tuple(sorted(candidates)), types))
    return found


def _place(target: str, library: Library) -> tuple[str, str]:
    """Return the folder whose items count for a file, and the file's own item; empty where it has none."""
    parts = target.split("/")
    disc = next((index for index, part in enumerate(parts) if part.upper() in DISC_FOLDERS), 0)
    if disc > 1:
        folder = "/".join(parts[:disc])
        return folder, folder
    extensions, _types = ITEMS.get(library.type, MIXED)
    if extensions is not _VIDEO:
        return "/".join(parts[:-1]), target if is_item(target, extensions) else ""
    depth = len(library.folder.split("/"))
    folders = parts[:-1]
    extra = next((index for index in range(depth + 1, len(folders)) if folder_kind(folders[index])), 0)
    if extra:
        return "/".join(folders[:extra]), ""
    return "/".join(folders), target if is_item(target, extensions) else ""


def is_item(path: str, extensions: frozenset[str]) -> bool:
    """Say whether a file of one of these types has an item of its own: no extra, and no further part."""
    stem, extension = file_types.split_extension(path.rpartition("/")[2])
    if extension.lower() not in extensions:
        return False
    return extensions is not _VIDEO or not (SUFFIX.search(stem) or FURTHER_PART.search(stem))
