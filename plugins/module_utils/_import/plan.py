# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The planner: a torrent as RPC tells it and what the library holds go in, links and left-out files come out."""

from __future__ import annotations

import typing as t

from . import disc, file_types, kind, subtitles, tree
from .film_shelf import FilmShelf
from .model import (
    ARCHIVE,
    IGNORED,
    JUNK,
    LOCAL_ERROR,
    NOTHING_TO_PUBLISH,
    SAMPLE,
    UNSUPPORTED,
    Guess,
    LeftOut,
    Library,
    Link,
    Plan,
    Refusal,
    Torrent,
)
from .selection import Item, context_items, select
from .shelf import Shelf
from .show import UNKNOWN, Shows
from .show_shelf import ShowShelf
from .titles import Titles

# Labels and folders that the usual programs give to their own torrents: the default of upkeep_import_ignore.
OTHER_PROGRAMS = ("sonarr", "radarr", "lidarr", "readarr", "tv-sonarr", "radarr-movies")
TRANSMISSION_LOCAL_ERROR = 3
# A Pi without a clock starts in the past; the code was written in this year.
WRITTEN_IN = 2026


def refusal(torrent: Torrent, ignore: t.Iterable[str] = ()) -> Refusal | None:
    """Return why a torrent is not imported at all; None when it is."""
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
    library: Library,
    *,
    guess: Guess | None = None,
    this_year: int = WRITTEN_IN,
    ignore: t.Iterable[str] = (),
    forced_kind: str = "",
) -> Plan | Refusal:
    """Plan the import of one torrent. Pure: the same arguments give the same plan."""
    refused = refusal(torrent, ignore)
    if refused:
        return refused
    titles = Titles(guess, max(this_year, WRITTEN_IN))
    items, left_out = select(torrent)
    shelf = Shelf(library)
    labelled = bool(forced_kind) or kind.is_labelled(torrent)
    around = context_items(torrent)
    chosen = forced_kind or (kind.decide(torrent, around, titles) if items or labelled else "misc")
    if chosen == "tv" and not labelled and not _has_show(torrent, around, titles):
        chosen = "misc"
    if chosen == "misc":
        tree.publish_misc(items, shelf)
    elif chosen == "music":
        tree.publish_music(torrent, items, shelf)
    elif chosen == "books":
        tree.publish_books(torrent, items, shelf)
    else:
        biggest = max((item.size for item in around if item.is_video and not item.says_sample), default=0)
        _publish_videos(torrent, items, shelf, titles, chosen=chosen, labelled=labelled, biggest=biggest)
    links, more, present = shelf.result()
    every = tuple(sorted((*left_out, *more), key=lambda entry: entry.source))
    return Plan(chosen, _checked(links), every, present)


def _has_show(torrent: Torrent, items: list[Item], titles: Titles) -> bool:
    """Tell whether the names say of which show each numbered video is."""
    videos = [item for item in items if item.is_video]
    shows = Shows(torrent, titles, videos)
    return all(not episode or episode.show.title != UNKNOWN for episode in map(shows.read, videos))


def _checked(links: tuple[Link, ...]) -> tuple[Link, ...]:
    """Stop a plan that would leave the library; no input is known that leads to one."""
    for link in links:
        parts = link.target.split("/")
        if len(parts) < 2 or any(part in ("", ".", "..") for part in parts) or "\0" in link.target:
            raise ValueError(f"{link.source!r} would be published as {link.target!r}, outside the library")
    return links


def _publish_videos(
    torrent: Torrent, items: list[Item], shelf: Shelf, titles: Titles, *, chosen: str, labelled: bool, biggest: int
) -> None:
    """Publish films or a show with all that belongs to them."""
    sources = kind.is_source_tree(items) and not labelled
    films = FilmShelf(torrent, titles, shelf, biggest=biggest)
    discs = disc.find_discs(items) if chosen == "movies" else []
    on_disc = {item.path for found in discs for item, _inner in found.files}
    types = file_types.VIDEO | (file_types.DISC_IMAGE if chosen == "movies" else frozenset())
    rest = [item for item in items if item.path not in on_disc]
    videos = [
        item for item in rest if item.extension in types and kind.looks_like_video(item, sources=sources, image=True)
    ]
    stems: dict[str, str] = {}
    disc.publish_discs(discs, films)
    if chosen == "tv":
        shows = ShowShelf(torrent, titles, shelf)
        shows.publish(videos, labelled=labelled, biggest=biggest)
        films.publish(shows.films)
        stems.update(shows.stems)
    elif videos and discs:
        films.publish_beside_disc(videos)
    else:
        films.publish(videos)
    stems.update(films.stems)
    paths = {item.path for item in videos}
    others = [item for item in rest if item.path not in paths]
    companions = [item for item in others if subtitles.is_companion(item) and not _is_sample_companion(item)]
    unknown = {item.path for item in subtitles.publish_subtitles(companions, videos, stems, shelf, titles)}
    companion_paths = {item.path for item in companions}
    audio: list[Item] = []
    for item in others:
        if item.path in companion_paths and item.path not in unknown:
            continue
        if item.extension in file_types.AUDIO and item.extension not in file_types.TRACK:
            audio.append(item)
        else:
            shelf.leave(item, _reason(item))
    _publish_audio(torrent, audio, shelf)


def _is_sample_companion(item: Item) -> bool:
    return item.says_sample and len(item.parents) > 1


def _publish_audio(torrent: Torrent, audio: list[Item], shelf: Shelf) -> None:
    """Publish the soundtrack of a film as music: in the film's folder it would stop the film being one."""
    if audio:
        tree.publish_music(torrent, audio, shelf)


def _reason(item: Item) -> str:
    """Return why a file beside films and shows is left out."""
    if item.is_subtitle:
        return SAMPLE if _is_sample_companion(item) else UNSUPPORTED
    if file_types.is_archive(item.extension):
        return ARCHIVE
    if item.extension in file_types.NOTE | file_types.PROGRAM | file_types.PICTURE:
        return JUNK
    return UNSUPPORTED


__all__ = ["LeftOut", "Library", "Link", "Plan", "Refusal", "Torrent", "plan", "refusal"]
