# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Reads title, year and provider ids from a name; guessit is called only where the end of the title is unclear."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, replace
from functools import lru_cache

from . import release
from .model import Guess
from .names import BLANKS, plain, visible

FIRST_FILM = 1888
# Calls of guessit for one torrent.
GUESSES = 20
YEAR = re.compile(r"(?<![^\W_])(1[89]\d{2}|20\d{2})(?![^\W_])")
DATE_AFTER = re.compile(r"[ ._-]\d{1,2}[ ._-]\d{1,2}(?!\d)")
SPAN_AFTER = re.compile(r"\s?[-\u2013]\s?(?:(?:19|20)\d{2}|present)(?![^\W_])", re.IGNORECASE)
SPAN_BEFORE = re.compile(r"\d{4}\s?[-\u2013]\s?$")
TOP_LEVEL = (
    "com|org|net|info|biz|eu|me|tv|to|cc|mx|is|ru|se|ws|io|in|"
    "xyz|site|club|am|ag|pw|lt|li|re|fm|nu|uk|de|fr|es|it|nl|pl"
)
SITE = re.compile(
    rf"^\s*(?:[\[({{\u3010]\s*(?:https?://)?[\w-]+(?:\.[\w-]+)*\.(?:{TOP_LEVEL})\s*[\])}}\u3011]"
    rf"|(?:https?[:_ ]/*)?www\.[\w-]+(?:\.[\w-]+)*?\.(?:{TOP_LEVEL})(?=[\s_-]))[\s._-]*",
    re.IGNORECASE,
)
SITE_END = re.compile(rf"[\s._-]*[\[(]\s*(?:www\.)?[\w-]+\.(?:{TOP_LEVEL})\s*[\])]\s*$", re.IGNORECASE)
GROUP = re.compile(r"^\s*(?:\[[^\[\]]*\]|\u3010[^\u3011]*\u3011)[\s._-]*")
PROVIDER_ID = re.compile(
    r"[\s._-]*[\[({]\s*(?P<name>tmdb|imdb|tvdb)(?:id)?[\s]*[-=:_ ]\s*(?P<id>tt\d{5,10}|\d{1,10})\s*[\])}]",
    re.IGNORECASE,
)
IMDB_ID = re.compile(r"[\s._-]*[\[({]?(?<![^\W_])(tt\d{7,9})(?![^\W_])[\])}]?")
OPEN_END = re.compile(r"[\s\-\u2013_,\[({~+]+$")
ACRONYM = re.compile(r"^(?:[^\W\d_]\.)+(?:[^\W\d_]\.?)?$")
EMPTY_BRACKETS = re.compile(r"[\[({]\s*[\])}]")
INDEX = re.compile(r"^\s*(0\d(?=[\s._])|\d{1,2}(?=\s*[.)]\s|\s[-\u2013]\s))[\s._)\-\u2013]+(?=\S)")


_COUNT = r"(?:\d+|[ivx]+|one|two|three|four|five|six|seven|eight|nine|ten)(?![^\W_])"
SEQUEL = re.compile(rf"[\W_]*(?:(?:part|vol|volume|chapter|episode|teil|parte|book)[\s._]*)?{_COUNT}", re.IGNORECASE)


@dataclass(frozen=True)
class ParsedName:
    """A parsed name: title (may be empty), year, tags after the title, and provider ids (tmdbid-603)."""

    title: str
    year: int | None = None
    tags: str = ""
    ids: tuple[str, ...] = ()
    # The title ends at a year or a tag, not at the end of the name.
    bounded: bool = False


def separated(raw: str) -> str:
    """Replace dots and underscores by blanks, when they separate the words of a title."""
    text = EMPTY_BRACKETS.sub(" ", raw.replace("_", " "))
    text = OPEN_END.sub("", text).strip()
    if ACRONYM.match(text):
        return plain(text.rstrip(".") if raw.endswith(".") else text)
    dotted = len(re.findall(r"[^\W_]{2,}\.(?=[^\W_])", text))
    if "." in text and (" " not in text or dotted > text.count(" ")):
        text = _undotted(text)
    elif not re.search(r"[ .]", text) and text.count("-") >= 2:
        text = text.replace("-", " ")
    text = re.sub(r"^[\s\-\u2013_,\])}}~+]+", "", text)
    return plain(OPEN_END.sub("", BLANKS.sub(" ", text)))


