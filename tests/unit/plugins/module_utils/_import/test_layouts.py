# SPDX-License-Identifier: GPL-3.0-or-later
"""Layouts of torrents: each file's target, or the reason why it is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

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
    "numbers of a date's form in a film's name": (
        "Numbers Collection",
        {
            "Fahrenheit.9.11.2004.1080p.mkv": "movies/Fahrenheit 9 11 (2004)/Fahrenheit 9 11 (2004).mkv",
            "The.Taking.of.Pelham.1.2.3.2009.mkv": (
                "movies/The Taking of Pelham 1.2.3 (2009)/The Taking of Pelham 1.2.3 (2009).mkv"
            ),
        },
    ),
    "dates of a daily show": (
        "News 2024",
        {
            "News.14.03.2024.720p.mkv": "tv/News/Season 2024/News - 2024-03-14.mkv",
            "News 2024-03-15 720p.mkv": "tv/News/Season 2024/News - 2024-03-15.mkv",
        },
    ),
    "years as titles": (
        "Years Collection",
        {
            "2001 A Space Odyssey 1968.mkv": "movies/2001 A Space Odyssey (1968)/2001 A Space Odyssey (1968).mkv",
            "1900.1976.1080p.mkv": "movies/1900 (1976)/1900 (1976).mkv",
            "1492.Conquest.of.Paradise.1992.mkv": (
                "movies/1492 Conquest of Paradise (1992)/1492 Conquest of Paradise (1992).mkv"
            ),
            "Death.Race.2000.1975.mkv": "movies/Death Race 2000 (1975)/Death Race 2000 (1975).mkv",
        },
    ),
    "films with and without year in a folder that is no film": (
        "80s Classics",
        {
            "Tron 1982.avi": "movies/Tron (1982)/Tron (1982).avi",
            "Gremlins.avi": "movies/Gremlins/Gremlins.avi",
        },
    ),
    "a second version beside the film of the folder": (
        "Alien (1979)",
        {
            "Alien (1979).mkv": "movies/Alien (1979)/Alien (1979) - Version 1.mkv",
            "Directors Cut.mkv": "movies/Alien (1979)/Alien (1979) - Director's Cut.mkv",
        },
    ),
    "two DVDs of one film": (
        "Movie (1999) 2DVD",
        {
            "Disc 1/VIDEO_TS/VTS_01_1.VOB": "Movie (1999)-cd1/VIDEO_TS/VTS_01_1.VOB",
            "Disc 2/VIDEO_TS/VTS_01_1.VOB": "Movie (1999)-cd2/VIDEO_TS/VTS_01_1.VOB",
        },
    ),
    "name with a group and a word of the show": (
        "Die.Sendung.S35E01.German.DL.720p.WEB.x264-GRP",
        {
            "grp-sendung-s35e01.mkv": "tv/Die Sendung/Season 35/Die Sendung S35E01.mkv",
            "Subs/grp-sendung-s35e01-forced.idx": "tv/Die Sendung/Season 35/Die Sendung S35E01.forced.idx",
            "Subs/grp-sendung-s35e01-forced.sub": "tv/Die Sendung/Season 35/Die Sendung S35E01.forced.sub",
        },
    ),
    "numbers in Chinese, Japanese and Korean": (
        "Shows",
        {
            "庆余年 第二季 第03集.mkv": "tv/庆余年/Season 02/庆余年 S02E03.mkv",
            "深夜食堂 第05話.mkv": "tv/深夜食堂/Season 01/深夜食堂 S01E05.mkv",
            "오징어 시즌2 3화.mkv": "tv/오징어/Season 02/오징어 S02E03.mkv",
        },
    ),
    "subtitles in a folder for each episode": (
        "Severance.S01.1080p",
        {
            "Severance.S01E01.mkv": "tv/Severance/Season 01/Severance S01E01.mkv",
            "Severance.S01E02.mkv": "tv/Severance/Season 01/Severance S01E02.mkv",
            "Subs/E01/English.srt": "tv/Severance/Season 01/Severance S01E01.en.srt",
            "Subs/S01E02/German [Forced].srt": "tv/Severance/Season 01/Severance S01E02.de.forced.srt",
        },
    ),
    "subtitles whose number fits two seasons": (
        "Severance",
        {
            "Severance.S01E01.mkv": "tv/Severance/Season 01/Severance S01E01.mkv",
            "Severance.S02E01.mkv": "tv/Severance/Season 02/Severance S02E01.mkv",
            "Subs/E01/English.srt": "out:unsupported",
        },
    ),
    "languages by their own names": (
        "Movie.1999.1080p-GRP",
        {
            ("mov-grp.mkv", 8 * GB): "Movie (1999).mkv",
            "Subs/Espan\u0303ol (Latinoame\u0301rica).srt": "Movie (1999).es.srt",
            "Subs/русский.srt": "Movie (1999).ru.srt",
            "Subs/简体中文.srt": "Movie (1999).Simplified.zh.srt",
            "Subs/繁體中文.srt": "Movie (1999).Traditional.zh.srt",
        },
    ),
    "extras of a season without its episodes": (
        "Firefly.S01.Extras.1080p",
        {
            "Gag.Reel.mkv": "tv/Firefly/other/Gag.Reel.mkv",
            "Deleted.Scenes.mkv": "tv/Firefly/deleted scenes/Deleted.Scenes.mkv",
        },
    ),
    "episodes without numbers": (
        "Firefly.S01.1080p.BluRay",
        {
            "Serenity.mkv": "misc/Firefly.S01.1080p.BluRay/Serenity.mkv",
            "The.Train.Job.mkv": "misc/Firefly.S01.1080p.BluRay/The.Train.Job.mkv",
        },
    ),
    "course of a year": (
        "Complete Blender Course (2023)",
        {
            ("01 Intro/01 Welcome.mp4", 50 * MB): "misc/Complete Blender Course (2023)/01 Intro/01 Welcome.mp4",
            ("01 Intro/02 Setup.mp4", 60 * MB): "misc/Complete Blender Course (2023)/01 Intro/02 Setup.mp4",
            "files.zip": "misc/Complete Blender Course (2023)/files.zip",
        },
    ),
    "songs of a concert": (
        "Some Band Live (2007)",
        {
            ("01 - Robot Rock.mkv", 90 * MB): "misc/Some Band Live (2007)/01 - Robot Rock.mkv",
            ("02 - Touch It.mkv", 95 * MB): "misc/Some Band Live (2007)/02 - Touch It.mkv",
        },
    ),
    "numbered parts of a programme of one year": (
        "Cosmos (1980)",
        {
            "01 - Shores.mkv": "misc/Cosmos (1980)/01 - Shores.mkv",
            "02 - One Voice.mkv": "misc/Cosmos (1980)/02 - One Voice.mkv",
        },
    ),
    "numbered films of a collection of one year": (
        "Time Machine Trilogy (1985)",
        {"1. Machine.mkv": "movies/Machine/Machine.mkv", "2. Machine 2.mkv": "movies/Machine 2/Machine 2.mkv"},
    ),
    "lower-case file in a folder with capitals": (
        "Metropolis.1927.1080p.BluRay-GRP",
        {
            "metropolis.1927.1080p.bluray-grp.mkv": "movies/Metropolis (1927)/Metropolis (1927).mkv",
            "metropolis.1927.1080p.bluray-grp.eng.srt": "movies/Metropolis (1927)/Metropolis (1927).en.srt",
        },
    ),
    "extras of a season as one file": (
        "Blue.Planet.II.S01",
        {"Blue.Planet.II.S01.Extras.mkv": "tv/Blue Planet II/other/Blue.Planet.II.S01.Extras.mkv"},
    ),
    "numbered films of a torrent with quality": (
        "Toy Story 1080p",
        {
            "1. Toy Story.mkv": "movies/Toy Story/Toy Story.mkv",
            "2. Toy Story 2.mkv": "movies/Toy Story 2/Toy Story 2.mkv",
        },
    ),
    "recordings of a camera": (
        "Holiday 2019",
        {
            ("IMG_0001.MOV", 90 * MB): "misc/Holiday 2019/IMG_0001.MOV",
            ("IMG_0002.MOV", 90 * MB): "misc/Holiday 2019/IMG_0002.MOV",
            "IMG_0003.JPG": "misc/Holiday 2019/IMG_0003.JPG",
        },
    ),
    "film in a file that is named like a camera's": (
        "Movie (1999)",
        {"VID_0001.mkv": "Movie (1999).mkv"},
    ),
    "batch of a fansub group": (
        "[Group] Shirobako (BD)",
        {
            "[Group] Shirobako - 01.mkv": "tv/Shirobako/Season 01/Shirobako S01E01.mkv",
            "OVA/[Group] Shirobako - OVA 01.mkv": "tv/Shirobako/Season 00/Shirobako S00E01.mkv",
            ("NC/[Group] Shirobako - NCED1.mkv", 90 * MB): "tv/Shirobako/other/[Group] Shirobako - NCED1.mkv",
            "Fonts/a.ttf": "out:unsupported",
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


def test_subtitle_of_an_absent_video_is_not_given_to_another() -> None:
    whole = make("Show.S01", ["Show.S01E01.mkv", "Show.S01E02.mkv", "Show.S01E01.en.srt", "Show.S01E02.en.srt"])
    assert targets(whole)["Show.S01E01.en.srt"] == "tv/Show/Season 01/Show S01E01.en.srt"
    for change in ({"completed": 1}, {"wanted": False}):
        files = tuple(replace(file, **change) if file.path.endswith("S01E01.mkv") else file for file in whole.files)
        found = targets(replace(whole, files=files))
        assert found["Show.S01E01.en.srt"] == "out:unsupported"
        assert found["Show.S01E02.en.srt"] == "tv/Show/Season 01/Show S01E02.en.srt"
