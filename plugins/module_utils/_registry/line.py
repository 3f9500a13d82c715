# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Which tag is newer than another one, and what that means for an image. Pure.

A tag is split into its numbers and the texts between them: 4.1.3-r0-ls352 has the numbers 4, 1, 3, 0, 352, and the form
``#.#.#-r#-ls#``. Only tags of the same form are compared. The line of an image says which of its numbers must not
change without a decision of the household: ``=.=.*`` keeps the first two.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass
from enum import StrEnum

from .._core.errors import InvalidValue

# A number longer than this is a date with time or a commit, and no version.
NUMBER = re.compile(r"[0-9]{1,12}(?![0-9])")
KEPT, FREE = "=", "*"
LINE = re.compile(r"[A-Za-z0-9_.=*-]+")


class News(StrEnum):
    """What a registry says about an image that this host has."""

    NEWER = "newer-tag"  # in its line
    REBUILT = "new-digest"  # the same tag has other content than the image on this host
    CURRENT = "current"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Line:
    """The tags that an image may follow: the form of a tag, and for each number whether it is kept."""

    form: str
    kept: tuple[bool, ...]

    @classmethod
    def read(cls, text: str) -> Line:
        """Read ``=.*.*-r*-ls*``. Raises InvalidValue."""
        if not LINE.fullmatch(text) or not re.search(r"[=*]", text):
            raise InvalidValue(
                f"line: {text!r} has no numbers; write = for a number that is kept and * for one that grows"
            )
        return cls(re.sub(r"[=*]", "#", text), tuple(mark == KEPT for mark in re.findall(r"[=*]", text)))

    @classmethod
    def of(cls, tag: str) -> Line | None:
        """Return the line of an image that names none: its form, with the first of several numbers kept."""
        form, numbers = split(tag)
        return cls(form, (len(numbers) > 1, *[False] * (len(numbers) - 1))) if numbers else None


@dataclass(frozen=True)
class Tags:
    """The newest tags of a registry: in the line, and beyond it; empty where there is none."""

    newer: str = ""
    beyond: str = ""


@dataclass(frozen=True)
class Answer:
    """What a registry has answered about one reference; None where it was not asked, or has no usable answer."""

    tags: t.Sequence[str] | None = None
    digest: str | None = None
    trouble: str = ""


@dataclass(frozen=True)
class Judgement:
    """The news of one image, with the tags and digests that it rests on."""

    news: News
    newer: str = ""
    beyond: str = ""  # the newest tag of the same form outside the line; no news by itself
    digest: str = ""
    why: str = ""  # of an unknown


def split(tag: str) -> tuple[str, tuple[int, ...]]:
    """Return the form of a tag and its numbers."""
    return NUMBER.sub("#", tag), tuple(map(int, NUMBER.findall(tag)))


def newest(tag: str, line: Line, known: t.Iterable[str]) -> Tags:
    """Return the newest tags of the form of ``line`` that are newer than ``tag``."""
    form, own = split(tag)
    if form != line.form:
        return Tags()
    newer: dict[tuple[int, ...], str] = {}
    beyond: dict[tuple[int, ...], str] = {}
    for other in known:
        other_form, numbers = split(other)
        if other_form != form or numbers <= own:
            continue
        stays = all(one == two for one, two, kept in zip(own, numbers, line.kept, strict=True) if kept)
        (newer if stays else beyond)[numbers] = other
    return Tags(newer[max(newer)] if newer else "", beyond[max(beyond)] if beyond else "")


def judge(tag: str, line: Line | None, answer: Answer, present: t.Collection[str]) -> Judgement:
    """Return the news of an image, whose digests on this host are ``present``.

    An answer that is missing in part is enough for news, and never for "nothing to do".
    """
    tags = newest(tag, line, answer.tags or ()) if line else Tags()
    digest = answer.digest or ""
    found = {"newer": tags.newer, "beyond": tags.beyond, "digest": digest}
    if tags.newer:
        return Judgement(News.NEWER, **found)
    if digest and present and digest not in present:
        return Judgement(News.REBUILT, **found)
    why = answer.trouble
    if not why and not digest:
        why = "the registry names no digest"
    if not why and not present:
        why = "the digest of the image on this host is not known"
    return Judgement(News.UNKNOWN, why=why, **found) if why else Judgement(News.CURRENT, **found)
