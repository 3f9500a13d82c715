# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are in the library already are used and not replaced."""

from __future__ import annotations

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._import.model import (
    ExistingFiles,
    ImportPlan,
    Torrent,
    TorrentFile,
)
from ansible_collections.household.mediaserver.plugins.module_utils._import.plan import plan
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._import.torrents import make, targets

EXISTING = {
    "show with a year, name without year": (
        "Doctor.Who.S05E01.mkv",
        ["tv/Doctor Who (2005)/Season 04/Doctor Who (2005) S04E01.mkv"],
        "tv/Doctor Who (2005)/Season 05/Doctor Who (2005) S05E01.mkv",
    ),
    "show of another year": (
        "Shogun.2024.S01E01.mkv",
        ["tv/Shogun (1980)/Season 01/Shogun (1980) S01E01.mkv"],
        "tv/Shogun (2024)/Season 01/Shogun (2024) S01E01.mkv",
    ),
    "two shows of the title, name without year": (
        "Shogun.S01E02.mkv",
        ["tv/Shogun (1980)/Season 01/a.mkv", "tv/Shogun (2024)/Season 01/b.mkv"],
        "tv/Shogun/Season 01/Shogun S01E02.mkv",
    ),
    "spelling of show and season": (
        "slow.horses.s02e01.mkv",
        ["tv/Slow Horses [tvdbid-1]/Season 2/x.mkv"],
        "tv/Slow Horses [tvdbid-1]/Season 2/Slow Horses S02E01.mkv",
    ),
    "episode that exists, without a distinguishing tag": (
        "Silo.S01E03.mkv",
        ["tv/Silo/Season 01/Silo S01E03.mp4"],
        "tv/Silo/Season 01/Silo S01E03 - Version 2.mkv",
    ),
    "film with an id": (
        "dune.2021.1080p.mkv",
        ["movies/Dune (2021) [tmdbid-438631]/Dune (2021) [tmdbid-438631].mkv"],
        "movies/Dune (2021) [tmdbid-438631]/Dune (2021) [tmdbid-438631] - 1080p.mkv",
    ),
    "film with another id": (
        "Dune (2021) [tmdbid-1].mkv",
        ["movies/Dune (2021) [tmdbid-2]/Dune (2021) [tmdbid-2].mkv"],
        "movies/Dune (2021) [tmdbid-1]/Dune (2021) [tmdbid-1].mkv",
    ),
    "film without year beside a film with year": (
        "Dune.1080p.mkv",
        ["movies/Dune (2021)/Dune (2021).mkv"],
        "movies/Dune/Dune.mkv",
    ),
    "label that is taken": (
        "Dune.2021.2160p.mkv",
        ["movies/Dune (2021)/Dune (2021).mkv", "movies/Dune (2021)/Dune (2021) - 2160p.mkv"],
        "movies/Dune (2021)/Dune (2021) - 2160p Version 2.mkv",
    ),
    "film that differs in punctuation": (
        "mother!.2017.mkv",
        ["movies/Mother (2017)/Mother (2017).mkv"],
        "movies/mother! (2017)/mother! (2017).mkv",
    ),
    "film as a disc": (
        "Dune.2021.720p.mkv",
        ["movies/Dune (2021)/VIDEO_TS/VIDEO_TS.IFO"],
        "movies/Dune (2021) - Video/Dune (2021) - Video.mkv",
    ),
    "book of the name": ("Dune.epub", ["books/Dune/Dune.epub"], "books/Dune (2)/Dune.epub"),
    "misc of the name": ("disk.img.gz", ["misc/disk.img.gz"], "misc/disk.img (2).gz"),
}


@pytest.mark.parametrize("case", EXISTING)
def test_existing_names_are_kept_and_used(case: str) -> None:
    name, existing, target = EXISTING[case]
    assert targets(make(name), existing) == {name: target}


def test_file_that_is_anywhere_in_the_library_is_not_linked_again() -> None:
    video = TorrentFile("M/Movie.1999.1080p.mkv", 9, 9, identity=7)
    subtitle = TorrentFile("M/Movie.1999.1080p.en.srt", 1, 1, identity=8)
    existing = {"movies/Film of Ours (1999)/Film of Ours (1999).mkv": 7}
    result = plan(Torrent("M", (video, subtitle)), ExistingFiles(existing), this_year=2026)
    assert isinstance(result, ImportPlan)
    assert [link.target for link in result.present] == ["movies/Film of Ours (1999)/Film of Ours (1999).mkv"]
    assert [link.target for link in result.links] == ["movies/Film of Ours (1999)/Film of Ours (1999).en.srt"]


def test_track_that_completes_later_is_published_in_the_folder_of_its_album() -> None:
    files = tuple(TorrentFile(f"Album/0{number}.flac", 9, 9, identity=number) for number in (1, 2))
    existing = {"music/Album/01.flac": None, "music/Album (2)/01.flac": 1}
    result = plan(Torrent("Album", files), ExistingFiles(existing), this_year=2026)
    assert isinstance(result, ImportPlan)
    assert [link.target for link in result.links] == ["music/Album (2)/02.flac"]
