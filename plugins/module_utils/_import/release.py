# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Tags of release names: end of the title, edition and quality."""

from __future__ import annotations

import re
from functools import lru_cache

LEFT = r"(?<![^\W_])"
RIGHT = r"(?![^\W_])"
TITLE = re.compile(r"[^\W_]")


def _words(pattern: str, flags: int = re.IGNORECASE) -> re.Pattern[str]:
    """Compile a pattern that matches whole words; an underscore separates words."""
    return re.compile(f"{LEFT}(?:{pattern}){RIGHT}", flags)


RESOLUTION = _words(r"(?:480|540|576|720|1080|1440|2160|4320)[pi]|(?:1280|1920|3840)x\d{3,4}|4k|8k|uhd")
SOURCE = _words(
    r"(?:uhd[ ._-]?)?(?:blu-?ray|bd-?(?:rip|remux|25|50)|br-?rip|hd-?dvd)|remux|web-?(?:dl|rip|hd)|(?:hd|pd|sd|ds|tv|"
    r"sat|dvb|vhs|ld|hdtv|ppv|cam|hdcam|dvd)-?rip|hdtv|pdtv|sdtv|dvb|dvd-?(?:r|scr|5|9)?|dvd-?screener|"
    r"hd-?(?:cam|ts|tc)|telesync|telecine|vcd|svcd"
)
WEB = _words(r"WEB", 0)
CODEC = _words(r"[xh][ ._]?26[45]|hevc|avc|xvid|divx|vc-?1|av1|mpeg-?[24]|vp9|(?:8|10|12)-?bits?")
SOUND = _words(
    r"dts(?:-?(?:hd|x|es))?(?:[ ._-]?ma)?|true-?hd|atmos|(?:dd[p+]?|aac|ac3|e-?ac3|flac|ddpa)[ ._]?[1-7][ ._][01]|ddp|"
    r"aac|ac3|e-?ac-?3|flac|opus|mp3|lpcm"
)
RANGE = _words(r"hdr(?:10)?\+?|hdr10plus|dolby[ ._-]vision|dovi|hlg|sdr")
_STOP = _words(
    "|".join(["(?-i:WEB)", *(p.pattern[len(LEFT) : -len(RIGHT)] for p in (RESOLUTION, SOURCE, CODEC, SOUND, RANGE))])
)

# Words between a title without year and the tags; titles contain them too.
LOOSE = _words(
    r"multi|dual(?:[ ._-]audio)?|proper|repack|rerip|real|internal|limited|unrated|extended|remastered|complete|uncut|"
    r"uncensored|subbed|dubbed|(?:german|french|italian|spanish)[ ._](?:dl|dubbed|subbed|md|ld|ac3)|truefrench|vostfr|"
    r"vff|vfq|vof|hybrid|imax|retail|festival|custom|open[ ._]matte|theatrical|read[ ._]nfo|nfofix|dc|bd|dv|3d|hsbs|"
    r"h-?sbs|h-?ou"
)
SHOUTED = _words(
    r"GERMAN|FRENCH|ITALIAN|iTALiAN|SPANISH|ENGLISH|JAPANESE|KOREAN|RUSSIAN|SWEDISH|DANISH|NORWEGIAN|FINNISH|DUTCH|"
    r"POLISH|PORTUGUESE|HINDI|CHINESE|NORDIC|AMZN|NF|ATVP|DSNP|HULU|HMAX|PCOK|PMTP",
    0,
)

