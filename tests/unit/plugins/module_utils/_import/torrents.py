# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds torrents and plans them."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.household.mediaserver.plugins.module_utils._import.model import (
    ExistingFiles,
    ImportPlan,
    Torrent,
    TorrentFile,
)
from ansible_collections.household.mediaserver.plugins.module_utils._import.plan import plan

GB, MB = 10**9, 10**6
BIG = {"mkv", "mp4", "avi", "iso", "ts", "m2ts", "vob"}


def make(name: str, files: Sequence[str | tuple[str, int]] = (), label: str = "", folder: str = "") -> Torrent:
    """Build a torrent: of one file with its name, or of files in a folder with its name."""
    listed = []
    for entry in files or [name]:
        path, size = entry if isinstance(entry, tuple) else (entry, 0)
        size = size or (2 * GB if path.rpartition(".")[2].lower() in BIG else 50_000)
        listed.append(TorrentFile(f"{name}/{path}" if files else path, size, size))
    return Torrent(name, tuple(listed), (label,) if label else (), folder)


def targets(torrent: Torrent, existing: Sequence[str] = ()) -> dict[str, str]:
    """Return the target, or "out:" and the reason, of each path below the torrent's folder."""
    result = plan(torrent, ExistingFiles(dict.fromkeys(existing)), this_year=2026)
    assert isinstance(result, ImportPlan)
    pairs = [(link.source, link.target) for link in result.links]
    pairs += [(entry.source, f"out:{entry.reason}") for entry in result.left_out]
    return {source.removeprefix(f"{torrent.name}/"): target for source, target in pairs}
