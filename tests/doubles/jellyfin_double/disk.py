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
CLASSES = {
    "Movie": "MediaBrowser.Controller.Entities.Movies.Movie",
    "Episode": "MediaBrowser.Controller.Entities.TV.Episode",
    "Series": "MediaBrowser.Controller.Entities.TV.Series",
    "Season": "MediaBrowser.Controller.Entities.TV.Season",
    "Folder": "MediaBrowser.Controller.Entities.Folder",
    "Audio": "MediaBrowser.Controller.Entities.Audio.Audio",
    "MusicVideo": "MediaBrowser.Controller.Entities.MusicVideo",
    "Video": "MediaBrowser.Controller.Entities.Video",
    "Book": "MediaBrowser.Controller.Entities.Book",
    "AudioBook": "MediaBrowser.Controller.Entities.AudioBook",
}
_YEAR = re.compile(r"\((\d{4})\)")
_SEASON = re.compile(r"Season 0*(\d+)", re.IGNORECASE)
_EPISODE = re.compile(r"S(\d+)E(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Found:
    identifier: str
    path: str
    name: str
    sort: str
    folder: bool = False
    year: int | None = None
    series: str | None = None
    season: str | None = None
    number: int | None = None
    season_number: int | None = None
    versions: tuple[str, ...] = ()


def films(location: str, kind: str | None) -> Iterator[Found]:
    """Return the items in a library folder, without hidden files and folders and unfinished downloads."""
    suffixes, sort = _KINDS.get(kind, _KINDS[None])
    for folder, files in _visible(location):
        media = [name for name in files if Path(name).suffix.lower() in suffixes]
        top = Path(folder).relative_to(location).parts[:1]
        if sort == "Episode":
            yield from _episodes(Path(location), Path(folder), media)
            continue
        if sort == "Movie" and top and len(media) > 1 and all(name.startswith(Path(folder).name) for name in media):
            yield _grouped(Path(folder), media)
            continue
        for name in media:
            path = str(Path(folder, name))
            title = Path(folder).name if sort == "Movie" and top and len(media) == 1 else Path(name).stem
            yield Found(identifier(sort, path), path, title, sort, year=_year(title))


def _episodes(location: Path, folder: Path, media: list[str]) -> Iterator[Found]:
    """Return the episodes of a folder, with their series and season. The library's own folder is no series."""
    top = folder.relative_to(location).parts[:1]
    series = season = number = None
    if top and media:
        path = str(location / top[0])
        series = identifier("Series", path)
        yield Found(series, path, top[0], "Series", folder=True, year=_year(top[0]))
        if (found := _SEASON.fullmatch(folder.name)) and folder != location / top[0]:
            season, number, year = identifier("Season", str(folder)), int(found[1]), _year(top[0])
            name = f"Season {number}"
            yield Found(season, str(folder), name, "Season", folder=True, year=year, series=series, number=number)
    for name in media:
        path, stem = str(folder / name), Path(name).stem
        numbers = _EPISODE.search(stem)
        yield Found(
            identifier("Episode", path),
            path,
            without_year(stem),
            "Episode",
            year=_year(stem),
            series=series,
            season=season,
            number=int(numbers[2]) if numbers else None,
            season_number=int(numbers[1]) if numbers else number,
        )


def without_year(name: str) -> str:
    """Return what is before a year in parentheses; the server drops what follows it, too."""
    found = _YEAR.search(name)
    return (found and name[: found.start()].rstrip()) or name


def _grouped(folder: Path, media: list[str]) -> Found:
    """Return a film with its versions: which file is the first one is the server's choice (here, the shortest name)."""
    first, *others = sorted(media, key=lambda name: (len(name), name))
    path = str(folder / first)
    versions = tuple(str(folder / name) for name in others)
    return Found(identifier("Movie", path), path, folder.name, "Movie", year=_year(folder.name), versions=versions)


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


def identifier(sort: str, path: str) -> str:
    """Return the id that the server computes for an item of a type and path."""
    return dotnet_id(CLASSES[sort] + path)


def _year(name: str) -> int | None:
    found = _YEAR.search(name)
    return int(found.group(1)) if found else None
