# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Published names: what may stand in them, and how they become short enough."""

from __future__ import annotations

import re
import unicodedata

LIMIT = 255
# Bidirectional controls and characters without width. The joiners of some scripts (U+200C, U+200D) stay.
INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
BIDIRECTIONAL = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
BLANKS = re.compile(r"\s+")
# Reserved by Jellyfin's documentation. Some are a break between words, the others stand inside of one.
BREAKS = str.maketrans({":": " ", "/": " ", "\\": " ", "|": " "})
INSIDE = str.maketrans(dict.fromkeys('<>"?*'))
ACRONYM_END = re.compile(r"(?:^|[\s(\[.])(?:[^\W\d_]\.){2,}$")


def visible(text: str) -> str:
    """Return the text in NFC, without what cannot be seen, each run of blanks and control characters one blank."""
    if text.isascii() and text.isprintable():
        return BLANKS.sub(" ", text).strip()
    text = CONTROL.sub(" ", INVISIBLE.sub("", text))
    return BLANKS.sub(" ", unicodedata.normalize("NFC", text)).strip()


def is_visible(text: str) -> bool:
    """Tell whether a name has no control and no bidirectional character."""
    return not CONTROL.search(text) and not BIDIRECTIONAL.search(text)


def plain(text: str) -> str:
    """Return a text that may begin the name of a film or show: no reserved character, no dot or blank at its ends."""
    text = BLANKS.sub(" ", text.translate(BREAKS).translate(INSIDE)).strip()
    text = text.lstrip(". ")
    return text if ACRONYM_END.search(text) else text.rstrip(". ")


def size(text: str) -> int:
    """Return the length in bytes, as file systems count it."""
    return len(text.encode("utf-8", "surrogatepass"))


def clip(text: str, limit: int) -> str:
    """Cut a text to so many bytes, between characters."""
    if size(text) <= limit:
        return text
    cut = text.encode("utf-8", "surrogatepass")[: max(limit, 0)].decode("utf-8", "ignore")
    # An accent that stands alone belongs to the letter that was cut off.
    while cut and len(cut) < len(text) and unicodedata.combining(text[len(cut)]):
        cut = cut[:-1]
    return cut.rstrip(" .-_([{,")


def fit(stem: str, suffix: str) -> str:
    """Return stem and suffix as one component of at most LIMIT bytes; what is cut is the stem."""
    return clip(stem, LIMIT - size(suffix)) + suffix


def fold(text: str) -> str:
    """Return the form in which two names of one folder must differ."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
