# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Selects the library of a torrent: by its label, its sub-folder, then by names and types of its files."""

from __future__ import annotations

import re

from . import file_types, numbers, release
from .context import disc_folder, surroundings
from .extras import extras_folder
from .file_types import words
from .film import COLLECTION
from .model import KINDS, Torrent
from .selection import Item
from .show import extra_kind
from .titles import Titles

AUDIO_BOOK_WORD = re.compile(
    r"(?<![^\W_])(?:audio[\s._-]?books?|h\xf6rbuch|un-?abridged|audiolibro)(?![^\W_])", re.IGNORECASE
)
SOFTWARE_WORD = re.compile(
    r"(?<![^\W_])(?:x64|x86|amd64|i386|arm64|aarch64|linux|windows|macos|setup|keygen|portable|ubuntu|debian|fedora)(?![^\W_])",
    re.IGNORECASE,
)
# Tags of film discs' images, which images of operating systems do not have.
FILM_DISC = re.compile(
    r"(?<![^\W_])(?:blu-?ray|bd(?:25|50|66|100)|dvd-?(?:[59r]|rip)?|pal|ntsc|uhd|hd-?dvd|1080[pi]|2160p|avc|hevc)(?![^\W_])",
    re.IGNORECASE,
)
SOURCE_FILES = words(".js .json .tsx .jsx .css .scss .html .vue .mjs .lock .map .md")
SMALL_TS = 1 << 20
# Names that cameras and telephones give: IMG_0001, VID_20240315_120000, GX010001.
CAMERA = re.compile(
    r"(?:IMG|DSC[FN]?|MVI|MOV|VID|PXL|DJI|GOPR|G[HXLP]|MAH|CLIP)[_-]?\d{4,8}(?:[_-]?\d{4,9})?(?:[_~-]?\w{1,4})?",
    re.IGNORECASE,
)
SEASON_NAME = re.compile(r"(?<![^\W_])S\d{2}(?![^\W_])", re.IGNORECASE)
LESSON = re.compile(r"\d{1,3}[\s._)-]+[^\W\d_]{2}")
# Of several films in one torrent, each is larger.
SMALLEST_FILM = 600_000_000
# Of a larger torrent, evenly spaced videos are read: at most this many.
MAX_VIDEOS_READ = 300


def _labelled(torrent: Torrent) -> str:
    """Return the first known label, else the first known folder below the root of finished downloads."""
    for word in (*torrent.labels, *torrent.folder.split("/")[:1]):
        if word.strip().casefold() in KINDS:
            return word.strip().casefold()
    return ""


def is_source_tree(items: list[Item]) -> bool:
    """Return whether .ts files are sources of a program, not video."""
    return any(item.extension in SOURCE_FILES for item in items)


def is_labelled(torrent: Torrent) -> bool:
    """Return whether a label or a folder determines the kind."""
    return bool(_labelled(torrent))


def looks_like_video(item: Item, *, sources: bool, image: bool = False) -> bool:
    """Return whether a file is a video; a .ts below 1 MiB among sources is not."""
    if item.extension == ".ts" and item.size < SMALL_TS and sources:
        return False
    return item.is_video or (image and item.extension in file_types.DISC_IMAGE)


def episode_evidence(item: Item, torrent: Torrent, titles: Titles) -> bool:
    """Return whether the names of a video contain the number or date of an episode."""
    for text in (item.stem, *surroundings(item, torrent.name)):
        if numbers.full(text) or numbers.dated(text):
            return True
        name = titles.read(text)
        weak = _weak_number(item, torrent) if text == item.stem else None
        if name.year and name.title:
            # A number before the year belongs to a film's title: "Star Wars Episode 5 1980".
            return weak is not None and weak.start > text.rfind(str(name.year))
        if weak:
            return True
    return False


def _weak_number(item: Item, torrent: Torrent) -> numbers.Number | None:
    """Read a number without season, where the name or its context marks an episode."""
    number = numbers.episode_only(item.stem) or numbers.dashed(item.stem) or numbers.of_television(item.stem)
    if not number and numbers.is_fansub(item.stem):
        number = numbers.fansub(item.stem) or numbers.special(item.stem) or numbers.unnumbered(item.stem)
    season = next((found for text in surroundings(item, torrent.name) if (found := numbers.season_of(text))), None)
    if not number and season:
        number = numbers.bare(item.stem, season.number) or numbers.special(item.stem)
    return number


def _numbered_siblings(videos: list[Item]) -> bool:
    """Return whether several videos have one title and different numbers after a hyphen: "Naruto - 05"."""
    heads: dict[str, set[int]] = {}
    for item in videos:
        number = numbers.fansub(item.stem)
        if number and number.start:
            heads.setdefault(item.stem[: number.start].casefold(), set()).add(number.first)
    return any(len(found) > 1 for found in heads.values())


