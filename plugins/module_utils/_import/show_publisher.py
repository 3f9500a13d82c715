# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Publishes episodes: tv/Show (Year)/Season NN/Show (Year) SxxEyy."""

from __future__ import annotations

import re

from . import context, numbers, release, versions
from .builder import PlanBuilder
from .film_publisher import put_extra
from .model import SAMPLE, UNSUPPORTED, Torrent
from .names import clip, plain, visible
from .selection import Item
from .show import UNKNOWN, Episode, Shows, extra_kind, show_key
from .titles import ParsedName, Titles, separated, without_group, without_site

SHOW_BYTES = 180
SAMPLE_SHARE = 0.5


class ShowPublisher:
    """Publishes the shows of one torrent."""

    def __init__(self, torrent: Torrent, titles: Titles, builder: PlanBuilder) -> None:
        """Index the shows in the library."""
        self.torrent = torrent
        self.titles = titles
        self.builder = builder
        self.stems: dict[str, str] = {}
        # Videos that are films, not episodes.
        self.films: list[Item] = []
        self.episodes: dict[tuple[str, str], list[str]] = {}
        self._folders: dict[tuple[str, int | None], str] = {}
        self._known: dict[str, list[tuple[str, ParsedName]]] = {}
        for folder in sorted(builder.folders("tv")):
            name = titles.read(folder)
            self._known.setdefault(show_key(name.title), []).append((folder, name))

    def _existing(self, show: ParsedName) -> str:
        """Return the library's folder of a show: the same year, or the only one where a year is missing."""
        known = [
            (folder, name)
            for folder, name in self._known.get(show_key(show.title), [])
            if not (name.ids and show.ids) or set(name.ids) & set(show.ids)
        ]
        exact = [folder for folder, name in known if name.year == show.year]
        if exact:
            return exact[0]
        if show.year is None:
            return known[0][0] if len(known) == 1 else ""
        return next((folder for folder, name in known if name.year is None), "")

    def folder(self, show: ParsedName) -> str:
        """Return the name of a show's folder, the same for all spellings in this torrent."""
        key = (show_key(show.title), show.year)
        if key not in self._folders:
            tail = (f" ({show.year})" if show.year else "") + (f" [{show.ids[0]}]" if show.ids else "")
            new = clip(plain(show.title) or UNKNOWN, SHOW_BYTES) + tail
            if new.lower() in ("subs", "metadata", "sample", "samples"):
                new += " (show)"
            self._folders[key] = self._existing(show) or self.builder.spelling("tv", new)
        return self._folders[key]

    def season_folder(self, show: str, season: int) -> str:
        """Return the name of a season's folder, the library's where it has one."""
        for folder in self.builder.folders(f"tv/{show}"):
            found = numbers.season_of(folder)
            if found and found.number == season and context.is_structure(folder):
                return folder
        return f"Season {season:02d}"

    def publish(self, items: list[Item], *, labelled: bool, biggest: int) -> None:
        """Publish videos; samples, extras and films among them."""
        videos = []
        for item in items:
            if item.has_sample_word and item.size < biggest * SAMPLE_SHARE:
                self.builder.leave_out(item, SAMPLE)
            else:
                videos.append(item)
        extras = {item.path: kind for item in videos if (kind := extra_kind(item))}
        main = [item for item in videos if item.path not in extras]
        shows = Shows(self.torrent, self.titles, main)
        episodes = [(item, shows.read(item)) for item in main]
        named = {show_key(episode.show.title) for _item, episode in episodes if episode}
        groups: dict[tuple[str, str], list[Episode]] = {}
        for item, found in episodes:
            episode = found
            if not episode and not labelled and self._is_film(item, named):
                self.films.append(item)
                continue
            episode = self._filled(episode or shows.special(item), named, episodes)
            folder = self.folder(episode.show)
            code = episode.number.code if episode.is_numbered else f"special {item.path}"
            groups.setdefault((folder, code), []).append(episode)
        for (folder, _code), group in groups.items():
            self._publish_group(folder, group)
        self._publish_extras([item for item in videos if item.path in extras], extras, shows, episodes)

    def _is_film(self, item: Item, shows: set[str]) -> bool:
        """Return whether a video without number is a film: its name has a year and another title than the shows."""
        name = self.titles.read(item.stem)
        key = show_key(name.title)
        return bool(name.year and key) and not any(key.startswith(show) for show in shows)

    @staticmethod
    def _filled(episode: Episode, named: set[str], episodes: list[tuple[Item, Episode | None]]) -> Episode:
        """Assign a video of an unknown show to the only show of the torrent."""
        if episode.show.title != UNKNOWN and (episode.is_numbered or show_key(episode.show.title) in named):
            return episode
        shows = {show_key(found.show.title): found.show for _item, found in episodes if found}
        if len(shows) == 1:
            return Episode(episode.item, next(iter(shows.values())), episode.number, episode.tags)
        return episode

    def _publish_group(self, folder: str, group: list[Episode]) -> None:
        fresh = []
        for episode in group:
            existing = self.builder.find_existing(episode.item, "tv")
            if existing:
                self.stems[episode.item.path] = existing[: len(existing) - len(episode.item.suffix)]
                self.episodes.setdefault((folder, episode.number.code), []).append(episode.item.path)
            if self.builder.record_present([episode.item]):
                fresh.append(episode)
        if not fresh:
            return
        season = self.season_folder(folder, fresh[0].number.season or 0)
        base = f"tv/{folder}/{season}"
        name = clip(re.sub(r"\s*\[[a-z]+id[-=][^\]]*\]", "", folder), SHOW_BYTES + 10)
        if not fresh[0].is_numbered:
            names = {fresh[0].item.path: self._own_name(fresh[0], base)}
        else:
            number = fresh[0].number
            stem = f"{name} - {number.date}" if number.date else f"{name} {number.code}"
            entries = [
                versions.Candidate(
                    item.path,
                    tags,
                    tuple(release.editions(tags)) if len(group) > 1 else (),
                    last=self._episode_title(tags) if len(group) > 1 else "",
                )
                for item, tags in ((episode.item, f" {episode.tags}") for episode in fresh)
            ]
            names = versions.stems(stem, entries, lambda text: self.builder.has_video(base, text))
        for episode in fresh:
            path = f"{base}/{names[episode.item.path]}"
            self.stems[episode.item.path] = path
            if episode.is_numbered:
                self.episodes.setdefault((folder, episode.number.code), []).append(episode.item.path)
            self.builder.add_link(episode.item, path + episode.item.suffix)

    @staticmethod
    def _episode_title(tags: str) -> str:
        """Return the title of an episode, which distinguishes files of one number; empty when it has digits."""
        title = separated(tags[: release.stop(f"x{tags}") - 1])
        return title if len(title) <= 60 and not re.search(r"\d", title) else ""

    def _own_name(self, episode: Episode, base: str) -> str:
        """Return the name of a special without number; digits are enclosed, so that Jellyfin reads no number."""
        text = without_group(without_site(visible(episode.item.stem)))
        own = separated(text[: release.stop(text)]) or "Special"
        own = re.sub(r"(?<=\s)(\d[\d.]*)(?=\s|$)", r"(\1)", own)
        own = clip(own, 200)
        stem = own
        while self.builder.has_video(base, stem):
            stem = f"{own} (Version {self.builder.copy_number(f'{base}/{own}')})"
        return stem

    def _publish_extras(
        self, items: list[Item], kinds: dict[str, str], shows: Shows, episodes: list[tuple[Item, Episode | None]]
    ) -> None:
        for item in items:
            if not self.builder.record_present([item]):
                continue
            found = {self.folder(episode.show) for _item, episode in episodes if episode}
            around = shows.show_of_extra(item)
            if len(found) == 1:
                folder = next(iter(found))
            elif around:
                folder = self.folder(around)
            else:
                self.builder.leave_out(item, UNSUPPORTED)
                continue
            put_extra(item, f"tv/{folder}", kinds[item.path], self.builder, self.stems)
