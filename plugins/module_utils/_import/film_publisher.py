# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Publishes films: folders, versions, parts, discs and extras."""

from __future__ import annotations

from . import context, file_types, versions
from .builder import PlanBuilder
from .film import Film, Films, edition_labels, film_key, main_videos
from .model import SAMPLE, UNSUPPORTED, Torrent
from .names import LIMIT, clip, fit, plain, size, visible
from .selection import Item
from .titles import ParsedName, Titles

# Bytes of a name that are kept free for a label, a language and an extension.
ROOM = 52


class FilmPublisher:
    """Publishes the films of one torrent."""

    def __init__(self, torrent: Torrent, titles: Titles, builder: PlanBuilder, *, biggest: int = 0) -> None:
        """Prepare the publication; builder collects the plan."""
        self.torrent = torrent
        self.titles = titles
        self.builder = builder
        # Size in bytes of the torrent's biggest video, complete or not.
        self.biggest = biggest
        # Path of a video in the torrent to the path of its file without extension, for its subtitles.
        self.stems: dict[str, str] = {}
        self._known: dict[tuple[str, int | None], list[tuple[str, ParsedName]]] | None = None

    def _existing(self, film: Film) -> str:
        """Return the folder that the library has for a film: same title, same year, no other id."""
        if self._known is None:
            self._known = {}
            for folder in sorted(self.builder.folders("movies")):
                name = self.titles.read(folder)
                self._known.setdefault(film_key(name.title, name.year), []).append((folder, name))
        for folder, name in self._known.get(film_key(film.title, film.year), []):
            if not (name.ids and film.ids) or set(name.ids) & set(film.ids):
                return folder
        return ""

    def folder(self, film: Film) -> str:
        """Return the name of a film's folder."""
        existing = self._existing(film)
        if existing:
            return existing
        tail = f" ({film.year})" if film.year else ""
        tail += f" [{film.ids[0]}]" if film.ids else ""
        title = clip(plain(film.title) or "Untitled", LIMIT - ROOM - size(tail))
        if title.lower() in ("subs", "metadata", "sample", "samples", "trailers", "extras") and not tail:
            tail = " (film)"
        return self.builder.spelling("movies", title + tail)

    def has_disc(self, folder: str) -> bool:
        """Return whether the library's folder of a film holds a disc."""
        return any(name.lower() in context.DISC_FOLDERS for name in self.builder.folders(f"movies/{folder}"))

    def publish(self, items: list[Item]) -> None:
        """Publish videos and images of discs; samples and extras among them."""
        main, samples, extras = main_videos(items, self.titles, self.biggest)
        for item in samples:
            self.builder.leave_out(item, SAMPLE)
        films = Films(self.torrent.name, self.titles)
        groups = films.group(main)
        extras.update(films.extras)
        for film in groups:
            self._publish_film(film)
        by_path = {item.path: item for item in items}
        for path, kind in extras.items():
            self._publish_extra(by_path[path], kind, groups)

    def publish_beside_disc(self, items: list[Item]) -> None:
        """Publish the videos beside a disc: main videos with a year are films; the others are left out."""
        main, _samples, _extras = main_videos(items, self.titles, self.biggest)
        rest = [item for item in items if item in main and self.titles.read(item.stem).year]
        for item in items:
            if item not in rest:
                self.builder.leave_out(item, UNSUPPORTED)
        self.publish(rest)

    def _publish_film(self, film: Film) -> None:
        existing = {video.item.path: self.builder.find_existing(video.item, "movies") for video in film.videos}
        for path, target in existing.items():
            if target:
                self.stems[path] = target[: -len(file_types.split_extension(target.rpartition("/")[2])[1]) or None]
        missing = {item.path for item in self.builder.record_present(video.item for video in film.videos)}
        fresh = [video for video in film.videos if video.item.path in missing]
        in_use = (target.split("/")[1] for target in existing.values() if target.count("/") == 2)
        folder = next(in_use, "") or self.folder(film)
        if self.has_disc(folder):
            folder = f"{folder} - Video"
        entries = []
        for video in fresh:
            entries.append(
                versions.Candidate(video.item.path, video.name.tags, tuple(edition_labels(video)), suffix=video.suffix)
            )
        names = (
            versions.stems(folder, entries, lambda stem: self.builder.has_video(f"movies/{folder}", stem))
            if entries
            else {}
        )
        for video in fresh:
            stem = f"movies/{folder}/{names[video.item.path]}"
            self.stems[video.item.path] = stem
            self.builder.add_link(video.item, stem + video.item.suffix)

    def _film_of(self, item: Item, groups: list[Film]) -> Film | None:
        """Return the film of an extra: the only one, the one in its folder, or the one in its name."""
        if len(groups) < 2:
            return groups[0] if groups else None
        for depth in range(len(item.parents), 1, -1):
            around = [
                film for film in groups if any(v.item.parents[:depth] == item.parents[:depth] for v in film.videos)
            ]
            if len(around) == 1:
                return around[0]
        text = item.stem.casefold().replace(".", " ").replace("_", " ")
        named = [film for film in groups if text.startswith(film.title.casefold())]
        return max(named, key=lambda film: len(film.title), default=None)

    def _publish_extra(self, item: Item, kind: str, groups: list[Film]) -> None:
        if not self.builder.record_present([item]):
            return
        film = self._film_of(item, groups)
        if film is None:
            self.builder.leave_out(item, UNSUPPORTED)
            return
        stem = next((self.stems[video.item.path] for video in film.videos if video.item.path in self.stems), "")
        folder = stem.split("/")[1] if stem else self.folder(film)
        put_extra(item, f"movies/{folder}", kind, self.builder, self.stems)


def put_extra(item: Item, folder: str, kind: str, builder: PlanBuilder, stems: dict[str, str]) -> None:
    """Publish an extra under its own name in one of Jellyfin's folders for them."""
    kind = builder.spelling(folder, kind)
    # Jellyfin ignores files *.sample.*, and hides names that begin with a dot.
    own = plain(visible(item.stem).replace(".sample", " sample")) or "extra"
    stem = own
    while builder.is_taken(f"{folder}/{kind}/{fit(stem, item.suffix)}"):
        stem = f"{clip(own, 230)} ({builder.copy_number(f'{folder}/{kind}/{own}')})"
    path = f"{folder}/{kind}/{fit(stem, item.suffix)}"
    stems[item.path] = path[: -len(item.suffix)] if item.suffix else path
    builder.add_link(item, path)