def _is_film_image(item: Item, torrent: Torrent, titles: Titles) -> bool:
    """Return whether a disc image is a film's."""
    texts = (item.stem, *surroundings(item, torrent.name), torrent.name)
    if any(SOFTWARE_WORD.search(text) for text in texts):
        return False
    return any(titles.read(text).year and FILM_DISC.search(text) for text in texts)


def _is_film(videos: list[Item], torrent: Torrent, titles: Titles) -> bool:
    """Return whether videos without numbers are films: one main video, a collection, or release names."""
    main = [item for item in videos if not extras_folder(item) and not item.has_sample_word]
    biggest = max((item.size for item in main), default=0)
    large = [item for item in main if item.size * 3 >= biggest]
    around = [titles.read(text).year or release.is_release(text) for text in _folders(large, torrent)]
    if len(large) <= 1:
        return any(around) or not any(CAMERA.fullmatch(item.stem) for item in large)
    # Lessons of a course and songs of a concert have numbers before their titles.
    numbered = all(LESSON.match(item.stem) for item in large)
    if COLLECTION.search(torrent.name) and not (numbered and biggest < SMALLEST_FILM):
        return True
    if any(titles.read(item.stem).year or release.is_release(item.stem) for item in large):
        return True
    # Several films have several years.
    of_one_year = any(titles.read(text).year for text in _folders(large, torrent))
    recorded = all(CAMERA.fullmatch(item.stem) for item in large)
    return any(around) and not recorded and not (numbered and (of_one_year or biggest < SMALLEST_FILM))


def _folders(items: list[Item], torrent: Torrent) -> set[str]:
    return {text for item in items for text in surroundings(item, torrent.name)}


def _is_season(videos: list[Item], torrent: Torrent, titles: Titles) -> bool:
    """Return whether the names of videos without numbers and years are a season's: Show.S01.1080p."""
    return bool(videos) and all(
        not titles.read(item.stem).year
        and any(
            SEASON_NAME.search(text) and not titles.read(text).year
            for text in (item.stem, *surroundings(item, torrent.name))
        )
        for item in videos
    )


def _by_size(items: list[Item], videos: list[Item]) -> str:
    """Return the type of most bytes, empty when all files are empty."""
    sizes = dict.fromkeys(("video", "audio", "book", "other"), 0)
    paths = {item.path for item in videos}
    for item in items:
        if item.path in paths:
            sizes["video"] += item.size
        elif item.extension in file_types.AUDIO:
            sizes["audio"] += item.size
        elif item.extension in file_types.BOOK | file_types.AUDIO_BOOK:
            sizes["book"] += item.size
        elif not (item.is_subtitle or item.extension in file_types.PICTURE | file_types.NOTE | {".opf"}):
            sizes["other"] += item.size
    if videos and sizes["video"] * 2 >= max(sizes["other"], sizes["audio"], sizes["book"]):
        return "video"
    if not any(sizes.values()):
        return ""
    return max(sizes, key=lambda name: sizes[name])


def _has_disc(items: list[Item], torrent: Torrent) -> bool:
    """Return whether a torrent has the structure of a film's disc, not of a season's."""
    on_disc = [item for item in items if disc_folder(item.parents)]
    return bool(on_disc) and not any(numbers.season_of(text) for text in surroundings(on_disc[0], torrent.name))


def decide(torrent: Torrent, items: list[Item], titles: Titles) -> str:
    """Return the kind of a torrent; misc when no rule matches."""
    labelled = _labelled(torrent)
    if labelled:
        return labelled
    sources = is_source_tree(items)
    on_disc = any(disc_folder(item.parents) for item in items)
    if on_disc:
        return "movies" if _has_disc(items, torrent) else "misc"
    videos = [item for item in items if looks_like_video(item, sources=sources)]
    images = [
        item for item in items if item.extension in file_types.DISC_IMAGE and _is_film_image(item, torrent, titles)
    ]
    by_size = _by_size(items, videos + images)
    if by_size == "video":
        some = videos[:: len(videos) // MAX_VIDEOS_READ + 1]
        if any(episode_evidence(item, torrent, titles) for item in some) or _numbered_siblings(some):
            return "tv"
        if _is_season(videos, torrent, titles):
            return "tv" if all(extra_kind(item) for item in videos) else "misc"
        return "movies" if _is_film(videos + images, torrent, titles) else "misc"
    return _by_type(by_size, torrent, items)


def _by_type(by_size: str, torrent: Torrent, items: list[Item]) -> str:
    """Return the kind of a torrent whose videos are not most of its bytes."""
    programs = any(item.extension in file_types.PROGRAM for item in items)
    if by_size == "book" and not programs:
        return "books"
    if by_size == "audio":
        return "books" if AUDIO_BOOK_WORD.search(torrent.name) else "music"
    return "misc"
