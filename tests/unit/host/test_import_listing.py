# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the published files Jellyfin must list, and of which nothing is asked."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from mediaserver.importer.listing import Expectation, expectations
from mediaserver.importer.settings import Library

LIBRARIES = (
    Library("movies", "movies"),
    Library("tv", "tvshows"),
    Library("music", "music"),
    Library("books", "books"),
)
DUNE = "movies/Dune (2021)"


def expected(targets: Sequence[str], there: Sequence[str] = ()) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return wanted paths and candidates; ``there`` are the names in every folder."""
    found: list[Expectation] = expectations(targets, LIBRARIES, lambda _folder: there)
    return [(one.wanted, one.candidates) for one in found]


@pytest.mark.parametrize(
    "target",
    [
        f"{DUNE}/Dune (2021).mkv",
        f"{DUNE}/Dune (2021) - 2160p.mkv",
        "movies/Amadeus (1984)/Amadeus (1984).iso",
        "tv/Show/Season 01/Show S01E01.mkv",
        "tv/Show/Season 00/The Lost Hour.mkv",
        "music/Artist/Album/01.flac",
        "books/Dune/Dune.epub",
        "books/Dune/Dune.m4b",
    ],
)
def test_a_file_with_an_item_is_wanted(target: str) -> None:
    assert expected([target]) == [((target,), (target,))]


@pytest.mark.parametrize(
    "target",
    [
        f"{DUNE}/Dune (2021).en.srt",
        f"{DUNE}/Dune (2021)-cd2.mkv",
        f"{DUNE}/Dune (2021)-trailer.mkv",
        f"{DUNE}/extras/Bonus.mkv",
    ],
)
def test_extras_parts_and_subtitles_count_through_their_video(target: str) -> None:
    assert expected([target], ["Dune (2021).mkv", "Dune (2021)-trailer.mkv"]) == [((), (f"{DUNE}/Dune (2021).mkv",))]


def test_a_disc_is_its_folder() -> None:
    inner = [f"{DUNE}/BDMV/STREAM/00001.m2ts", f"{DUNE}/BDMV/index.bdmv"]
    assert expected(inner) == [((DUNE,), (DUNE,))]


@pytest.mark.parametrize("target", ["misc/x/a.bin", "tv/Show/other/Gag Reel.mkv", "music/Artist/Album/cover.jpg"])
def test_of_other_files_nothing_is_asked(target: str) -> None:
    assert expected([target], ["Season 01"]) == []
