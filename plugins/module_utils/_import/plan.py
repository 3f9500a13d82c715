# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Plans the import of a torrent: from its files and the library's files to links and left-out files."""

from __future__ import annotations

import typing as t

from . import disc, file_types, kind, subtitles, tree
from .builder import PlanBuilder
from .film_publisher import FilmPublisher
from .model import (
    ARCHIVE,
    IGNORED,
    JUNK,
    LOCAL_ERROR,
    NOTHING_TO_PUBLISH,
    SAMPLE,
    UNSUPPORTED,
    ExistingFiles,
    Guess,
    ImportPlan,
    LeftOut,
    Link,
    Refusal,
    Torrent,
)
from .selection import Item, context_items, select
from .show import UNKNOWN, Shows
from .show_publisher import ShowPublisher
from .titles import Titles

# Labels and folders of torrents that other programs import: the default of upkeep_import_ignore.
OTHER_PROGRAMS = ("sonarr", "radarr", "lidarr", "readarr", "tv-sonarr", "radarr-movies")
TRANSMISSION_LOCAL_ERROR = 3
# A Pi without a real-time clock starts in the past, so an earlier year is not used.
EARLIEST_YEAR = 2026


def refusal(torrent: Torrent, ignore: t.Iterable[str] = ()) -> Refusal | None:
    """Return why a torrent is not imported, None when it is."""
    ignored = {word.strip().casefold() for word in ignore}
    for label in torrent.labels:
        if label.strip().casefold() in ignored:
            return Refusal(IGNORED, f"Label {label!r} belongs to another program.")
    for folder in torrent.folder.split("/"):
        if folder.strip().casefold() in ignored:
            return Refusal(IGNORED, f"Folder {folder!r} belongs to another program.")
    if torrent.error == TRANSMISSION_LOCAL_ERROR:
        return Refusal(LOCAL_ERROR, f"Transmission reports a local error: {torrent.error_text or 'no text'}.")
    if not torrent.files:
        return Refusal(NOTHING_TO_PUBLISH, "Transmission does not list any file yet.")
    return None


def plan(
    torrent: Torrent,
    existing: ExistingFiles,
    *,
    guess: Guess | None = None,
    this_year: int = EARLIEST_YEAR,
    ignore: t.Iterable[str] = (),
    forced_kind: str = "",
) -> ImportPlan | Refusal:
    """Plan the import of one torrent. Pure: the same arguments give the same plan.

    guess reads titles (None: without guessit), ignore lists labels and folders of other programs, forced_kind replaces
    the detection of the kind.
    """
    refused = refusal(torrent, ignore)
    if refused:
        return refused
    titles = Titles(guess, max(this_year, EARLIEST_YEAR))
    items, left_out = select(torrent)
    builder = PlanBuilder(existing)
    labelled = bool(forced_kind) or kind.is_labelled(torrent)
    around = context_items(torrent)
    chosen = forced_kind or (kind.decide(torrent, around, titles) if items or labelled else "misc")
    if chosen == "tv" and not labelled and not _has_show(torrent, around, titles):
        chosen = "misc"
    if chosen == "misc":
        tree.publish_misc(items, builder)
    elif chosen == "music":
        tree.publish_music(torrent, items, builder)
    elif chosen == "books":
        tree.publish_books(torrent, items, builder)
    else:
        _publish_videos(torrent, items, around, builder, titles, chosen=chosen, labelled=labelled)
    links, more, present = builder.result()
    every = tuple(sorted((*left_out, *more), key=lambda entry: entry.source))
    return ImportPlan(chosen, _checked(links), every, present)


def _has_show(torrent: Torrent, items: list[Item], titles: Titles) -> bool:
    """Return whether the show of each numbered video is known."""
    videos = [item for item in items if item.is_video]
    shows = Shows(torrent, titles, videos)
    return all(not episode or episode.show.title != UNKNOWN for episode in map(shows.read, videos))


def _checked(links: tuple[Link, ...]) -> tuple[Link, ...]:
    """Return the links. Raises ValueError for a target outside the library; no known input leads to one."""
    for link in links:
        parts = link.target.split("/")
        if len(parts) < 2 or any(part in ("", ".", "..") for part in parts) or "\0" in link.target:
            raise ValueError(f"{link.source!r} would be published as {link.target!r}, outside the library")
    return links


def _publish_videos(
    torrent: Torrent,
    items: list[Item],
    around: list[Item],
    builder: PlanBuilder,
    titles: Titles,
    *,
    chosen: str,
    labelled: bool,
) -> None:
    """Publish films or shows with their subtitles, sound tracks and extras; ``around`` are all files of the torrent."""
    biggest = max((item.size for item in around if item.is_video and not item.has_sample_word), default=0)
    sources = kind.is_source_tree(items) and not labelled
    films = FilmPublisher(torrent, titles, builder, biggest=biggest)
    discs = disc.find_discs(items) if chosen == "movies" else []
    on_disc = {item.path for found in discs for item, _inner in found.files}
    types = file_types.VIDEO | (file_types.DISC_IMAGE if chosen == "movies" else frozenset())
    rest = [item for item in items if item.path not in on_disc]
    videos = [
        item for item in rest if item.extension in types and kind.looks_like_video(item, sources=sources, image=True)
    ]
    disc.publish_discs(discs, films)
    stems: dict[str, str] = {}
    if chosen == "tv":
        shows = ShowPublisher(torrent, titles, builder)
        shows.publish(videos, labelled=labelled, biggest=biggest)
        films.publish(shows.films)
        stems.update(shows.stems)
    elif videos and discs:
        films.publish_beside_disc(videos)
    else:
        films.publish(videos)
    stems.update(films.stems)
    whole = {item.path for item in items}
    absent = [item for item in around if item.is_video and item.path not in whole]
    paths = {item.path for item in videos}
    others = [item for item in rest if item.path not in paths]
    _publish_others(torrent, others, subtitles.Pairer(videos, absent, stems, titles), builder)


def _publish_others(torrent: Torrent, others: list[Item], pairer: subtitles.Pairer, builder: PlanBuilder) -> None:
    """Publish subtitles and sound tracks beside their videos, and audio as music; leave out the rest."""
    companions = [item for item in others if subtitles.is_companion(item) and not _is_sample_companion(item)]
    unknown = {item.path for item in subtitles.publish_subtitles(companions, pairer, builder)}
    published = {item.path for item in companions} - unknown
    audio: list[Item] = []
    for item in others:
        if item.path in published:
            continue
        if item.extension in file_types.AUDIO and item.extension not in file_types.TRACK:
            audio.append(item)
        else:
            builder.leave_out(item, _reason(item))
    _publish_audio(torrent, audio, builder)


def _is_sample_companion(item: Item) -> bool:
    return item.has_sample_word and len(item.parents) > 1


def _publish_audio(torrent: Torrent, audio: list[Item], builder: PlanBuilder) -> None:
    """Publish audio as music, because Jellyfin reads no film in a folder with audio files."""
    if audio:
        tree.publish_music(torrent, audio, builder)


def _reason(item: Item) -> str:
    """Return the reason to leave out a file beside films and shows."""
    if item.is_subtitle:
        return SAMPLE if _is_sample_companion(item) else UNSUPPORTED
    if file_types.is_archive(item.extension):
        return ARCHIVE
    if item.extension in file_types.NOTE | file_types.PROGRAM | file_types.PICTURE:
        return JUNK
    return UNSUPPORTED


__all__ = ["ExistingFiles", "ImportPlan", "LeftOut", "Link", "Refusal", "Torrent", "plan", "refusal"]
