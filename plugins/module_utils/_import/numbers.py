# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Reads the number or the date of an episode from a name."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from functools import lru_cache

L = r"(?<![^\W_])"
R = r"(?![^\W_])"
SEASON_WORD = (
    r"(?:season|saison|staffel|temporada|temp|stagione|seizoen|s\xe4song|s\xe6son|sezon|sezonul|"
    r"\u0441\u0435\u0437\u043e\u043d|series|serie)"
)
EPISODE_WORD = (
    r"(?:episode|episodio|\xe9pisode|epis\xf3dio|episod|epizoda|folge|aflevering|avsnitt|afsnit|odcinek|jakso|"
    r"cap[i\xed]tulo|capitolo|cap|puntata|\u0441\u0435\u0440\u0438\u044f|\u0432\u044b\u043f\u0443\u0441\u043a|ep)"
)
WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12,
}  # fmt: skip
ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6, "vii": 7, "viii": 8, "ix": 9, "x": 10}
NUMBER_WORD = "|".join(WORDS)

# S01E02, S01.E02, S6.Ep5, S01xE02, s1e1, S2019E05; FULL_MORE extends it to a range.
FULL = re.compile(rf"{L}S(\d{{1,4}})[\s._\-\[\]x]*(?:E|EP|Episode)[\s._]*(\d{{1,4}})(?!\d)", re.IGNORECASE)
FULL_MORE = re.compile(
    r"(?:[\s._]*[-\u2013~+&][\s._]*|[\s._]+|)(?:S\d{1,4}[\s._]*)?EP?[\s._]*(\d{1,4})(?!\d)|-(\d{2,4})(?![\dpix])",
    re.IGNORECASE,
)
# 1x03, 2x04.2x05, 1x01-02; x264 and x265 are codecs.
CROSS = re.compile(
    rf"{L}(?!4x4(?!\d))(\d{{1,2}}(?=x)|(?:19|20)\d{{2}}(?=x\d\d(?!\d)))x(\d{{1,3}})(?!\d)(?<!x264)(?<!x265)",
    re.IGNORECASE,
)
CROSS_MORE = re.compile(
    r"[\s._\-+&]*(?<!\d)\d{1,2}x(\d{2,3})(?!\d)(?<!x264)(?<!x265)|-(\d{2,3})(?![\dpix])", re.IGNORECASE
)
SEASON_EPISODE = re.compile(
    rf"{L}{SEASON_WORD}[\s._]*(\d{{1,4}})(?!\d)[\W_]{{0,4}}(?:E|{EPISODE_WORD})[\s._]*(\d{{1,4}})(?!\d)", re.IGNORECASE
)
SEASON_EPISODE_MORE = re.compile(r"\s*[-\u2013&]\s*(?:E|EP)?(\d{1,4})(?![\dpix])", re.IGNORECASE)
CAP = re.compile(rf"{L}cap[\s._]*(\d{{1,2}})(\d{{2}})(?:[\s._\-]+(?:\d{{1,2}})?(\d{{2}}))?(?!\d)", re.IGNORECASE)
SPECIAL_NUMBER = re.compile(rf"{L}(?:SP|special|OVA|OAD|ONA)[\s._\-]*(\d{{1,2}})(?:v\d)?{R}(?!\.\d)", re.IGNORECASE)
CREDITLESS = re.compile(rf"{L}(?:nc[\s._-]?(?:op|ed)|creditless|menu|pv|cm|preview)\s?\d*[a-z]?{R}", re.IGNORECASE)
SPECIAL_WORD = re.compile(rf"{L}(?:specials?|OVAs?|OADs?){R}", re.IGNORECASE)
EPISODE_ONLY = re.compile(rf"{L}(?:E|{EPISODE_WORD})[\s._#]*(\d{{1,4}})(?:v\d)?{R}", re.IGNORECASE)
EPISODE_ONLY_MORE = re.compile(r"\s*[-\u2013&]\s*(?:E|EP)?(\d{1,4})(?![\dpix])", re.IGNORECASE)
# Chinese, Japanese and Korean write no blanks around them: 第03集, 第5話, 3화; 第二季, 第2期, 시즌 2.
CJK_DIGITS = {letter: number for number, letter in enumerate("一二三四五六七八九十", 1)}
CJK_EPISODE = re.compile(r"第\s*(\d{1,4})\s*[集话話回]|(?<!\d)(\d{1,4})\s*[화회](?!\w)")
CJK_SEASON = re.compile(r"第\s*(\d{1,2}|[一二三四五六七八九十])\s*[季期]|(?:시즌|シーズン)\s*(\d{1,2})(?!\d)")
OF = re.compile(rf"{L}(?:part[\s._]*)?(\d{{1,2}})[\s._]?of[\s._]?(\d{{1,2}}){R}", re.IGNORECASE)
PART = re.compile(
    rf"{L}(?:part|pt|parte|teil|partie|chapter)[\s._]*(\d{{1,2}}|{NUMBER_WORD}|[ivx]{{1,4}}){R}", re.IGNORECASE
)
YMD = re.compile(r"(?<!\d)(19\d{2}|20\d{2})([\s._-])(\d{1,2})\2(\d{1,2})(?!\d)")
# Two digits each: "Fahrenheit.9.11.2004" and "Pelham.1.2.3.2009" are films.
DMY = re.compile(r"(?<!\d)(\d{2})([._-])(\d{2})\2(19\d{2}|20\d{2})(?!\d)")
YMD_CLOSE = re.compile(rf"{L}(20\d{{2}})(\d{{2}})(\d{{2}}){R}")
# "- 05", "- 05v2", "- 01-02", "- 06.5"; a bracket, a dash, END or the end of the name follows.
DASHED = re.compile(
    r"(?:^|\s)[-\u2013]\s+(?:#|E|EP)?(\d{1,4})(?:\s?[-~]\s?(\d{1,4}))?(?:\.(\d))?\s?(?:v\d)?"
    r"(?=\s*$|\s*[\[(]|\s+[-\u2013]\s|\s+(?:END|FIN)\b|\s*$)",
    re.IGNORECASE,
)
DASHED_TEXT = re.compile(r"\s[-\u2013]\s(\d{2,3})(?:v\d)?(?=\s)")
BRACKETED = re.compile(
    r"[\[\u3010]\s*(?:#|E|EP|\u7b2c)?(\d{2,3})(?:v\d|\s?END|\u8a71|\u8bdd|\u96c6)?\s*[\]\u3011]", re.IGNORECASE
)
BEFORE_BRACKET = re.compile(r"\s(0\d|\d{2,3})(?:v\d)?(?=\s*(?:[\[(]|$))")
LEADING = re.compile(r"^\s*(\d{1,3})(?:\s?[-~]\s?(\d{2,3}))?(?=[\s._\-)]|$)")
HYPHENED = re.compile(rf"{L}(\d{{1,2}})-(\d{{2}}){R}")
TRAILING = re.compile(r"[\s._-](\d{1,4})\s*$")
THREE = re.compile(rf"{L}(\d{{1,2}})(\d{{2}}){R}")
TELEVISION = re.compile(rf"{L}(?:HDTV|PDTV|DSR|TV-?Rip|SDTV|DTTV){R}", re.IGNORECASE)
THREE_BEFORE = re.compile(
    r"[\s._-]([1-9])(\d{2})(?:[\s._-]+(?:480p|576p|720p|1080[ip]|PROPER|REPACK))*[\s._-]*$", re.IGNORECASE
)
QUALITY = re.compile(r"(?<!\d)(?:480|540|576|720|1080|1440|2160|264|265)(?!\d)")

