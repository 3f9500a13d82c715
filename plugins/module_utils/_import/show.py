# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Reads the show and the number of a video."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from . import context, extras, numbers, release
from .model import Torrent
from .names import visible
from .numbers import Number
from .selection import Item
from .titles import GROUP, YEAR, ParsedName, Titles, compact, separated, take_ids, without_group, without_site, years

COMPLETE = re.compile(
    r"[\s._\-(\[]+(?:the[\s._])?(?:complete|integrale?|komplett)(?![^\W_]).*$|[\s._\-(\[]+(?:mini-?series|tv[\s._]series)[\s._)\]]*$",
    re.IGNORECASE,
)
YEAR_AT_END = re.compile(r"[\s._\-(\[]+((?:19|20)\d{2})[\s._\-)\]]*$")
EPISODE_SPAN = re.compile(
    r"[\s._]*\(\d{1,4}\s?[-~\u2013]\s?\d{1,4}\)(?<!\(\d{4}-\d{4}\)).*$|\s\d{2,4}\s?[-~]\s?\d{2,4}$"
)
TRAILING_BRACKETS = re.compile(r"(?<=[^\W_])\s*\[[^\[\]]*\].*$")
FIRST_YEAR = 1920
# Title of a show whose name is unknown.
UNKNOWN = "Unknown"
EMPTY = re.compile(r"[\[({][^\])}]*$")


@dataclass(frozen=True)
class Episode:
    """An episode, or a special without number (number.first is 0 and there is no date)."""

    item: Item
    show: ParsedName
    number: Number
    tags: str = ""

    @property
    def is_numbered(self) -> bool:
        """Whether it has a number or a date."""
        return bool(self.number.date or self.number.first > 0 or self.number.end)


@lru_cache(maxsize=1 << 15)
def show_key(title: str) -> str:
    """Return the same key for all spellings of one show."""
    return compact(re.sub(r"\s*&\s*", " and ", title))


@lru_cache(maxsize=1 << 15)
def show_title(head: str, this_year: int, *, whole: bool) -> ParsedName:
    """Read the show from the part of a name before the number, or from a folder's name (whole)."""
    text, ids = take_ids(without_site(head))
    rest = GROUP.sub("", text, count=1)
    # "[Group][Show][05]": the second brackets hold the title.
    inner = re.match(r"\[([^\[\]]+)\]", rest)
    text = inner.group(1) if inner and rest != text else without_group(text)
    text = EPISODE_SPAN.sub("", text)
    season = numbers.season_of(text)
    if season and re.search(r"[^\W_]", text[: season.start]):
        text = text[: season.start]
    text = text[: release.stop(text)]
    text = COMPLETE.sub("", text) or text
    text = EMPTY.sub("", text) or text
    text = TRAILING_BRACKETS.sub("", text) if whole else text
    title, year = text, None
    found = years(text, this_year)
    at_end = YEAR_AT_END.search(text)
    if whole and found:
        title, year = text[: found[-1].start()], int(found[-1].group(1))
    elif found and at_end:
        title, year = text[: at_end.start()], int(at_end.group(1))
        if not FIRST_YEAR <= year <= this_year:
            title, year = text, None
    name = separated(title)
    if YEAR.fullmatch(name):
        # Jellyfin 10.11 reads the show "1923" from "1923", but not from "1923 (2022)".
        year = None
    return ParsedName(name, year, "", ids)


