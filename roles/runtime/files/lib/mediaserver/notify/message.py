# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of a message. Pure. Titles are in it only where the household wants them: they leave the host."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from mediaserver._import.file_types import VIDEO

HEADING = "Media server"
# What is counted in a library of each kind: one, and several.
COUNTED = {
    "movies": ("film", "films"),
    "tv": ("episode", "episodes"),
    "music": ("album", "albums"),
    "books": ("book", "books"),
}
OTHER = ("other download", "other downloads")
# Titles in one message.
TITLES_SHOWN = 20


@dataclass(frozen=True)
class Message:
    """``heading`` is a short line, which some services do not show."""

    heading: str
    body: str


@dataclass(frozen=True)
class News:
    """What one torrent added to the library. ``titles`` are those of films, shows, albums and books."""

    kind: str
    count: int
    titles: tuple[str, ...] = ()


def news_of(kind: str, targets: Iterable[str], fresh: int) -> News:
    """Return the news of a torrent: its paths below the media root, and how many files of it are new there.

    A path is <library>/<title>/…; subtitles and pictures beside a film are not counted.
    """
    paths = [PurePosixPath(target) for target in targets]
    names = dict.fromkeys(path.parts[1] for path in paths if len(path.parts) > 1)
    titles = tuple("".join(letter for letter in name if letter.isprintable()) for name in names)
    episodes = {path.stem for path in paths if path.suffix.lower() in VIDEO}
    count = len(episodes) if kind == "tv" and episodes else len(titles)
    return News(kind, max(1, min(count, fresh)), titles)


def compose(news: Sequence[News], *, titles: bool) -> Message:
    """Return one message on all these arrivals."""
    counts: Counter[tuple[str, str]] = Counter()
    for one in news:
        counts[COUNTED.get(one.kind, OTHER)] += one.count
    order = [*COUNTED.values(), OTHER]
    parts = [f"{counts[words]} new {words[counts[words] != 1]}" for words in order if counts[words]]
    lines = [_joined(parts)]
    if titles:
        named = list(dict.fromkeys(title for one in news for title in one.titles))
        lines += [f"- {title}" for title in named[:TITLES_SHOWN]]
        lines += [f"- and {len(named) - TITLES_SHOWN} more"] * (len(named) > TITLES_SHOWN)
    return Message(HEADING, "\n".join(lines))


def _joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