SEASON_IN_TITLE = re.compile(
    rf"[\s._\-(\[]+(?:S(\d{{1,2}})|(\d{{1,2}})(?:st|nd|rd|th)[\s._]season|{SEASON_WORD}[\s._]*(\d{{1,2}}))[\s._\-)\]]*$",
    re.IGNORECASE,
)
_SEASONS = (
    r"S(\d{1,4})(?!\d)",
    rf"{SEASON_WORD}[\s._\-]*(\d{{1,4}})(?!\d)",
    rf"(\d{{1,2}})(?:st|nd|rd|th|\.)[\s._]*{SEASON_WORD}",
    rf"{SEASON_WORD}[\s._]+({NUMBER_WORD})",
)
SEASON = re.compile(rf"{L}(?:{'|'.join(_SEASONS)}){R}", re.IGNORECASE)
SPECIALS = re.compile(r"^\W*(?:the[\s._])?specials?\W*$|^\W*season[\s._]*0+\W*$|^\W*S00\W*$", re.IGNORECASE)
SEASON_SPAN = re.compile(r"\s?(?:[-\u2013&+]|to|and|bis)\s?(?:S|season\s?)?\d{1,2}(?!\d)", re.IGNORECASE)


@dataclass(frozen=True)
class Number:
    """Number of an episode: season (None when the name has none), first and last number, or an ISO date."""

    first: int = 0
    last: int = 0
    season: int | None = None
    date: str = ""
    # Position in the name.
    start: int = 0
    end: int = 0

    @property
    def code(self) -> str:
        """The number in the form that Jellyfin 10.11 and 12.0 read."""
        if self.date:
            return self.date
        code = f"S{self.season or 0:02d}E{self.first:02d}"
        return code if self.last <= self.first else f"{code}-E{self.last:02d}"


