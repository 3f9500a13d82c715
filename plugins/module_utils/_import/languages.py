# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Reads languages and flags of subtitles from file names."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .file_types import words
from .names import fold

# ISO 639-1 code, ISO 639-2 codes, and the language's names in releases.
_TABLE = """
af afr afrikaans
ar ara arabic العربية
bg bul bulgarian български
bn ben bengali
bs bos bosnian
ca cat catalan català
cs cze ces czech čeština česky
cy wel cym welsh
da dan danish dansk
de ger deu german deutsch
el gre ell greek ελληνικά
en eng english
es spa spanish espanol español castellano castilian latino latinoamérica
et est estonian
eu baq eus basque
fa per fas persian farsi
fi fin finnish suomi
fr fre fra french francais français
ga gle irish
gl glg galician
gu guj gujarati
he heb hebrew עברית
hi hin hindi
hr hrv scr croatian hrvatski
hu hun hungarian magyar
hy arm hye armenian
id ind indonesian
is ice isl icelandic íslenska
it ita italian italiano
ja jpn japanese 日本語
ka geo kat georgian
kn kan kannada
ko kor korean 한국어
lt lit lithuanian
lv lav latvian
mk mac mkd macedonian
ml mal malayalam
mr mar marathi
ms may msa malay
nb nob bokmal bokmål
nl dut nld dutch nederlands
nn nno nynorsk
no nor norwegian norsk
pa pan punjabi
pl pol polish polski
pt por pob portuguese portugues português brazilian
ro rum ron romanian română
ru rus russian русский
sk slo slk slovak slovenčina
sl slv slovenian slovenščina
sq alb sqi albanian
sr srp scc serbian srpski српски
sv swe swedish svenska
ta tam tamil
te tel telugu
th tha thai ไทย
tl tgl tagalog filipino
tr tur turkish türkçe
uk ukr ukrainian українська
ur urd urdu
vi vie vietnamese
zh chi zho chinese mandarin cantonese chs cht simplified traditional 中文 简体 繁体 繁體 简体中文 繁體中文
"""
CODES = {word: line.split()[0] for line in _TABLE.strip().splitlines() for word in line.split()}
# Words that distinguish subtitles of one language: regions, scripts and purposes.
_REGIONS = {
    "Brazilian": "br brazilian pob brazil",
    "Latin American": "latino latin la 419 latinoamérica",
    "European": "castilian castellano european",
    "Simplified": "chs hans simplified cn 简体 简体中文",
    "Traditional": "cht hant traditional tw 繁体 繁體 繁體中文",
    "Hong Kong": "hk",
    "Cantonese": "cantonese",
    "US": "us",
    "UK": "gb uk",
    "Canadian": "ca canadian",
    "Commentary": "commentary",
    "Signs": "signs",
    "Songs": "songs",
    "Lyrics": "lyrics",
    "Full": "full",
    "Dialogue": "dialogue",
    "": "american",
}
REGIONS = {word: region for region, spellings in _REGIONS.items() for word in spellings.split()}
SDH = frozenset(["sdh", "cc", "hi"])
FORCED = frozenset(["forced", "foreign", "force"])
# Language and region in one: pt-BR.
PAIRS = frozenset(
    (language, region)
    for language, regions in {
        "pt": "br pt",
        "zh": "cn tw hk hans hant",
        "es": "la 419 es",
        "en": "us gb uk",
        "fr": "ca fr",
        "de": "de",
    }.items()
    for region in regions.split()
)
FILLER = words("sub subs subtitle subtitles srt track utf8 utf cp1252 ansi text vobsub a and")


@dataclass(frozen=True)
class TrackLabels:
    """Language (ISO 639-1), flags and region of a subtitle or sound track."""

    language: str = ""
    flags: tuple[str, ...] = ()
    region: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """Language and flags in the order of a file's name."""
        return tuple(part for part in (self.language, *self.flags) if part)


def _tokens(text: str) -> list[str]:
    return [word for word in re.split(r"[^\w]+|_+", fold(text)) if word]


def read_tokens(text: str) -> tuple[TrackLabels, bool]:
    """Read language and flags from the words of a text; the second value is whether all words are known."""
    language, region, clean = "", "", True
    flags: dict[str, None] = {}
    tokens = _tokens(text)
    for index, word in enumerate(tokens):
        before = tokens[index - 1] if index else ""
        if word in FORCED:
            flags["forced"] = None
        elif word == "default":
            flags["default"] = None
        elif word in ("sdh", "cc") or (
            word == "hi" and (language or any(other in CODES and other != "hi" for other in tokens))
        ):
            flags["sdh"] = None
        elif (CODES.get(before, before), word) in PAIRS:
            region = region or REGIONS.get(word, "")
        elif word in CODES and not language:
            language = CODES[word]
            region = region or REGIONS.get(word, "")
        elif word in REGIONS or word in CODES:
            region = region or REGIONS.get(word, word.capitalize())
        elif not (word.isdigit() or word in FILLER):
            clean = False
    order = [flag for flag in ("default", "forced", "sdh") if flag in flags]
    return TrackLabels(language, tuple(order), region), clean


def read_end(text: str) -> TrackLabels:
    """Read language and flags from the end of a name."""
    parts = [word for word in re.split(r"[\s._\[\](){},+-]+", text) if word]
    tail: list[str] = []
    for word in reversed(parts):
        low = fold(word)
        known = low in CODES or low in SDH or low in FORCED or low in REGIONS or low in FILLER or low == "default"
        if not known or (low in REGIONS and low not in CODES and not tail and low not in ("commentary",)):
            break
        tail.insert(0, word)
    # In a longer name that consists of such words only, they may be the title.
    return read_tokens(" ".join(tail))[0] if len(tail) < len(parts) or len(parts) <= 3 else TrackLabels()