def _undotted(text: str) -> str:
    """Replace dots by blanks, except in acronyms (three letters, or two that are not words) and in 11.22.63."""
    words: list[str] = []
    run: list[str] = []

    def close() -> None:
        if run and run[0].isdigit():
            keep = len(run) >= 3
        else:
            keep = len(run) >= 3 or (len(run) == 2 and run[0] not in "AI" and all(letter.isupper() for letter in run))
        words.extend([".".join(run)] if keep else run)
        run.clear()

    for word in re.split(r"[. ]+", text):
        letter = len(word) == 1 and word.isalpha()
        number = word.isdigit() and len(word) <= 2
        if run and (letter, number) != (run[0].isalpha(), run[0].isdigit()):
            close()
        if letter or number:
            run.append(word)
        else:
            close()
            words.append(word)
    close()
    return " ".join(word for word in words if word)


def take_ids(text: str) -> tuple[str, tuple[str, ...]]:
    """Remove provider ids from a name and return them as tmdbid-603, imdbid-tt0133093."""
    found: dict[str, str] = {}
    if "[" in text or "{" in text or "(" in text:
        for match in PROVIDER_ID.finditer(text):
            name, number = match["name"].lower(), match["id"].lower()
            if (name == "imdb") == number.startswith("tt"):
                found.setdefault(name, f"{name}id-{number}")
        text = PROVIDER_ID.sub(" ", text) if found else text
    if "imdb" not in found and "tt" in text:
        bare = IMDB_ID.search(text)
        if bare and bare.start() > 0:
            found["imdb"] = f"imdbid-{bare.group(1)}"
            text = text[: bare.start()] + " " + text[bare.end() :]
    return text.rstrip(), tuple(found[name] for name in ("tmdb", "tvdb", "imdb") if name in found)


def without_site(text: str) -> str:
    """Remove a web address before or after a name."""
    bare = SITE.sub("", text, count=1) if text[:1] in "[({\u3010 wWhH" else text
    bare = SITE_END.sub("", bare, count=1) if bare.endswith(("]", ")")) else bare
    return bare if release.TITLE.search(bare) else text


def without_group(text: str) -> str:
    """Remove the leading brackets with a group's name, unless they are the title."""
    if not text.startswith(("[", "\u3010")):
        return text
    rest = GROUP.sub("", text, count=1)
    year = YEAR.search(rest)
    title = rest[: year.start()] if year else rest
    words = re.sub(r"\[[^\]]*\]|\([^)]*\)", " ", title)
    if rest == text or not re.search(r"[^\W_]", words) or (year and re.fullmatch(r"[\W_\d]+", words)):
        return text
    return rest


def years(text: str, this_year: int) -> list[re.Match[str]]:
    """Return the plausible years of a name that have a title before them."""
    return [
        match
        for match in YEAR.finditer(text)
        if FIRST_FILM <= int(match.group(1)) <= this_year
        and release.TITLE.search(text, 0, match.start())
        and not DATE_AFTER.match(text, match.end())
        and not SPAN_AFTER.match(text, match.end())
        and not SPAN_BEFORE.search(text[: match.start()])
    ]


def _release_year(text: str, this_year: int, end: int) -> re.Match[str] | None:
    """Return the last year before the tags, preferably in parentheses; a re-release's year is not used."""
    found = years(text, this_year)
    early = [match for match in found if match.start() < end] or found[:1]
    enclosed = [match for match in early if re.match(r"[\])]", text[match.end() :]) and text[match.start() - 1] in "(["]
    chosen = enclosed or early
    while len(chosen) > 1 and release.only_edition(text[chosen[-2].end() : chosen[-1].start()]):
        chosen = chosen[:-1]
    return chosen[-1] if chosen else None


