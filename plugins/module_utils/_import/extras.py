# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Extras (trailers, featurettes and the like), recognised by their folder or their name."""

from __future__ import annotations

import re
from functools import lru_cache

from .selection import Item

# Kind of an extra to Jellyfin's folder. "extras" directly below a show counts as its season 0, so shows use "other".
_FOLDER_WORDS = {
    "trailers": "trailers?|teasers?|teaser trailers?|tv spots?|promos?",
    "behind the scenes": "behind the scenes|behindthescenes|bts|making of|the making of|makingof",
    "deleted scenes": "deleted scenes?|deleted|deletedscenes?|extended scenes|alternate scenes",
    "interviews": "interviews?",
    "scenes": "scenes?",
    "shorts": "shorts?|short films?",
    "featurettes": "featurettes?",
    "clips": "clips?",
    "backdrops": "backdrops",
    "other": "others?",
    "extras": "extras?|bonus|bonus (?:features?|materials?|disc|dvd|content)|special features?|supplements?|"
    "specials? extras?|bloopers?|gag reels?|outtakes?|nc ?(?:op|ed)s?|creditless|menus?|pvs?|cms?|omake",
}
FOLDERS = tuple((re.compile(form, re.IGNORECASE), kind) for kind, form in _FOLDER_WORDS.items())
SUBTITLE_FOLDER = re.compile(
    r"(?:(?:vob|ex)?subs?|subtitles?|untertitel|sous-titres|legendas)(?:[\W_].*)?", re.IGNORECASE
)
SAMPLE_FOLDER = re.compile(r"samples?", re.IGNORECASE)
SUFFIX = re.compile(
    r"(?:[-._ ](?P<trailer>trailer)|-(?P<other>scene|clip|interview|behindthescenes|deleted|deletedscene|featurette|"
    r"short|other|extra))\d*$",
    re.IGNORECASE,
)
SUFFIX_FOLDERS = {
    "trailer": "trailers",
    "scene": "scenes",
    "clip": "clips",
    "interview": "interviews",
    "behindthescenes": "behind the scenes",
    "deleted": "deleted scenes",
    "deletedscene": "deleted scenes",
    "featurette": "featurettes",
    "short": "shorts",
    "other": "other",
    "extra": "extras",
}
# Names of extras: they begin or end with these words.
OWN_NAMES = (
    (
        re.compile(r"(?:official[\s._]*)?(?:teaser[\s._]*)?(?:trailer|teaser)(?:[\s._#-]*\d+)?", re.IGNORECASE),
        "trailers",
    ),
    (
        re.compile(r"(?:the[\s._])?making[\s._-]of\b.*|behind[\s._-]the[\s._-]scenes?\b.*", re.IGNORECASE),
        "behind the scenes",
    ),
    (re.compile(r"(?:deleted|extended|alternate)[\s._-]scenes?\b.*", re.IGNORECASE), "deleted scenes"),
    (re.compile(r"interview(?:s|[\s._-]with)?\b.*|.*[\s._-]interviews?", re.IGNORECASE), "interviews"),
    (re.compile(r"featurettes?\b.*|.*[\s._-]featurettes?", re.IGNORECASE), "featurettes"),
    (re.compile(r"(?:gag[\s._-]reel|bloopers?|outtakes|bonus|extras?)\b.*", re.IGNORECASE), "extras"),
)
_ANYWHERE_FORMS = (
    (r"(?:the[\s._])?making[\s._-]of(?![^\W_])", "behind the scenes"),
    (r"behind[\s._-]the[\s._-]scenes(?![^\W_])", "behind the scenes"),
    (r"deleted[\s._-]scenes?(?![^\W_])", "deleted scenes"),
    (r"(?:official[\s._-])?(?:teaser|trailer)[\s._-]*\d*$", "trailers"),
    (r"(?:featurette|extras?|bonus|bloopers|gag[\s._-]reel|interview)(?:[\s._-]*\d+)?$", "extras"),
)
ANYWHERE = tuple((re.compile(rf"[\s._-]{form}", re.IGNORECASE), kind) for form, kind in _ANYWHERE_FORMS)


@lru_cache(maxsize=1024)
def folder_kind(folder: str) -> str:
    """Return Jellyfin's folder for the extras in a folder of this name; "subs" and "samples" for these, else empty."""
    text = re.sub(r"[\s._-]+", " ", folder).strip()
    if SUBTITLE_FOLDER.fullmatch(folder.strip()):
        return "subs"
    if SAMPLE_FOLDER.fullmatch(text):
        return "samples"
    return next((kind for pattern, kind in FOLDERS if pattern.fullmatch(text)), "")


def extras_folder(item: Item) -> str:
    """Return the kind of the extras folder that a file lies in, below the torrent's own folder."""
    for folder in reversed(item.parents[1:]):
        kind = folder_kind(folder)
        if kind not in ("", "subs", "samples"):
            return kind
    return ""


def before_extra(stem: str) -> str:
    """Return the part of a name before the word for an extra."""
    for pattern, _kind in (*ANYWHERE, (SUFFIX, "")):
        match = pattern.search(stem)
        if match:
            return stem[: match.start()]
    return ""


def kind_from_name(stem: str, tail: str = "") -> str:
    """Return the kind of extra in a file's name, empty when there is none.

    tail follows the title and year of the name.
    """
    match = SUFFIX.search(stem)
    if match:
        return SUFFIX_FOLDERS[(match["trailer"] or match["other"]).lower()]
    for pattern, kind in OWN_NAMES:
        if pattern.fullmatch(stem.strip()):
            return kind
    return next((kind for pattern, kind in ANYWHERE if tail and pattern.search(tail)), "")