_EDITION_FORMS = (
    (r"director'?s'?[ ._-]*(?:cut|edition)|directors", "Director's Cut"),
    (r"DC", "Director's Cut"),
    (r"final[ ._-]*cut", "Final Cut"),
    (r"theatrical(?:[ ._-]*(?:cut|edition|version|release))?", "Theatrical"),
    (r"extended[ ._-]*director'?s[ ._-]*cut", "Extended Director's Cut"),
    (r"extended(?:[ ._-]*(?:cut|edition|version))?", "Extended"),
    (r"special[ ._-]*edition", "Special Edition"),
    (r"ultimate[ ._-]*(?:edition|cut|collector'?s[ ._-]*edition)", "Ultimate Edition"),
    (r"collector'?s'?[ ._-]*edition", "Collector's Edition"),
    (r"\d{1,3}(?:st|nd|rd|th)[ ._-]*anniversary(?:[ ._-]*edition)?|anniversary[ ._-]*edition", "Anniversary Edition"),
    (r"criterion(?:[ ._-]*(?:collection|edition))?", "Criterion"),
    (r"unrated(?:[ ._-]*(?:cut|edition|version|director'?s[ ._-]*cut))?", "Unrated"),
    (r"uncut(?:[ ._-]*(?:edition|version))?", "Uncut"),
    (r"uncensored", "Uncensored"),
    (r"(?:4k[ ._-]*)?remaster(?:ed)?", "Remastered"),
    (r"restored", "Restored"),
    (r"redux", "Redux"),
    (r"imax(?:[ ._-]*(?:edition|enhanced))?", "IMAX"),
    (r"open[ ._-]*matte", "Open Matte"),
    (r"despeciali[sz]ed(?:[ ._-]*edition)?", "Despecialized"),
    (r"fan[ ._-]*edit", "Fan Edit"),
    (r"black[ ._-]*(?:and|&)[ ._-]*(?:white|chrome)(?:[ ._-]*edition)?", "Black and White"),
    (r"workprint", "Workprint"),
    (r"alternat(?:e|ive)[ ._-]*(?:cut|ending|version)", "Alternate Cut"),
)
EDITIONS = tuple((_words(form, 0 if form == "DC" else re.IGNORECASE), label) for form, label in _EDITION_FORMS)
# "Snyder Cut", "Diamond Edition".
OTHER_EDITION = _words(r"(?!the\b|of\b|a\b)([a-z][a-z']{2,})[ ._-](cut|edition)")
THREE_D = _words(r"3-?d|hsbs|fsbs|htab|ftab|half[ ._-]?(?:sbs|ou|tab)|h-?(?:sbs|ou|tab)|mvc")
FORMATS_3D = (
    (_words(r"h-?sbs|half[ ._-]?(?:width[ ._-]?)?sbs"), "HSBS"),
    (_words(r"f-?sbs|full[ ._-]?sbs"), "FSBS"),
    (_words(r"h-?(?:tab|ou)|half[ ._-]?(?:tab|ou|over[ ._-]?under)"), "HTAB"),
    (_words(r"f-?(?:tab|ou)|full[ ._-]?(?:tab|ou)"), "FTAB"),
    (_words(r"mvc"), "MVC"),
    (_words(r"sbs"), "SBS"),
    (_words(r"tab|ou"), "TAB"),
)
PLAUSIBLE_IN_LABEL = re.compile(r"(?:19|20)\d{2}")
_EDITION_FILLER = re.compile(r"^[\W_]*(?:(?:the|edition|cut|version|in|4k)[\W_]*)*$", re.IGNORECASE)


@lru_cache(maxsize=1 << 15)
def stop(text: str) -> int:
    """Return the position of the first unambiguous tag after a title, the text's length when there is none."""
    for match in _STOP.finditer(text):
        if TITLE.search(text, 0, match.start()):
            return match.start()
    return len(text)


def is_release(text: str) -> bool:
    """Return whether a name has tags of a release."""
    return stop(text) < len(text)


def only_edition(text: str) -> bool:
    """Return whether a text consists of the words of an edition."""
    rest = text
    for pattern, _label in EDITIONS:
        rest = pattern.sub(" ", rest)
    return rest != text and _EDITION_FILLER.match(rest) is not None


def editions(tags: str) -> list[str]:
    """Return the editions in the tags of a name, with 3D formats."""
    found: list[tuple[int, str]] = []
    rest = tags
    for pattern, label in EDITIONS:
        match = pattern.search(rest)
        if match:
            found.append((match.start(), label))
            rest = rest[: match.start()] + "|" * len(match.group()) + rest[match.end() :]
    match = OTHER_EDITION.search(rest)
    if match and not match.group(1).lower().endswith("ray"):
        found.append((match.start(), f"{match.group(1).capitalize()} {match.group(2).capitalize()}"))
    labels = [label for _at, label in sorted(found)]
    if THREE_D.search(tags):
        form = next((name for pattern, name in FORMATS_3D if pattern.search(tags)), "")
        labels.append(f"3D.{form}" if form else "3D")
    return labels


def qualities(tags: str) -> list[str]:
    """Return labels that distinguish files of one film, resolution first; none of them reads as an episode."""
    found = []
    resolution = RESOLUTION.search(tags)
    if resolution:
        found.append(
            {"4k": "2160p", "uhd": "2160p", "8k": "4320p"}.get(resolution.group().lower(), resolution.group().lower())
        )
    numeric = re.search(r"(?<!\d)(?:480|540|576|720|1080|1440|2160|4320)[pi](?!\w)", tags, re.IGNORECASE)
    if numeric:
        found = [numeric.group().lower()]
    for pattern in (RANGE, SOURCE, WEB):
        match = pattern.search(tags)
        if match:
            found.append(re.sub(r"[ ._]+", " ", match.group()))
    match = CODEC.search(tags)
    if match:
        codec = re.sub(r"[^a-z0-9]", "", match.group().lower())
        found.append({"x265": "HEVC", "h265": "HEVC", "x264": "AVC", "h264": "AVC"}.get(codec, codec.upper()))
    match = SHOUTED.search(tags) or re.search(
        f"{LEFT}(?:german|french|italian|spanish|english|japanese|multi|dual)(?:[ ._]dl)?{RIGHT}", tags, re.IGNORECASE
    )
    if match:
        found.append(re.sub(r"[ ._]+", " ", match.group()))
    return found
