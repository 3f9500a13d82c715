# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Subtitles and sound tracks: beside their video, with its stem, language and flags."""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass

from . import file_types, languages, numbers
from .languages import Spoken
from .names import LIMIT, clip, fold, size, visible
from .selection import Item
from .shelf import Shelf
from .titles import Titles


@dataclass(frozen=True)
class Pairing:
    """A subtitle with its video and with the rest of its name."""

    item: Item
    stem: str
    spoken: Spoken


def _low(text: str) -> str:
    return fold(visible(text))


def _homes(item: Item) -> list[tuple[str, ...]]:
    """Return the folders in which the video of a subtitle may lie, nearest first."""
    parents = item.parents
    homes = [parents]
    while parents:
        parents = parents[:-1]
        homes.append(parents)
    return homes


class Pairer:
    """Finds the video of each subtitle of one torrent."""

    def __init__(self, videos: list[Item], stems: dict[str, str], titles: Titles) -> None:
        """Index the published videos by folder, stem, number and title."""
        self.titles = titles
        self.videos = [item for item in videos if item.path in stems]
        self.stems = stems
        self._by_folder: dict[tuple[str, ...], dict[str, Item]] = {}
        self._all: dict[str, Item] = {}
        self._numbers: dict[tuple[int, int], list[Item]] = {}
        self._names: dict[tuple[str, int | None], list[Item]] | None = None
        self._inside: dict[tuple[str, ...], list[Item]] = {}
        for item in self.videos:
            self._by_folder.setdefault(item.parents, {})[_low(item.stem)] = item
            self._all.setdefault(_low(item.stem), item)
            number = numbers.full(item.stem)
            if number:
                self._numbers.setdefault((number.season or 0, number.first), []).append(item)
            for home in _homes(item):
                self._inside.setdefault(home, []).append(item)

    @staticmethod
    def _prefix(low: str, stems: t.Mapping[str, Item]) -> tuple[Item | None, str]:
        """Find the longest stem that a name begins with, and return what follows it."""
        end = len(low)
        while end > 0:
            if low[:end] in stems and (end == len(low) or not low[end].isalnum()):
                return stems[low[:end]], low[end:]
            end -= 1
        return None, ""

    def find(self, item: Item) -> Pairing | None:
        """Return the video of a subtitle; None when it cannot be told."""
        low = _low(item.stem)
        for home in _homes(item):
            video, rest = self._prefix(low, self._by_folder.get(home, {}))
            if video:
                return Pairing(item, self.stems[video.path], languages.read_tokens(rest)[0])
        for folder in reversed(item.parents):
            video = self._all.get(_low(folder))
            if video:
                return Pairing(item, self.stems[video.path], self._spoken(item))
        video = self._by_number(item) or self._by_title(item) or self._only(item)
        return Pairing(item, self.stems[video.path], self._spoken(item)) if video else None

    @staticmethod
    def _spoken(item: Item) -> Spoken:
        """Read language and flags of a subtitle whose name does not begin with its video's; else of its folder."""
        spoken, clean = languages.read_tokens(item.stem)
        spoken = spoken if clean else languages.read_end(item.stem)
        if not spoken.language and len(item.parents) > 1:
            around, clean = languages.read_tokens(item.parents[-1])
            if clean and around.language:
                return Spoken(around.language, spoken.flags or around.flags, around.region)
        return spoken

    def _by_number(self, item: Item) -> Item | None:
        """Find the episode that a subtitle's name or folder numbers."""
        for text in (item.stem, *reversed(item.parents)):
            number = numbers.full(text)
            found = self._numbers.get((number.season or 0, number.first), []) if number else []
            if found:
                near = [video for video in found if video.parents == item.parents[: len(video.parents)]]
                return (near or found)[0] if len(near or found) == 1 or near else None
        return None

    def _by_title(self, item: Item) -> Item | None:
        """Find the film that a subtitle's name names; the biggest file where there are versions."""
        if self._names is None:
            self._names = {}
            for video in self.videos:
                if not numbers.full(video.stem):
                    name = self.titles.read(video.stem)
                    self._names.setdefault((name.title.casefold(), name.year), []).append(video)
        for text in (item.stem, *reversed(item.parents[1:])):
            name = self.titles.read(text)
            found = self._names.get((name.title.casefold(), name.year)) if name.title else None
            if found:
                return max(found, key=lambda video: video.size)
        return None

    def _only(self, item: Item) -> Item | None:
        """Find the only video around a subtitle, or the biggest where the others are versions of it."""
        for home in _homes(item):
            inside = self._inside.get(home, [])
            if not inside:
                continue
            folders = {self.stems[video.path].rpartition("/")[0] for video in inside}
            main = [video for video in inside if self.stems[video.path].count("/") == 2] or inside
            if len(inside) == 1 or (len(folders) == 1 and next(iter(folders)).startswith("movies/")):
                return max(main, key=lambda video: video.size)
            if len({self.stems[video.path].rpartition("/")[0] for video in main}) == 1 and main is not inside:
                return max(main, key=lambda video: video.size)
            return None
        return None


def _suffix(pairing: Pairing, word: str) -> str:
    parts = (word, *pairing.spoken.parts) if word else pairing.spoken.parts
    return "".join(f".{part}" for part in parts)


def publish_subtitles(
    items: list[Item], videos: list[Item], stems: dict[str, str], shelf: Shelf, titles: Titles
) -> list[Item]:
    """Publish subtitles and tracks; return those whose video is not known."""
    if not items:
        return []
    pairer = Pairer(videos, stems, titles)
    unknown: list[Item] = []
    units: dict[tuple[tuple[str, ...], str], list[Item]] = {}
    for item in items:
        # An index and its pictures are one subtitle.
        pair = item.extension in (".idx", ".sub")
        units.setdefault((item.parents, fold(item.stem) if pair else item.path), []).append(item)
    paired = [(unit, pairer.find(unit[0])) for unit in units.values()]
    same = Counter((found.stem, found.spoken.parts) for _unit, found in paired if found)
    for unit, found in paired:
        indexes = [item for item in unit if item.extension == file_types.SUBTITLE_INDEX]
        if not found or (indexes and len(unit) == 1):
            unknown.extend(unit)
            continue
        fresh = shelf.keep_present(unit)
        if not fresh:
            continue
        held = next((shelf.place(item) for item in unit if item not in fresh), "")
        several = same[found.stem, found.spoken.parts] > 1
        target = held.rpartition(".")[0] if held else _target(found, unit, shelf, several=several)
        for item in fresh:
            path = target + item.suffix
            if shelf.taken(path):
                unknown.append(item)
            else:
                shelf.put(item, path)
    return unknown


def _target(found: Pairing, unit: list[Item], shelf: Shelf, *, several: bool) -> str:
    """Return a free name beside the video: stem, a word where two would be equal, language and flags."""
    region = found.spoken.region
    words = [region] if several and region else ["", region] if region else [""]
    folder, _slash, name = found.stem.rpartition("/")
    while True:
        for word in words:
            suffix = _suffix(found, word)
            path = f"{folder}/{clip(name, LIMIT - size(suffix) - 9)}{suffix}"
            if not any(shelf.taken(path + item.suffix) for item in unit):
                return path
        words = [str(shelf.copy_number(found.stem + _suffix(found, "")))]


def is_companion(item: Item) -> bool:
    """Tell whether a file lies beside a video: a subtitle or a sound track."""
    return item.is_subtitle or item.extension in file_types.TRACK