class Shows:
    """Reads the videos of one torrent as episodes."""

    def __init__(self, torrent: Torrent, titles: Titles, items: list[Item]) -> None:
        """Index the numbers that several videos have in common."""
        self.torrent = torrent
        self.titles = titles
        self.this_year = titles.this_year
        self._leading = self._leading_numbers(items)
        self._seasons: dict[tuple[str, ...], int | None] = {}
        self._around: dict[tuple[str, ...], ParsedName | None] = {}
        self._read: dict[str, Episode | None] = {}
        self._count: dict[tuple[str, ...], int] = {}
        for item in items:
            self._count[item.parents] = self._count.get(item.parents, 0) + 1

    @staticmethod
    def _leading_numbers(items: list[Item]) -> set[tuple[str, ...]]:
        """Return the folders whose files begin with different numbers."""
        found: dict[tuple[str, ...], list[str]] = {}
        for item in items:
            match = numbers.LEADING.match(item.stem)
            if match:
                found.setdefault(item.parents, []).append(match.group(1))
        return {parents for parents, values in found.items() if len(values) > 1 and len(set(values)) == len(values)}

    def season_around(self, item: Item) -> int | None:
        """Return the season in the nearest folder's name that has one."""
        if item.parents not in self._seasons:
            found = (numbers.season_of(text) for text in context.surroundings(item, self.torrent.name))
            self._seasons[item.parents] = next((one.number for one in found if one and one.number is not None), None)
        return self._seasons[item.parents]

    def show_around(self, item: Item) -> ParsedName | None:
        """Return the show in the nearest folder's name that has one."""
        if item.parents not in self._around:
            self._around[item.parents] = self._read_around(item)
        return self._around[item.parents]

    def _read_around(self, item: Item) -> ParsedName | None:
        for text in context.surroundings(item, self.torrent.name):
            if context.is_structure(text):
                continue
            number = numbers.full(text) or numbers.dated(text)
            name = show_title(visible(text[: number.start] if number else text), self.this_year, whole=not number)
            if name.title and not context.is_generic(name.title):
                return name
        return None

    def read(self, item: Item) -> Episode | None:
        """Read a video as an episode or a special; None when the names have no number."""
        if item.path not in self._read:
            self._read[item.path] = self._read_item(item)
        return self._read[item.path]

    def _read_item(self, item: Item) -> Episode | None:
        text = without_site(visible(item.stem))
        season = self.season_around(item)
        number = numbers.full(text) or numbers.dated(text)
        if not number and context.is_hash(item.stem):
            return self._by_folder(item)
        number = number or self._weak(item, text, season)
        if not number:
            return self._by_folder(item) if self._count.get(item.parents) == 1 else None
        if number.first < 0:
            number = Number(season=0, start=number.start, end=0)
        head = text[: number.start]
        head, own_season = numbers.season_of_title(head.rstrip(" -_.[(")) if number.season is None else (head, None)
        if number.season is None:
            inside = numbers.season_of(head)
            if own_season is None and inside and re.search(r"[^\W_]", head[: inside.start]):
                own_season = inside.number
            number = self._with_season(number, own_season if own_season is not None else season)
        show = self._show(item, head)
        if number.date and show.year == number.season and not YEAR.search(head):
            # The year of a folder "News 2024" is the season.
            show = replace(show, year=None)
        return Episode(item, show, number, text[number.end :])

    def _with_season(self, number: Number, season: int | None) -> Number:
        """Add the season to a number; 102 in season 1 is episode 2."""
        if season and 100 <= number.first < 10000 and number.first // 100 == season and number.first == number.last:
            return replace(number, season=season, first=number.first % 100, last=number.first % 100)
        return replace(number, season=1 if season is None else season)

    def _weak(self, item: Item, text: str, season: int | None) -> Number | None:
        """Read a number without season."""
        if item.parents in self._leading:
            return numbers.bare(text, season)
        if numbers.is_fansub(text):
            return (
                numbers.special(text) or numbers.fansub(text) or numbers.episode_only(text) or numbers.unnumbered(text)
            )
        return (
            numbers.episode_only(text)
            or numbers.of_television(text)
            or numbers.fansub(text)
            or numbers.special(text)
            or numbers.dated_closely(text)
            or numbers.part(text)
            or numbers.bare(text, season)
            or numbers.unnumbered(text)
        )

    def _by_folder(self, item: Item) -> Episode | None:
        """Read the number from the folders of a file whose own name has none."""
        for text in context.surroundings(item, self.torrent.name):
            clean = without_site(visible(text))
            number = numbers.full(clean) or numbers.dated(clean)
            if not number and text.lstrip().startswith("["):
                number = numbers.fansub(clean)
                number = number and self._with_season(number, None)
            if number:
                show = show_title(clean[: number.start], self.this_year, whole=False)
                return Episode(item, show, number, clean[number.end :])
        return None

    def _show(self, item: Item, head: str) -> ParsedName:
        """Return the show of a file: from its own name, completed from its folders."""
        own = show_title(re.sub(r"[\[({]+\s*$", "", head), self.this_year, whole=False)
        around = self.show_around(item)
        if (
            not own.title
            or context.is_generic(own.title)
            or (around and self._is_abbreviation(own.title, around.title))
        ):
            return around or replace(own, title=own.title or UNKNOWN)
        if around and show_key(around.title) == show_key(own.title):
            poor = own.title == own.title.lower() and len(around.title) >= len(own.title)
            spelled = around.title if poor else own.title
            return replace(own, title=spelled, year=own.year or around.year, ids=own.ids or around.ids)
        return own

    @staticmethod
    def _is_abbreviation(own: str, around: str) -> bool:
        """Return whether a file's name abbreviates its folder's: grp-got in Game.of.Thrones.S01."""
        words = around.casefold().split()
        full, initials = compact(around), "".join(word[0] for word in words)
        if " " in own or own != own.lower() or own == full:
            return False
        group, _hyphen, tail = own.rpartition("-")
        if tail == full or (group and tail in words):
            return True
        return 1 < len(tail) < len(full) and tail in (initials, full[: len(tail)])

    def special(self, item: Item) -> Episode:
        """Return a video without number as a special of its show."""
        own = show_title(visible(item.stem), self.this_year, whole=True)
        return Episode(item, self.show_around(item) or (own if own.title else ParsedName(UNKNOWN)), Number(season=0))

    def show_of_extra(self, item: Item) -> ParsedName | None:
        """Return the show of an extra: from its folders, else from the beginning of its own name."""
        around = self.show_around(item)
        if around:
            return around
        text = visible(item.stem)
        word = numbers.CREDITLESS.search(text)
        own = show_title(text[: word.start()] if word else extras.before_extra(text), self.this_year, whole=False)
        return own if own.title and not context.is_generic(own.title) else None


def extra_kind(item: Item) -> str:
    """Return the folder of a show's extra, empty for an episode; a video with a full number is an episode."""
    if numbers.full(item.stem) or numbers.dated(item.stem):
        return ""
    kind = extras.extras_folder(item)
    if not kind and not (numbers.is_fansub(item.stem) and numbers.fansub(item.stem)):
        kind = extras.kind_from_name(item.stem, f" {item.stem}") or (
            "other" if numbers.CREDITLESS.search(item.stem) else ""
        )
    return "other" if kind == "extras" else kind