@dataclass(frozen=True)
class Season:
    """A season in a folder's name; number is None for several seasons."""

    number: int | None
    start: int
    end: int


def _range(text: str, start: int, first: int, more: re.Pattern[str]) -> tuple[int, int]:
    """Return the last number of a range and the position of its end."""
    last = first
    while True:
        match = more.match(text, start)
        number = next((int(group) for group in match.groups() if group), 0) if match else 0
        if not match or not last <= number <= last + 60:
            return last, start
        last, start = number, match.end()


@lru_cache(maxsize=1 << 15)
def full(text: str) -> Number | None:
    """Read a number with its season: SxxEyy, 1x02, Season 1 Episode 2, Cap.102."""
    for pattern, more in ((FULL, FULL_MORE), (SEASON_EPISODE, SEASON_EPISODE_MORE), (CROSS, CROSS_MORE)):
        match = pattern.search(text)
        if match:
            first = int(match.group(2))
            last, end = _range(text, match.end(), first, more)
            return Number(first, last, int(match.group(1)), "", match.start(), end)
    match = CAP.search(text)
    if match:
        first = int(match.group(2))
        return Number(first, int(match.group(3) or first), int(match.group(1)), "", match.start(), match.end())
    return None


@lru_cache(maxsize=1 << 15)
def dated(text: str) -> Number | None:
    """Read a date: yyyy-mm-dd with any separator, or dd.mm.yyyy."""
    return _dated(text, ((YMD, (1, 3, 4)), (DMY, (4, 3, 1))))


def dated_closely(text: str) -> Number | None:
    """Read a date without separators. Cameras' files have such dates too, so use it only when the kind is known."""
    return _dated(text, ((YMD_CLOSE, (1, 2, 3)),))


def _dated(text: str, forms: tuple[tuple[re.Pattern[str], tuple[int, int, int]], ...]) -> Number | None:
    for pattern, order in forms:
        for match in pattern.finditer(text):
            year, month, day = (int(match.group(index)) for index in order)
            try:
                date = datetime.date(year, month, day)
            except ValueError:
                continue
            return Number(season=year, date=date.isoformat(), start=match.start(), end=match.end())
    return None


def is_fansub(text: str) -> bool:
    """Return whether a name begins with a group in brackets."""
    return text.lstrip().startswith(("[", "\u3010"))


def dashed(text: str) -> Number | None:
    """Read a number of two or three digits after a dash: "Naruto - 05"."""
    match = DASHED.search(text)
    if match and len(match.group(1)) in (2, 3) and re.search(r"[^\W_]", text[: match.start()]):
        return Number(int(match.group(1)), int(match.group(1)), None, "", match.start(), match.end())
    return None


def of_television(text: str) -> Number | None:
    """Read 102 as season 1, episode 2, when a tag marks a recording from television."""
    tag = TELEVISION.search(text)
    match = THREE_BEFORE.search(text[: tag.start()]) if tag else None
    if not match or not re.search(r"[^\W_]", text[: match.start()]):
        return None
    return Number(int(match.group(2)), int(match.group(2)), int(match.group(1)), "", match.start(), match.end())


@lru_cache(maxsize=1 << 15)
def fansub(text: str) -> Number | None:
    """Read the number of a name in the form of fansub groups; season is None, for a half number (06.5) 0."""
    text = text.replace("_", " ")
    text = text if " " in text else text.replace(".", " ")
    for pattern in (DASHED, DASHED_TEXT, BRACKETED, BEFORE_BRACKET):
        for match in pattern.finditer(text):
            first = int(match.group(1))
            if pattern is BEFORE_BRACKET and len(match.group(1)) == 3 and not is_fansub(text):
                continue
            groups = match.groups()
            last = int(groups[1]) if len(groups) > 1 and groups[1] and int(groups[1]) > first else first
            if len(groups) > 2 and groups[2]:
                return Number(season=0, start=match.start(), end=match.end(), first=-1)
            if not (1900 <= first <= 2099) and match.start() > 0 and not QUALITY.search(match.group()):
                return Number(first, last, None, "", match.start(), match.end())
    return None


