# SPDX-License-Identifier: GPL-3.0-or-later
"""Recognises items by the names of files in a library folder; no file is opened."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jellyfin_double.authentication import dotnet_id

VIDEO = frozenset((".mkv", ".mp4", ".m4v", ".avi", ".mov", ".ts", ".m2ts", ".webm", ".wmv", ".mpg", ".mpeg", ".iso"))
AUDIO = frozenset((".mp3", ".flac", ".m4a", ".ogg", ".opus", ".wav", ".aac"))
BOOK = frozenset((".epub", ".pdf", ".cbz", ".cbr", ".mobi"))
_KINDS: dict[str | None, tuple[frozenset[str], str]] = {
    "movies": (VIDEO, "Movie"),
    "mixed": (VIDEO, "Movie"),
    None: (VIDEO, "Movie"),
    "tvshows": (VIDEO, "Episode"),
    "music": (AUDIO, "Audio"),
    "musicvideos": (VIDEO, "MusicVideo"),
    "homevideos": (VIDEO, "Video"),
    "books": (BOOK, "Book"),
    "boxsets": (frozenset(), "BoxSet"),
}
_CLASSES = {
    "Movie": "MediaBrowser.Controller.Entities.Movies.Movie",
    "Episode": "MediaBrowser.Controller.Entities.TV.Episode",
    "Series": "MediaBrowser.Controller.Entities.TV.Series",
    "Audio": "MediaBrowser.Controller.Entities.Audio.Audio",
    "MusicVideo": "MediaBrowser.Controller.Entities.MusicVideo",
    "Video": "MediaBrowser.Controller.Entities.Video",
    "Book": "MediaBrowser.Controller.Entities.Book",
    "AudioBook": "MediaBrowser.Controller.Entities.AudioBook",
}
_YEAR = re.compile(r"\((\d{4})\)")


@dataclass(frozen=True)
class Found:
    identifier: str
    path: str
    name: str
    sort: str
    folder: bool = False
    year: int | None = None
    series: str | None = None
    versions: tuple[str, ...] = ()


def films(location: str, kind: str | None) -> Iterator[Found]:
    """Return the items in a library folder, without hidden files and folders and unfinished downloads."""
    suffixes, sort = _KINDS.get(kind, _KINDS[None])
    for folder, files in _visible(location):
        media = [name for name in files if Path(name).suffix.lower() in suffixes]
        top = Path(folder).relative_to(location).parts[:1]
        series = None
        if sort == "Episode" and top:
            path = str(Path(location, top[0]))
            series = _identifier("Series", path)
            if media:
                yield Found(series, path, top[0], "Series", folder=True, year=_year(top[0]))
        if sort == "Movie" and top and len(media) > 1 and all(name.startswith(Path(folder).name) for name in media):
            yield _grouped(Path(folder), media)
            continue
        for name in media:
            path = str(Path(folder, name))
            title = Path(folder).name if sort == "Movie" and top and len(media) == 1 else Path(name).stem
            yield Found(_identifier(sort, path), path, title, sort, year=_year(title), series=series)


def _grouped(folder: Path, media: list[str]) -> Found:
    """Return a film with its versions: which file is the first one is the server's choice (here, the shortest name)."""
    first, *others = sorted(media, key=lambda name: (len(name), name))
    path = str(folder / first)
    versions = tuple(str(folder / name) for name in others)
    return Found(_identifier("Movie", path), path, folder.name, "Movie", year=_year(folder.name), versions=versions)


def snapshot(location: str) -> dict[str, int]:
    """Return all files and folders with sizes, for the file monitor."""
    seen: dict[str, int] = {}
    for folder, folders, files in os.walk(location):
        for name in folders:
            seen[os.path.join(folder, name)] = -1
        for name in files:
            path = os.path.join(folder, name)
            try:
                seen[path] = os.stat(path).st_size
            except OSError:
                continue
    return seen


def _visible(location: str) -> Iterator[tuple[str, list[str]]]:
    for folder, folders, files in os.walk(location):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if ".ignore" in files:
            folders.clear()
            continue
        yield folder, sorted(name for name in files if not name.startswith("."))


def _identifier(sort: str, path: str) -> str:
    return dotnet_id(_CLASSES[sort] + path)


def _year(name: str) -> int | None:
    found = _YEAR.search(name)
    return int(found.group(1)) if found else None
