# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Publishes subtitles and sound tracks beside their video, with its stem, language and flags."""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass

from . import file_types, languages, numbers
from .builder import PlanBuilder
from .languages import TrackLabels
from .names import LIMIT, clip, fold, size, visible
from .selection import Item
from .titles import Titles


@dataclass(frozen=True)
class Pairing:
    """A subtitle with the stem of its video's target and its own labels."""

    item: Item
    stem: str
    labels: TrackLabels


def _low(text: str) -> str:
    return fold(visible(text))


def _parent_folders(item: Item) -> list[tuple[str, ...]]:
    """Return the folders that may contain the video of a subtitle, nearest first."""
    parents = item.parents
    folders = [parents]
    while parents:
        parents = parents[:-1]
        folders.append(parents)
    return folders


class Pairer:
    """Finds the video of each subtitle of one torrent."""

    def __init__(self, videos: list[Item], absent: list[Item], stems: dict[str, str], titles: Titles) -> None:
        """Index the published videos, and those that are not published now, by folder, stem, number and title."""
        self.titles = titles
        self.videos = [item for item in videos if item.path in stems] + absent
        # Where a subtitle's video is absent, no other video may get it.
        self.stems = {item.path: "" for item in absent} | stems
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
            for parents in _parent_folders(item):
                self._inside.setdefault(parents, []).append(item)

    @staticmethod
    def _prefix(low: str, stems: t.Mapping[str, Item]) -> tuple[Item | None, str]:
        """Return the video with the longest stem that begins the name, and the rest of the name."""
        end = len(low)
        while end > 0:
            if low[:end] in stems and (end == len(low) or not low[end].isalnum()):
                return stems[low[:end]], low[end:]
            end -= 1
        return None, ""

    def find(self, item: Item) -> Pairing | None:
        """Return the pairing of a subtitle with its video, None when the video is unknown or not published."""
        found = self._find(item)
        return found if found and found.stem else None

    def _find(self, item: Item) -> Pairing | None:
        low = _low(item.stem)
        for parents in _parent_folders(item):
            video, rest = self._prefix(low, self._by_folder.get(parents, {}))
            if video:
                return Pairing(item, self.stems[video.path], languages.read_tokens(rest)[0])
        for folder in reversed(item.parents):
            video = self._all.get(_low(folder))
            if video:
                return Pairing(item, self.stems[video.path], self._labels(item))
        video = self._by_number(item) or self._by_title(item) or self._only(item)
        return Pairing(item, self.stems[video.path], self._labels(item)) if video else None

    @staticmethod
    def _labels(item: Item) -> TrackLabels:
        """Read language and flags from a subtitle's name, else from its folder's."""
        labels, clean = languages.read_tokens(item.stem)
        labels = labels if clean else languages.read_end(item.stem)
        if not labels.language and len(item.parents) > 1:
            around, clean = languages.read_tokens(item.parents[-1])
            if clean and around.language:
                return TrackLabels(around.language, labels.flags or around.flags, around.region)
        return labels

    def _by_number(self, item: Item) -> Item | None:
        """Return the episode with the number in a subtitle's name or folder."""
        for text in (item.stem, *reversed(item.parents)):
            found = self._numbered(text)
            if found:
                near = [video for video in found if video.parents == item.parents[: len(video.parents)]]
                return (near or found)[0] if len(near or found) == 1 or near else None
        return None

    def _numbered(self, text: str) -> list[Item]:
        """Return the episodes with the number in a text; a number without season counts where it is unique."""
        number = numbers.full(text)
        if number:
            return self._numbers.get((number.season or 0, number.first), [])
        number = numbers.episode_only(text)
        found = [one for (_season, first), one in self._numbers.items() if number and first == number.first]
        return found[0] if len(found) == 1 else []

    def _by_title(self, item: Item) -> Item | None:
        """Return the film with the title in a subtitle's name or folder; of several versions the biggest."""
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
        """Return the only video in the nearest folder with videos, or the biggest version of the only film."""
        for parents in _parent_folders(item):
            inside = self._inside.get(parents, [])
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
    parts = (word, *pairing.labels.parts) if word else pairing.labels.parts
    return "".join(f".{part}" for part in parts)


def publish_subtitles(items: list[Item], pairer: Pairer, builder: PlanBuilder) -> list[Item]:
    """Publish subtitles and sound tracks; return those whose video is unknown."""
    unknown: list[Item] = []
    units: dict[tuple[tuple[str, ...], str], list[Item]] = {}
    for item in items:
        # An .idx and its .sub are one subtitle.
        pair = item.extension in (".idx", ".sub")
        units.setdefault((item.parents, fold(item.stem) if pair else item.path), []).append(item)
    paired = [(unit, pairer.find(unit[0])) for unit in units.values()]
    same = Counter((found.stem, found.labels.parts) for _unit, found in paired if found)
    for unit, found in paired:
        indexes = [item for item in unit if item.extension == file_types.SUBTITLE_INDEX]
        if not found or (indexes and len(unit) == 1):
            unknown.extend(unit)
            continue
        fresh = builder.record_present(unit)
        if not fresh:
            continue
        present = next((builder.find_existing(item) for item in unit if item not in fresh), "")
        several = same[found.stem, found.labels.parts] > 1
        target = present.rpartition(".")[0] if present else _target(found, unit, builder, several=several)
        for item in fresh:
            path = target + item.suffix
            if builder.is_taken(path):
                unknown.append(item)
            else:
                builder.add_link(item, path)
    return unknown


def _target(found: Pairing, unit: list[Item], builder: PlanBuilder, *, several: bool) -> str:
    """Return a free path beside the video: its stem, a word that distinguishes equal names, language and flags."""
    region = found.labels.region
    words = [region] if several and region else ["", region] if region else [""]
    folder, _slash, name = found.stem.rpartition("/")
    while True:
        for word in words:
            suffix = _suffix(found, word)
            path = f"{folder}/{clip(name, LIMIT - size(suffix) - 9)}{suffix}"
            if not any(builder.is_taken(path + item.suffix) for item in unit):
                return path
        words = [str(builder.copy_number(found.stem + _suffix(found, "")))]


def is_companion(item: Item) -> bool:
    """Return whether a file is published beside a video: a subtitle or a sound track."""
    return item.is_subtitle or item.extension in file_types.TRACK
