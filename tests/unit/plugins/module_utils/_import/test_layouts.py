# SPDX-License-Identifier: GPL-3.0-or-later
"""Layouts of torrents: each file's target, or the reason why it is left out."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._import.torrents import (
    GB,
    MB,
    make,
    targets,
)

# Torrent, and the target of each file: below movies/Movie (1999) unless it begins with a library.
LAYOUTS: dict[str, tuple[str, Mapping[str | tuple[str, int], str]]] = {
    "subtitles of one language and region": (
        "Movie.1999.1080p-GRP",
        {
            ("mov-grp.mkv", 8 * GB): "Movie (1999).mkv",
            "Subs/2_English.srt": "Movie (1999).en.srt",
            "Subs/3_English.srt": "Movie (1999).2.en.srt",
            "Subs/English.Forced.srt": "Movie (1999).en.forced.srt",
            "Subs/pt-BR.srt": "Movie (1999).Brazilian.pt.srt",
            "Subs/pt.srt": "Movie (1999).pt.srt",
            "mov-grp.en.hi.srt": "Movie (1999).en.sdh.srt",
            "mov-grp.hi.srt": "Movie (1999).hi.srt",
            "Subs/pair.idx": "Movie (1999).idx",
            "Subs/pair.sub": "Movie (1999).sub",
        },
    ),
    "extras by folder and by name": (
        "Movie (1999)",
        {
            ("Movie (1999).mkv", 8 * GB): "Movie (1999).mkv",
            ("Trailer.mp4", 9 * MB): "trailers/Trailer.mp4",
            ("Movie (1999)-featurette.mkv", 9 * MB): "featurettes/Movie (1999)-featurette.mkv",
            ("Deleted Scenes/1.mkv", 9 * MB): "deleted scenes/1.mkv",
            ("Deleted Scenes/Alt/1.mkv", 9 * MB): "deleted scenes/1 (2).mkv",
            ("Making Of.mkv", 9 * MB): "behind the scenes/Making Of.mkv",
            ("making of.mkv", 9 * MB): "behind the scenes/making of (2).mkv",
            ("Sample/movie.mkv", 9 * MB): "out:sample",
            "Proof/p.jpg": "out:junk",
        },
    ),
    "parts by a number after the year": (
        "Movie (1999)",
        {
            "Movie (1999) Part 1.mkv": "Movie (1999)-part1.mkv",
            "Movie (1999) Part 2.mkv": "Movie (1999)-part2.mkv",
            "Movie (1999) Part 2.en.srt": "Movie (1999)-part2.en.srt",
        },
    ),
    "parts by the last letter": (
        "Movie (1999) XviD",
        {"movie-a.avi": "Movie (1999)-cd1.avi", "movie-b.avi": "Movie (1999)-cd2.avi"},
    ),
    "versions of one film": (
        "Movie (1999) MULTi",
        {
            "Movie.1999.1080p.BluRay.mkv": "Movie (1999) - 1080p BluRay.mkv",
            "Movie.1999.1080p.WEB-DL.mkv": "Movie (1999) - 1080p WEB-DL.mkv",
        },
    ),
    "Blu-ray as folder": (
        "Movie (1999) Blu-ray",
        {
            "BDMV/index.bdmv": "BDMV/index.bdmv",
            "BDMV/STREAM/00000.m2ts": "BDMV/STREAM/00000.m2ts",
            "CERTIFICATE/id.bdmv": "out:unsupported",
        },
    ),
    "several films with numbered folders": (
        "Trilogy Box Set",
        {
            "1. Iron Man/a.mkv": "movies/Iron Man/Iron Man.mkv",
            "2. Iron Man 2 (2010)/b.mkv": "movies/Iron Man 2 (2010)/Iron Man 2 (2010).mkv",
        },
    ),
    "volumes as separate films": (
        "Kill Bill",
        {
            "Kill Bill (2003) Vol. 1.mkv": "movies/Kill Bill Vol. 1 (2003)/Kill Bill Vol. 1 (2003).mkv",
            "Kill Bill (2003) Vol. 2.mkv": "movies/Kill Bill Vol. 2 (2003)/Kill Bill Vol. 2 (2003).mkv",
        },
    ),
    "disguised, hidden and unsafe names": (
        "Movie (1999)",
        {
            "Movie (1999).mkv": "Movie (1999).mkv",
            "Movie (1999).mkv.exe": "out:unsafe_name",
            "cover\u202egpj.exe": "out:unsafe_name",
            ".hidden/x.mkv": "out:hidden",
            ".. /x.mkv": "out:unsafe_name",
        },
    ),
    "show with specials, extras and a film": (
        "Firefly Complete (2002)",
        {
            "Firefly.S01E01.mkv": "tv/Firefly/Season 01/Firefly S01E01.mkv",
            "Specials/The Lost Hour.mkv": "tv/Firefly/Season 00/The Lost Hour.mkv",
            "Extras/Gag Reel.mkv": "tv/Firefly/other/Gag Reel.mkv",
            "Serenity.2005.1080p.mkv": "movies/Serenity (2005)/Serenity (2005).mkv",
        },
    ),
    "abbreviated names": (
        "Game.of.Thrones.S01.720p",
        {
            "grp-got.s01e01.720p.mkv": "tv/Game of Thrones/Season 01/Game of Thrones S01E01.mkv",
            "gameofthrones-s01e02.mkv": "tv/Game of Thrones/Season 01/Game of Thrones S01E02.mkv",
        },
    ),
    "numbers of season and episode in one": (
        "Some Series",
        {
            "Season 2/201 - A.mkv": "tv/Some Series/Season 02/Some Series S02E01.mkv",
            "Season 2/202 - B.mkv": "tv/Some Series/Season 02/Some Series S02E02.mkv",
        },
    ),
    "equal number with different titles": (
        "Some.Series.S02.1080p",
        {
            "Some.Series.S02E01.Pilot.mkv": "tv/Some Series/Season 02/Some Series S02E01 - Pilot.mkv",
            "Some.Series.S02E01.Other.mkv": "tv/Some Series/Season 02/Some Series S02E01 - Other.mkv",
        },
    ),
    "course": (
        "Python Course [Udemy]",
        {
            "1. Intro/1. Welcome.mp4": "misc/Python Course [Udemy]/1. Intro/1. Welcome.mp4",
            "1. Intro/2. Setup.mp4": "misc/Python Course [Udemy]/1. Intro/2. Setup.mp4",
        },
    ),
    "sources in TypeScript": (
        "app",
        {("src/x.ts", 100): "misc/app/src/x.ts", "package.json": "misc/app/package.json", ".env": "out:hidden"},
    ),
    "album": (
        "Artist - Album",
        {
            "CD 1/01.mp3": "music/Artist - Album/CD 1/01.mp3",
            "Cover.jpg": "music/Artist - Album/Cover.jpg",
            "cover.jpg": "music/Artist - Album/cover (2).jpg",
            "a.nfo": "out:junk",
        },
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout_is_published(layout: str) -> None:
    name, files = LAYOUTS[layout]
    expected = {
        entry[0] if isinstance(entry, tuple) else entry: target
        if target.startswith(("out:", "movies/", "tv/", "music/", "misc/"))
        else f"movies/Movie (1999)/{target}"
        for entry, target in files.items()
    }
    assert targets(make(name, list(files))) == expected