@lru_cache(maxsize=1 << 15)
def season_of_title(title: str) -> tuple[str, int | None]:
    """Split a season from the end of a title: "Made in Abyss S2", "Mushoku Tensei 2nd Season"."""
    match = SEASON_IN_TITLE.search(title)
    if not match or not re.search(r"[^\W_]", title[: match.start()]):
        return title, None
    return title[: match.start()], next(int(group) for group in match.groups() if group)


@lru_cache(maxsize=1 << 15)
def episode_only(text: str) -> Number | None:
    """Read a number with a word for episode but no season: E03, Ep 5, Folge 7, Cap 3, 第3集, 2of6."""
    match = EPISODE_ONLY.search(text)
    if match:
        first = int(match.group(1))
        last, end = _range(text, match.end(), first, EPISODE_ONLY_MORE)
        return Number(first, last, None, "", match.start(), end)
    match = CJK_EPISODE.search(text)
    if match:
        first = int(match.group(1) or match.group(2))
        return Number(first, first, None, "", match.start(), match.end())
    match = OF.search(text)
    if match and 0 < int(match.group(1)) <= int(match.group(2)) > 2:
        return Number(int(match.group(1)), int(match.group(1)), None, "", match.start(), match.end())
    return None


def special(text: str) -> Number | None:
    """Read the number of a special: SP1, OVA 2, Special 3."""
    match = SPECIAL_NUMBER.search(text)
    return match and Number(int(match.group(1)), int(match.group(1)), 0, "", match.start(), match.end())


def unnumbered(text: str) -> Number | None:
    """Find the word of a special without number (OVA, creditless opening); the number is -1."""
    match = SPECIAL_WORD.search(text) or CREDITLESS.search(text)
    return match and Number(-1, -1, 0, "", match.start(), match.start())


def part(text: str) -> Number | None:
    """Read the part of a mini-series, whose parts are its episodes."""
    for match in PART.finditer(text):
        word = match.group(1).lower()
        number = int(word) if word.isdigit() else WORDS.get(word, ROMAN.get(word, 0))
        if number:
            return Number(number, number, None, "", match.start(), match.end())
    return None


def bare(text: str, season: int | None) -> Number | None:
    """Read a number without any word: "01 - Title", "Show 102". Use it only for files that are known episodes."""
    match = LEADING.match(text)
    if match and (season is not None or len(match.group(1)) < 3):
        first, last = int(match.group(1)), int(match.group(2) or match.group(1))
        if season and len(match.group(1)) == 3 and first // 100 == season:
            first = last = first % 100
        return Number(first, max(first, last), None, "", match.start(), match.end())
    match = HYPHENED.search(text)
    if match and season is not None and int(match.group(1)) == season:
        return Number(int(match.group(2)), int(match.group(2)), season, "", match.start(), match.end())
    end = QUALITY.search(text)
    head = text[: end.start()] if end else text
    for match in THREE.finditer(head):
        number = int(match.group(1)) if match.start() else 0
        if (number and number == season) or (season is None and number and not 1900 <= int(match.group()) <= 2099):
            return Number(int(match.group(2)), int(match.group(2)), number, "", match.start(), match.end())
    match = TRAILING.search(head.rstrip(" ._-[("))
    if match and not 1900 <= int(match.group(1)) <= 2099:
        return Number(int(match.group(1)), int(match.group(1)), None, "", match.start(), match.end())
    return None


@lru_cache(maxsize=1 << 15)
def season_of(folder: str) -> Season | None:
    """Read the season in a folder's or torrent's name."""
    if SPECIALS.match(folder):
        return Season(0, 0, len(folder))
    for match in SEASON.finditer(folder):
        if SEASON_SPAN.match(folder, match.end()):
            return Season(None, match.start(), match.end())
        word = next(group for group in match.groups() if group)
        return Season(int(word) if word.isdigit() else WORDS[word.lower()], match.start(), match.end())
    written = CJK_SEASON.search(folder)
    if not written:
        return None
    digits = written.group(1) or written.group(2)
    return Season(int(CJK_DIGITS.get(digits, digits)), written.start(), written.end())
