# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Discs as folders: VIDEO_TS and BDMV keep their inner names below the film's folder."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from . import context
from .film import Film
from .film_publisher import FilmPublisher
from .model import UNSUPPORTED
from .selection import Item
from .titles import ParsedName

DISC_FILE = re.compile(r"(?:video_ts|vts_\d{2}_\d)\.(?:ifo|bup|vob)", re.IGNORECASE)
# Names of a disc's files; a file with another name is not part of the disc.
INNER_NAME = re.compile(r"[A-Za-z0-9_+-](?:[A-Za-z0-9_+ .-]{0,60}[A-Za-z0-9_+-])?")


@dataclass
class Disc:
    """One disc: the folder that holds its structure, and its files by their path below the film's folder."""

    folder: tuple[str, ...]
    files: list[tuple[Item, str]] = field(default_factory=list)


def find_discs(items: list[Item]) -> list[Disc]:
    """Return the discs of a torrent."""
    discs: dict[tuple[str, ...], Disc] = {}
    for item in items:
        at = context.disc_folder(item.parents)
        if at is None and item.parents and DISC_FILE.fullmatch(item.name):
            discs.setdefault(item.parents, Disc(item.parents)).files.append((item, f"VIDEO_TS/{item.name}"))
        elif at is not None:
            inner = "/".join((item.parents[at], *item.parents[at + 1 :], item.name))
            disc = discs.setdefault(item.parents[:at], Disc(item.parents[:at]))
            disc.files.append((item, inner))
    return list(discs.values())


def _name(disc: Disc, films: FilmPublisher) -> tuple[ParsedName, int]:
    """Return the film's name and the number of the disc."""
    texts = list(reversed(disc.folder))
    if films.torrent.name not in texts:
        texts.append(films.torrent.name)
    part = context.PART_FOLDER.fullmatch(texts[0].strip()) if len(texts) > 1 else None
    number = part.group(1).lower() if part else ""
    names = [films.titles.read(text) for text in texts if not context.is_structure(text)] or [ParsedName("Untitled")]
    name = next((found for found in names if found.year), names[0])
    return name, (int(number) if number.isdigit() else ord(number) - 96) if number else 0


def publish_discs(discs: list[Disc], films: FilmPublisher) -> None:
    """Publish discs as films; several discs of one film are its parts."""
    for disc in discs:
        name, part = _name(disc, films)
        present = next(
            (
                films.builder.find_existing(item, "movies")
                for item, _inner in disc.files
                if films.builder.find_existing(item, "movies")
            ),
            "",
        )
        folder = films.folder(Film(name.title or "Untitled", name.year, name.ids))
        base = folder if not part else f"{folder}/{folder}-cd{part}"
        number = 2
        if present:
            base = re.split(r"/(?:VIDEO_TS|BDMV)/", present.partition("/")[2])[0]
        else:
            occupied = films.builder.names(f"movies/{folder}") or (films.has_disc(folder) if not part else ())
            if occupied:
                base = f"{folder} - Disc" + (f"/{folder} - Disc-cd{part}" if part else "")
            while films.builder.folders(f"movies/{base}") or films.builder.names(f"movies/{base}"):
                base = f"{folder} - Disc {number}"
                number += 1
        for item, inner in sorted(disc.files, key=lambda pair: pair[1]):
            if not films.builder.record_present([item]):
                continue
            path = f"movies/{base}/{inner}"
            if films.builder.is_taken(path) or not all(map(INNER_NAME.fullmatch, inner.split("/"))):
                films.builder.leave_out(item, UNSUPPORTED)
            else:
                films.builder.add_link(item, path)
