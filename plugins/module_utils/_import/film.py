# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Groups the videos of a torrent into films, and finds the films' titles."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from . import context, numbers, release
from .extras import extras_folder, kind_from_name
from .selection import Item
from .titles import INDEX, ParsedName, Titles, compact, separated

PART = re.compile(
    r"(?:[\s._\-\[(]+|(?<=[\])}]))(?P<word>cd|dvd|dis[ck]|part|pt)[\s._-]*(?P<number>[1-9]\d?|[a-d])(?![^\W_])[\])]?",
    re.IGNORECASE,
)
LAST_LETTER = re.compile(r"^(.*[^\W\d_])[\s._-]?([a-d1-4])$", re.IGNORECASE)
AFTER_YEAR = re.compile(
    r"[\s._)\]\-]*((?:vol|volume|chapter|episode|part|teil|parte|book)[\s._]*(?:\d{1,2}|[ivx]+|one|two|three|four|five|six))(?![^\W_])",
    re.IGNORECASE,
)
COLLECTION = re.compile(
    r"(?<![^\W_])(?:trilogy|duology|tetralogy|quadrilogy|pentalogy|hexalogy|collection|anthology|saga|box[\s._-]?set|"
    r"double[\s._-]feature|pack|films|movies|complete)(?![^\W_])",
    re.IGNORECASE,
)
EXTRA_SHARE = 0.4
SAMPLE_SHARE = 0.5


@dataclass(frozen=True)
class Video:
    """A main video with its parsed name; part is 0 when the film has one file."""

    item: Item
    name: ParsedName
    part: int = 0

    @property
    def suffix(self) -> str:
        """The suffix of a part in Jellyfin's form, empty when the video is no part."""
        if not self.part:
            return ""
        match = PART.search(f" {self.item.stem}") or PART.search(
            f" {self.item.parents[-1] if self.item.parents else ''}"
        )
        return f"-{'part' if match and match['word'].lower() in ('part', 'pt') else 'cd'}{self.part}"


@dataclass
class Film:
    """One film with its videos."""

    title: str
    year: int | None
    ids: tuple[str, ...] = ()
    videos: list[Video] = field(default_factory=list)


def film_key(title: str, year: int | None) -> tuple[str, int | None]:
    """Return the same key for all names of one film; punctuation that distinguishes films ("Mother!") stays."""
    text = re.sub(r"[\s._\-\u2013:]+", " ", title.casefold())
    text = re.sub(r"\s*&\s*", " and ", text)
    return re.sub(r"['\u2019`\u00b4,\"?*]", "", text).strip(), year


def part_of(stem: str, *, after: int) -> tuple[str, int]:
    """Read the part of a film from a name's end or from its tags; return the name without it, and its number."""
    for match in PART.finditer(stem, after):
        word, number = match["word"].lower(), match["number"].lower()
        if word == "dvd" and number in ("5", "9"):
            continue
        return stem[: match.start()] + stem[match.end() :], int(number) if number.isdigit() else ord(number) - 96
    return stem, 0


def folder_part(item: Item) -> int:
    """Read the part from a folder CD1, Disc 2."""
    match = context.PART_FOLDER.fullmatch(item.parents[-1].strip()) if len(item.parents) > 1 else None
    if not match:
        return 0
    number = match.group(1).lower()
    return int(number) if number.isdigit() else ord(number) - 96


def main_videos(items: list[Item], titles: Titles, biggest: int) -> tuple[list[Item], list[Item], dict[str, str]]:
    """Divide videos into main ones, samples, and extras with their folder."""
    samples = [item for item in items if item.has_sample_word and item.size < biggest * SAMPLE_SHARE]
    sample_paths = {item.path for item in samples}
    rest = [item for item in items if item.path not in sample_paths]
    extras: dict[str, str] = {}
    for item in rest:
        kind = extras_folder(item)
        if not kind and item.size < biggest:
            name = titles.read(item.stem)
            own = kind_from_name(item.stem, f" {name.tags}" if name.year else f" {item.stem}")
            kind = own if not (name.year and kind_from_name(name.title)) else kind_from_name(item.stem)
        if kind:
            extras[item.path] = kind
    main = [item for item in rest if item.path not in extras]
    if not main:
        # A torrent of extras only: its videos are the main ones.
        main, extras = [item for item in rest if not extras_folder(item)] or rest, {}
        extras = {}
    return main, samples, extras


