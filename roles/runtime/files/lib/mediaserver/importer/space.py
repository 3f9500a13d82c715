# SPDX-License-Identifier: GPL-3.0-or-later
"""What would free how much space on the media disk, largest first."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mediaserver._jellyfin.client import expect_list, expect_object
from mediaserver.importer.access import NotNow
from mediaserver.importer.holdings import Choice, Holdings, freed
from mediaserver.importer.jellyfin import Jellyfin
from mediaserver.importer.listing import MIXED, is_item
from mediaserver.importer.removal import DOWNLOADS, LIBRARY, Manifest, Removals
from mediaserver.importer.runner import Runner
from mediaserver.importer.settings import CONTAINER_MEDIA

UNLINKED = "a download without a link in the library"
SHARED = "a seed that has reached its ratio"
WATCHED = "every user has watched it"
REMOVED = "removed; it is deleted after seven days"
WATCHABLE = "Movie,Episode"


@dataclass(frozen=True)
class Offer:
    """Something that can be removed. ``name`` is what `mediaserver remove` takes."""

    name: str
    frees: int
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """``notes``: what could not be found out, and why."""

    offers: tuple[Offer, ...]
    free: int
    total: int
    notes: tuple[str, ...] = ()


def read_holdings(run: Runner) -> Holdings:
    """Raises NotNow for a Transmission that does not answer."""
    now = run.clock.monotonic()
    limit = run.transmission_service.ask(run.torrents.ratio_limit, now)
    return Holdings.read(run.settings, run.transmission_service.ask(run.torrents.seeds, now), limit)


def inform_removed(run: Runner, paths: Sequence[str]) -> None:
    """Give Jellyfin the folders that have lost files. It would find them later by itself."""
    jellyfin = run.jellyfin
    folders = sorted({path.rpartition("/")[0] for path in paths})
    if jellyfin is not None and folders:
        with contextlib.suppress(NotNow):
            run.jellyfin_service.ask(lambda: jellyfin.inform(folders, change="Deleted"), run.clock.monotonic())


def report(run: Runner) -> Report:
    """Raises NotNow for a Transmission that does not answer, LibraryProblem."""
    holdings, removals = read_holdings(run), run.removals
    notes = []
    watched: set[str] = set()
    if run.jellyfin is not None:
        jellyfin = run.jellyfin
        try:
            watched = run.jellyfin_service.ask(lambda: watched_paths(jellyfin), run.clock.monotonic())
        except NotNow as error:
            notes.append(f"What was watched is not known: {error}")
    usage = shutil.disk_usage(run.settings.media)
    found = [*offers(holdings, watched), *(_removed(one, removals) for one in removals.list())]
    return Report(tuple(sorted(found, key=lambda one: (-one.frees, one.name))), usage.free, usage.total, tuple(notes))


def offers(holdings: Holdings, watched: set[str]) -> list[Offer]:
    """Return what is offered, each thing once with all its reasons. ``watched``: paths relative to the media root."""
    found: dict[tuple[tuple[str, ...], tuple[str, ...]], tuple[Choice, list[str]]] = {}

    def offer(choice: Choice, why: str) -> None:
        found.setdefault((choice.library, choice.downloads), (choice, []))[1].append(why)

    for seed in holdings.seeds:
        if not seed.done or not seed.files:
            continue
        choice = holdings.of_torrent(seed)
        if not choice.library:
            offer(choice, UNLINKED)
        elif seed.limit is not None and seed.ratio >= seed.limit:
            offer(choice, SHARED)
    for entry in holdings.entries:
        choice = holdings.of_entry(entry)
        videos = [path for path in choice.library if path in watched]
        # Files that Jellyfin does not list on their own (subtitles, extras) need no mark.
        if videos and all(path in watched or not _is_watchable(path) for path in choice.library):
            offer(choice, WATCHED)
    return [Offer(choice.name, choice.frees, tuple(reasons)) for choice, reasons in found.values() if choice.frees]


def _is_watchable(path: str) -> bool:
    return path.split("/", maxsplit=1)[0] in ("movies", "tv") and is_item(path, MIXED[0])


def watched_paths(jellyfin: Jellyfin) -> set[str]:
    """Return the files that every user who sees them has watched, relative to the media root.

    Raises the errors of JellyfinClient.
    """
    users = expect_list(jellyfin.client.get("/Users"), "GET /Users")
    seen: dict[str, bool] = {}
    for user in users:
        if (user.get("Policy") or {}).get("IsDisabled"):
            continue
        query: dict[str, str | int | bool] = {
            "userId": str(user["Id"]),
            "recursive": True,
            "includeItemTypes": WATCHABLE,
            "enableUserData": True,
            "fields": "Path,MediaSources",
        }
        answer = expect_object(jellyfin.client.get("/Items", query=query), "GET /Items")
        for item in expect_list(answer.get("Items"), "GET /Items"):
            played = bool((item.get("UserData") or {}).get("Played"))
            for path in _paths(item):
                seen[path] = seen.get(path, True) and played
    return {path.removeprefix(f"{CONTAINER_MEDIA}/") for path, played in seen.items() if played}


def _paths(item: Mapping[str, Any]) -> set[str]:
    sources: Sequence[Mapping[str, Any]] = item.get("MediaSources") or ()
    return {str(item.get("Path") or ""), *(str(one.get("Path") or "") for one in sources)} - {""}


def _removed(manifest: Manifest, removals: Removals) -> Offer:
    folder = removals.trash / manifest.id
    paths = [path for name in (LIBRARY, DOWNLOADS) for path in (folder / name).rglob("*") if not path.is_dir()]
    return Offer(manifest.name, freed(paths), (REMOVED,))
