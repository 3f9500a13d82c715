# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Context of a file: the names of its folders and of the torrent, and which of them are titles."""

from __future__ import annotations

import re

from .extras import folder_kind
from .file_types import words
from .numbers import season_of
from .selection import Item

GENERIC_WORDS = words(
    "video videos movie movies film films new folder untitled"
    " download downloads complete completed tv series show"
    " shows episode episodes season seasons file files main feature title title1 disc disk dvd cd part sample"
    " test temp tmp"
    " torrent torrents media misc unknown 1080p 720p 2160p hd uhd index stream data output final collection"
    " cartoons comedies anime documentaries kids"
)
HASH = re.compile(
    r"[0-9a-f]{12,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-z]{22,}|[a-z]{11,}\d{3}|backup_\d{5,}s\d\d-\d\d"
    r"|(?=[a-z0-9]*\d[a-z0-9]*[a-z][a-z0-9]*\d)[a-z0-9]{14,}|abc|xyz|b00bs|\d{6}_\d{2}|\d{8,}|0{3,}\d+",
    re.IGNORECASE,
)
PART_FOLDER = re.compile(r"(?:cd|dvd|dis[ck]|part|pt)[\s._-]*(\d{1,2}|[a-d])", re.IGNORECASE)
DISC_FOLDERS = frozenset(["video_ts", "bdmv"])


def is_hash(stem: str) -> bool:
    """Return whether a name is a check sum or random letters."""
    return HASH.fullmatch(stem.strip()) is not None


def is_generic(title: str) -> bool:
    """Return whether a title is empty, a check sum, or consists of generic words."""
    found = re.findall(r"[^\W_]+", title.casefold())
    return not found or is_hash(title.replace(" ", "")) or all(word in GENERIC_WORDS or word == "0" for word in found)


def is_structure(folder: str) -> bool:
    """Return whether a folder only divides a torrent: a disc, a part, extras, subtitles or a season."""
    season = season_of(folder)
    bare_season = season is not None and not re.search(
        r"[^\W_]{3}", folder[: season.start] + re.sub(r"(?i)1080p|720p|2160p|complete", "", folder[season.end :])
    )
    return (
        folder.lower() in DISC_FOLDERS
        or PART_FOLDER.fullmatch(folder.strip()) is not None
        or bool(folder_kind(folder))
        or bare_season
    )


def disc_folder(parents: tuple[str, ...]) -> int | None:
    """Return the index of a disc's folder below the torrent's own, None when there is none."""
    return next((index for index, parent in enumerate(parents) if index and parent.lower() in DISC_FOLDERS), None)


def surroundings(item: Item, torrent_name: str) -> list[str]:
    """Return the names of the folders around a file, nearest first, and the torrent's."""
    names = list(reversed(item.parents))
    if item.parents and torrent_name and torrent_name != item.parents[0]:
        names.append(torrent_name)
    return names
