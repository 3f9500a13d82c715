# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Published names: permitted characters and length."""

from __future__ import annotations

import re
import unicodedata

# Bytes of a name (NAME_MAX of Linux).
LIMIT = 255
# Bidirectional controls and characters without width. The joiners of some scripts (U+200C, U+200D) stay.
INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
BIDIRECTIONAL = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
BLANKS = re.compile(r"\s+")
# Reserved by Jellyfin's documentation: BREAKS separate words, INSIDE occur within a word.
BREAKS = str.maketrans({":": " ", "/": " ", "\\": " ", "|": " "})
INSIDE = str.maketrans(dict.fromkeys('<>"?*'))
ACRONYM_END = re.compile(r"(?:^|[\s(\[.])(?:[^\W\d_]\.){2,}$")


def visible(text: str) -> str:
    """Return the text in NFC without invisible characters; each run of blanks and control characters is one blank."""
    if text.isascii() and text.isprintable():
        return BLANKS.sub(" ", text).strip()
    text = CONTROL.sub(" ", INVISIBLE.sub("", text))
    return BLANKS.sub(" ", unicodedata.normalize("NFC", text)).strip()


def has_only_visible(text: str) -> bool:
    """Return whether a name has no control and no bidirectional character."""
    return not CONTROL.search(text) and not BIDIRECTIONAL.search(text)


def plain(text: str) -> str:
    """Return a title without reserved characters, and without dots and blanks at its ends; an acronym keeps its dot."""
    text = BLANKS.sub(" ", text.translate(BREAKS).translate(INSIDE)).strip()
    text = text.lstrip(". ")
    return text if ACRONYM_END.search(text) else text.rstrip(". ")


def size(text: str) -> int:
    """Return the length in bytes of UTF-8."""
    return len(text.encode("utf-8", "surrogatepass"))


def clip(text: str, limit: int) -> str:
    """Cut a text to at most limit bytes, between characters."""
    if size(text) <= limit:
        return text
    cut = text.encode("utf-8", "surrogatepass")[: max(limit, 0)].decode("utf-8", "ignore")
    # A combining character at the cut belongs to the letter before it, so that is removed too.
    while cut and len(cut) < len(text) and unicodedata.combining(text[len(cut)]):
        cut = cut[:-1]
    return cut.rstrip(" .-_([{,")


def fit(stem: str, suffix: str) -> str:
    """Return stem and suffix as one name of at most LIMIT bytes; the stem is cut."""
    return clip(stem, LIMIT - size(suffix)) + suffix


def fold(text: str) -> str:
    """Return the case-insensitive form (NFC) in which the names of one folder must differ."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
