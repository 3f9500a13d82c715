# SPDX-License-Identifier: GPL-3.0-or-later
"""Torrents that are not imported, and the kind of those that are."""

from __future__ import annotations

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._import.model import (
    ExistingFiles,
    ImportPlan,
    Refusal,
    Torrent,
    TorrentFile,
)
from ansible_collections.household.mediaserver.plugins.module_utils._import.plan import OTHER_PROGRAMS, plan
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._import.torrents import make, targets


def test_first_known_label_decides_before_folder_and_names() -> None:
    torrent = make("Movie.1999.1080p.mkv", folder="tv/x")
    labelled = Torrent(torrent.name, torrent.files, ("seedbox", "MISC", "movies"), torrent.folder)
    assert targets(labelled) == {torrent.name: "misc/Movie.1999.1080p.mkv"}
    assert targets(torrent)[torrent.name].startswith("tv/")


@pytest.mark.parametrize(
    ("torrent", "reason"),
    [
        (Torrent("x", (TorrentFile("x.mkv", 1, 1),), ("Sonarr",)), "ignored"),
        (Torrent("x", (TorrentFile("x.mkv", 1, 1),), (), "radarr/films"), "ignored"),
        (Torrent("x", (TorrentFile("x.mkv", 1, 1),), error=3, error_text="No data found"), "local_error"),
        (Torrent("x", ()), "nothing_to_publish"),
    ],
)
def test_torrent_is_refused_with_a_reason(torrent: Torrent, reason: str) -> None:
    result = plan(torrent, ExistingFiles(), this_year=2026, ignore=OTHER_PROGRAMS)
    assert isinstance(result, Refusal)
    assert result.reason == reason


@pytest.mark.parametrize("error", [1, 2])
def test_torrent_with_a_tracker_error_is_imported(error: int) -> None:
    torrent = Torrent("Movie.1999.mkv", (TorrentFile("Movie.1999.mkv", 1, 1),), error=error)
    assert isinstance(plan(torrent, ExistingFiles(), this_year=2026), ImportPlan)
