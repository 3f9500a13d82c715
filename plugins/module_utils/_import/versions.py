# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Labels that keep several files of one film or episode apart, without replacing any of them."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from . import release
from .names import LIMIT, clip, fold, plain, size

# Left for a dot, a language, flags and an extension.
ROOM = 32


@dataclass(frozen=True)
class Candidate:
    """A file with the labels that it always bears, and those that may tell it from others."""

    key: str
    always: tuple[str, ...]
    more: tuple[str, ...]
    # What follows the label: "-cd1" of a part.
    suffix: str = ""


def candidate(key: str, tags: str, *, always: t.Iterable[str], suffix: str = "", last: str = "") -> Candidate:
    """Build a candidate from the tags of a name; last is the label that is tried after all others."""
    more = release.qualities(tags)
    return Candidate(key, tuple(always), tuple([*more, last] if last else more), suffix)


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


def _tries(entry: Candidate, *, several: bool) -> t.Iterator[list[str]]:
    """Give the labels of a file from the shortest to the longest."""
    if entry.always or not several:
        yield list(entry.always)
    for count in range(1, len(entry.more) + 1):
        yield [*entry.always, *entry.more[:count]]
    number = 1 if several and not (entry.always or entry.more) else 2
    while True:
        yield [*entry.always, *entry.more, f"Version {number}"]
        number += 1


def stems(base: str, entries: t.Sequence[Candidate], taken: t.Callable[[str], bool]) -> dict[str, str]:
    """Return a stem for each file; no two are equal, and none is taken."""
    result: dict[str, str] = {}
    used: set[str] = set()
    by_suffix: dict[str, list[Candidate]] = {}
    for entry in entries:
        by_suffix.setdefault(entry.suffix, []).append(entry)
    for group in by_suffix.values():
        several = len(group) > 1
        # The same number of labels for all of them where that keeps them apart.
        for depth in range(max(len(entry.more) for entry in group) + 1):
            labels = [_label([*entry.always, *entry.more[:depth]]) for entry in group]
            names = [_stem(base, label, entry.suffix) for label, entry in zip(labels, group, strict=True)]
            distinct = len({fold(name) for name in names}) == len(names)
            if distinct and not (several and depth == 0 and not all(labels)) and not any(map(taken, names)):
                break
        else:
            names = []
            for entry in group:
                for words in _tries(entry, several=several):
                    name = _stem(base, _label(words), entry.suffix)
                    if fold(name) not in used and not taken(name):
                        break
                names.append(name)
                used.add(fold(name))
        for entry, name in zip(group, names, strict=True):
            result[entry.key] = name
            used.add(fold(name))
    return result