class Films:
    """Groups the main videos of one torrent into films."""

    def __init__(self, torrent_name: str, titles: Titles) -> None:
        """Set the torrent's name, which completes the files' names."""
        self.torrent_name = torrent_name
        self.titles = titles
        self.extras: dict[str, str] = {}
        self._folders_indexed = False

    def group(self, items: list[Item]) -> list[Film]:
        """Return the films; videos that are extras are added to self.extras."""
        self.titles.expect(len(items))
        indexed = self._indexed([item.stem for item in items])
        self._folders_indexed = self._indexed(sorted({item.parents[1] for item in items if len(item.parents) > 1}))
        own: list[Video] = []
        unnamed: dict[tuple[str, ...], list[Item]] = {}
        for item in items:
            stem = INDEX.sub("", item.stem, count=1) if indexed else item.stem
            name = self.titles.read(stem)
            if name.year and name.title and not context.is_hash(item.stem):
                own.append(self._video(item, name))
            else:
                unnamed.setdefault(self._film_folder(item), []).append(item)
        films: dict[tuple[str, int | None], Film] = {}
        for video in own:
            self._add(films, video)
        for folder, peers in unnamed.items():
            alone = len(items) == len(peers)
            beside = {film_key(video.name.title, video.name.year) for video in own if video.item.parents == folder}
            for video in self._unnamed(folder, peers, indexed=indexed, alone=alone, beside=beside):
                self._add(films, video)
        return list(films.values())

    def _add(self, films: dict[tuple[str, int | None], Film], video: Video) -> None:
        name = video.name
        film = films.setdefault(film_key(name.title, name.year), Film(name.title, name.year))
        film.ids = film.ids or name.ids
        film.videos.append(video)

    @staticmethod
    def _indexed(names: list[str]) -> bool:
        """Return whether the names of a collection are numbered: "1. Iron Man", "2. Iron Man 2"."""
        found = [match.group(1) for match in map(INDEX.match, names) if match]
        return len(found) > 1 and len(found) == len(names) and len(set(found)) == len(found)

    def _video(self, item: Item, name: ParsedName) -> Video:
        """Read part and provider ids from the name and from the folders."""
        _rest, part = part_of(name.tags, after=0)
        apart = numbers.full(name.tags) or AFTER_YEAR.match(name.tags)
        if apart and not part:
            # Several films of one name and year: they must not become versions of each other.
            text = apart.code if isinstance(apart, numbers.Number) else separated(apart.group(1))
            name = replace(name, title=f"{name.title} {text}")
        return Video(item, self._completed(item, name), part or folder_part(item))

    def _completed(self, item: Item, name: ParsedName) -> ParsedName:
        """Complete a name from the folders of the same film: provider ids, and the spelling of lower-case titles."""
        for text in context.surroundings(item, self.torrent_name):
            around = self.titles.read(text)
            if film_key(around.title, around.year) == film_key(name.title, name.year):
                title = around.title if name.title == name.title.lower() else name.title
                name = replace(name, title=title, ids=name.ids or around.ids)
        return name

    def _film_folder(self, item: Item) -> tuple[str, ...]:
        """Return the folder of a film, above the folders of its parts."""
        parents = item.parents
        while len(parents) > 1 and context.is_structure(parents[-1]):
            parents = parents[:-1]
        return parents

    def _around(self, item: Item) -> ParsedName | None:
        """Return the name of the nearest folder (or torrent) with a year, else of the nearest with a title."""
        texts = [text for text in context.surroundings(item, self.torrent_name) if not context.is_structure(text)]
        if self._folders_indexed:
            texts = [INDEX.sub("", text, count=1) for text in texts]
        names = [self.titles.read(text) for text in texts]
        names = [name for name in names if name.title and (name.year or not context.is_generic(name.title))]
        return next((name for name in names if name.year), names[0] if names else None)

    def _unnamed(
        self,
        folder: tuple[str, ...],
        peers: list[Item],
        *,
        indexed: bool,
        alone: bool,
        beside: set[tuple[str, int | None]],
    ) -> list[Video]:
        """Name the videos of one folder whose names have no year; ``beside`` are the films there that have one."""
        around = self._around(peers[0]) if folder or self.torrent_name != peers[0].name else None
        parts = self._parts(peers)
        if around and beside and film_key(around.title, around.year) not in beside:
            # A folder of several films bears the name of none.
            around = None
        if around and (len(peers) == 1 or parts):
            return [
                self._name_from_folder(item, around, parts.get(item.path, 0), only=len(peers) == 1 or bool(parts))
                for item in peers
            ]
        if around and around.year and not COLLECTION.search(around.title):
            biggest = max(peers, key=lambda item: item.size)
            small = [item for item in peers if item.size < biggest.size * EXTRA_SHARE]
            same = [item for item in peers if item not in small and self._matches_folder(item, around)]
            if alone and (len(small) == len(peers) - 1 or same):
                self.extras.update({item.path: "extras" for item in small if not self._matches_folder(item, around)})
                peers = [item for item in peers if item.path not in self.extras]
                return [
                    self._name_from_folder(item, around, 0, only=len(peers) == 1)
                    if self._matches_folder(item, around) or len(peers) == 1
                    else self._name_from_file(item, indexed=indexed)
                    for item in peers
                ]
        return [self._name_from_file(item, indexed=indexed, part=parts.get(item.path, 0)) for item in peers]

    def _parts(self, peers: list[Item]) -> dict[str, int]:
        """Return the part numbers when the names differ only by a number, or when the folders are parts."""
        by_folder = {item.path: folder_part(item) for item in peers}
        if all(by_folder.values()):
            return by_folder if len(set(by_folder.values())) == len(peers) else {}
        named = {item.path: part_of(item.stem, after=0) for item in peers}
        rests = {rest.casefold() for rest, _number in named.values()}
        if all(number for _rest, number in named.values()) and len(rests) == 1:
            return {path: number for path, (_rest, number) in named.items()}
        around = self._around(peers[0])
        if len(peers) < 2 or not around or not around.year or COLLECTION.search(around.title):
            return {}
        letters = {item.path: LAST_LETTER.match(item.stem) for item in peers}
        heads = {match.group(1).casefold() for match in letters.values() if match}
        if all(letters.values()) and len(heads) == 1 and (" " not in next(iter(heads))):
            ends = {path: match.group(2).lower() for path, match in letters.items() if match}
            return {path: int(end) if end.isdigit() else ord(end) - 96 for path, end in ends.items()}
        return {}

    def _matches_folder(self, item: Item, around: ParsedName) -> bool:
        """Return whether a file's own title is generic or equals its folder's."""
        title = compact(self.titles.read(item.stem).title)
        return not title or context.is_generic(title) or title == compact(around.title)

    def _name_from_folder(self, item: Item, around: ParsedName, part: int, *, only: bool) -> Video:
        """Name a file after its folder, unless its own title is complete."""
        own = self.titles.film(part_of(item.stem, after=0)[0] if part else item.stem)
        nothing = context.is_generic(own.title) or context.is_hash(item.stem)
        if around.year or nothing or not own.bounded or self._is_abbreviation(own, around):
            tags = f"{own.title} {own.tags}" if release.only_edition(own.title) else own.tags
            tags = f"{tags} {around.tags}" if only else tags
            return Video(item, ParsedName(around.title, around.year, tags, own.ids or around.ids, bounded=True), part)
        return Video(item, own, part)

    @staticmethod
    def _is_abbreviation(own: ParsedName, around: ParsedName) -> bool:
        """Return whether a file's name abbreviates its folder's: grp-cosmo in Cosmopolis.2012."""
        return (
            around.bounded
            and " " not in own.title
            and own.title == own.title.lower()
            and len(around.title) > len(own.title)
        )

    def _name_from_file(self, item: Item, *, indexed: bool, part: int = 0) -> Video:
        """Name a file by its own title, or by its folders when that is generic."""
        stem = INDEX.sub("", item.stem, count=1) if indexed else item.stem
        name = self.titles.film(part_of(stem, after=0)[0] if part else stem)
        if not name.title or context.is_generic(name.title):
            around = self._around(item)
            return Video(item, around or replace(name, title=name.title or "Untitled"), part)
        return Video(item, name, part)


def edition_labels(video: Video) -> list[str]:
    """Return the editions of a video, which are always part of its file's name."""
    return release.editions(f" {video.name.tags}")