@lru_cache(maxsize=1 << 15)
def read(stem: str, this_year: int) -> ParsedName:
    """Read a name of a film, a folder or a torrent, without its extension."""
    text, ids = take_ids(visible(stem))
    text = without_group(without_site(text))
    if text.count("-") >= 3 and not re.search(r"[ ._]", text):
        text = text.replace("-", " ")
    end = release.stop(text)
    year = _release_year(text, this_year, end)
    if year:
        raw = _without_shouted(text[: min(year.start(), end)])
        tags = f"{text[len(raw) : year.start()]} {text[year.end() :]}"
        return ParsedName(separated(raw), int(year.group(1)), tags, ids, bounded=True)
    raw = text[:end]
    if end < len(text):
        raw = _without_loose(raw)
    return ParsedName(separated(raw), None, text[len(raw) :], ids, bounded=end < len(text))


def _without_loose(raw: str) -> str:
    """Remove words of a release from the end of a title without year, as long as a title remains."""
    while True:
        bare = OPEN_END.sub("", raw.rstrip("."))
        last = [match for pattern in (release.LOOSE, release.SHOUTED) for match in pattern.finditer(bare)]
        ends = [match for match in last if match.end() == len(bare)]
        mixed = any(letter.islower() for letter in bare)
        if not ends or not mixed or not re.search(r"[^\W_]", bare[: ends[0].start()]):
            return raw
        raw = bare[: min(match.start() for match in ends)]


def _without_shouted(raw: str) -> str:
    """Remove upper-case words of a release from the end of a mixed-case title: Movie.EXTENDED.2012."""
    while True:
        bare = OPEN_END.sub("", raw.rstrip("."))
        last = re.search(r"[^\W_]+$", bare)
        if not last or not release.LOOSE.fullmatch(last.group()) or len(last.group()) < 5:
            return raw
        head = bare[: last.start()]
        if last.group() in (last.group().lower(), last.group().capitalize()) or not re.search(r"[a-z]{2}", head):
            return raw
        raw = head


@lru_cache(maxsize=1 << 15)
def compact(text: str) -> str:
    """Return the letters and digits of a text, in lower case."""
    return re.sub(r"[\W_]+", "", text).casefold()


class Titles:
    """Reads titles; calls guessit at most GUESSES times for titles without year and tags."""

    def __init__(self, guess: Guess | None, this_year: int) -> None:
        """Set guessit as a function; None reads titles without it."""
        self.this_year = this_year
        self._guess = guess
        self._left = GUESSES

    def expect(self, names: int) -> None:
        """Set the number of names in a torrent; above GUESSES guessit is called for none of them."""
        if names > GUESSES:
            self._left = 0

    def read(self, stem: str) -> ParsedName:
        """Read a name without guessit."""
        return read(stem, self.this_year)

    def film(self, stem: str) -> ParsedName:
        """Read a film's name; guessit's title is used only if it is the beginning of the parsed title."""
        name = self.read(stem)
        if name.bounded or not self._guess or not self._left or len(name.title.split()) < 2:
            return name
        self._left -= 1
        guessed = plain(title_of(self._guess(visible(stem))))
        rest = name.title[len(guessed) :]
        if guessed and name.title.casefold().startswith(guessed.casefold()) and re.match(r" |-[A-Z0-9]{2,}$", rest):
            is_sequel = SEQUEL.match(rest) or re.match(r"\W*\w*\d", rest)
            if not is_sequel:
                return replace(name, title=name.title[: len(guessed)], tags=f"{rest} {name.tags}")
        return name


def title_of(guessed: t.Mapping[str, t.Any]) -> str:
    """Return guessit's title as one line; it may be a list, absent, or contain line breaks."""
    title = guessed.get("title")
    if isinstance(title, (list, tuple)):
        title = title[0] if title else ""
    return visible(title) if isinstance(title, str) else ""
