# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Labels that distinguish several files of one film or episode."""

from __future__ import annotations

import re
import typing as t
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from . import release
from .names import LIMIT, clip, fold, plain, size

# Bytes of a name that are kept free for a dot, a language, flags and an extension.
ROOM = 32


@dataclass(frozen=True)
class Candidate:
    """A file with the labels that are always part of its name, and with tags for further labels."""

    key: str
    tags: str
    always: tuple[str, ...] = ()
    # Follows the label: "-cd1" of a part.
    suffix: str = ""
    # The label that is tried after all others.
    last: str = ""

    @cached_property
    def more(self) -> tuple[str, ...]:
        """Labels that distinguish it from other files."""
        found = release.qualities(self.tags)
        return tuple([*found, self.last] if self.last else found)


def _label(words: t.Iterable[str]) -> str:
    text = plain(" ".join(words))
    text = re.sub(r"(?<!\d)(?:19|20)\d{2}(?!\d)", " ", text)
    return re.sub(r"\s+", " ", text).strip(" -")


def _stem(base: str, label: str, suffix: str) -> str:
    if not label:
        return clip(base, LIMIT - ROOM - size(suffix)) + suffix
    head = f"{base} - {label}"
    if size(head) + size(suffix) > LIMIT - ROOM:
        head = f"{base} - {clip(label, LIMIT - ROOM - size(base) - size(suffix) - 3)}"
    return head + suffix


def _label_attempts(entry: Candidate, numbers: Counter[str], *, several: bool) -> t.Iterator[list[str]]:
    """Yield the labels of a file from the shortest to the longest."""
    if entry.always or not several:
        yield list(entry.always)
    for count in range(1, len(entry.more) + 1):
        yield [*entry.always, *entry.more[:count]]
    words = [*entry.always, *entry.more]
    first = 0 if several and not words else 1
    while True:
        numbers[" ".join(words)] += 1
        yield [*words, f"Version {numbers[' '.join(words)] + first}"]


def _common(base: str, group: t.Sequence[Candidate], taken: t.Callable[[str], bool]) -> list[str]:
    """Label all files of a group with equally many words; empty when that does not distinguish them."""
    several = len(group) > 1
    depth = 0
    while True:
        labels = [_label([*entry.always, *(entry.more[:depth] if depth else ())]) for entry in group]
        names = [_stem(base, label, entry.suffix) for label, entry in zip(labels, group, strict=True)]
        distinct = len({fold(name) for name in names}) == len(names)
        if distinct and (depth or not several or all(labels)) and not any(map(taken, names)):
            return names
        depth += 1
        if depth > max(len(entry.more) for entry in group):
            return []


def stems(base: str, entries: t.Sequence[Candidate], taken: t.Callable[[str], bool]) -> dict[str, str]:
    """Return a stem for each file by its key; no two are equal, and none is taken."""
    result: dict[str, str] = {}
    used: set[str] = set()
    by_suffix: dict[str, list[Candidate]] = {}
    for entry in entries:
        by_suffix.setdefault(entry.suffix, []).append(entry)
    for group in by_suffix.values():
        names = _common(base, group, taken)
        if not names:
            numbers: Counter[str] = Counter()
            for entry in group:
                for words in _label_attempts(entry, numbers, several=len(group) > 1):
                    name = _stem(base, _label(words), entry.suffix)
                    if fold(name) not in used and not taken(name):
                        break
                names.append(name)
                used.add(fold(name))
        result.update((entry.key, name) for entry, name in zip(group, names, strict=True))
    return result
