# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of the import, each by layouts of its own: what is published where, and what is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._import.model import (
    Library,
    Plan,
    Refusal,
    Torrent,
    TorrentFile,
)
from ansible_collections.household.mediaserver.plugins.module_utils._import.plan import OTHER_PROGRAMS, plan
from ansible_collections.household.mediaserver.plugins.module_utils._import.rpc import folder_below, torrent_from_rpc
from ansible_collections.household.mediaserver.plugins.module_utils._import.titles import GUESSES, title_of

GB, MB = 10**9, 10**6
BIG = {"mkv", "mp4", "avi", "iso", "ts", "m2ts", "vob"}


def make(name: str, files: Sequence[str | tuple[str, int]] = (), label: str = "", folder: str = "") -> Torrent:
    """Build a torrent; without files it is a single one, else the files lie in a folder of its name."""
    listed = []
    for entry in files or [name]:
        path, size = entry if isinstance(entry, tuple) else (entry, 0)
        size = size or (2 * GB if path.rpartition(".")[2].lower() in BIG else 50_000)
        listed.append(TorrentFile(f"{name}/{path}" if files else path, size, size))
    return Torrent(name, tuple(listed), (label,) if label else (), folder)


def targets(torrent: Torrent, have: Sequence[str] = ()) -> dict[str, str]:
    """Return the targets, or "out:" and a reason, by the path below the torrent's folder."""
    result = plan(torrent, Library(dict.fromkeys(have)), this_year=2026)
    assert isinstance(result, Plan)
    pairs = [(link.source, link.target) for link in result.links]
    pairs += [(entry.source, f"out:{entry.reason}") for entry in result.left_out]
    return {source.removeprefix(f"{torrent.name}/"): target for source, target in pairs}


FILM_NAMES = {
    "Kill.Bill.Vol.2.2004.1080p.BluRay.x264-GRP.mkv": "Kill Bill Vol 2 (2004)",
    "The.Godfather.Part.II.1974.1080p.BluRay.mkv": "The Godfather Part II (1974)",
    "(500) Days of Summer (2009) 1080p.mkv": "(500) Days of Summer (2009)",
    "[REC] 2 (2009) 1080p.mkv": "[REC] 2 (2009)",
    "Star.Wars.Episode.5.The.Empire.Strikes.Back.1980.mkv": "Star Wars Episode 5 The Empire Strikes Back (1980)",
    "Death.Race.2000.1975.mkv": "Death Race 2000 (1975)",
    "2012.2009.1080p.mkv": "2012 (2009)",
    "S.W.A.T.2003.1080p.mkv": "S.W.A.T (2003)",
    "M*A*S*H (1970) DVDRip.avi": "MASH (1970)",
    "What's Up, Doc? (1972).mkv": "What's Up, Doc (1972)",
    "Dr. Strangelove (1964) [1080p].mkv": "Dr. Strangelove (1964)",
    "Four.4x4.2010.mkv": "Four 4x4 (2010)",
    "Movie.2010.2048x858.x264.mkv": "Movie (2010)",
    "the-matrix-1999-1080p.mkv": "the matrix (1999)",
    "Blade.Runner.2099.2160p.mkv": "Blade Runner 2099",
    "[SomeSite.com] Gladiator (2000) 1080p.mkv": "Gladiator (2000)",
    "Fight.Club.German.DL.1080p.BluRay.x264-GRP.mkv": "Fight Club",
    "Movie.Title.2012.tt0133093.1080p.mkv": "Movie Title (2012) [imdbid-tt0133093]",
    "Movie Title (2012) {tmdb-12345}.mkv": "Movie Title (2012) [tmdbid-12345]",
    ".45.2006.1080p.mkv": "45 (2006)",
    "Title... (2010).mkv": "Title (2010)",
    "\u0416" * 120 + ".2010.mkv": "\u0416" * 98 + " (2010)",
}


@pytest.mark.parametrize("name", FILM_NAMES)
def test_film_is_called_by_title_and_year(name: str) -> None:
    folder = FILM_NAMES[name]
    assert targets(make(name)) == {name: f"movies/{folder}/{folder}.{name.rpartition('.')[2]}"}


LABELS = {
    "Avatar.2009.3D.Half-SBS.1080p.mkv": "3D.HSBS",
    "Avatar.2009.Extended.3D.H-OU.1080p.mkv": "Extended 3D.HTAB",
    "Movie.EXTENDED.2009.1080p.mkv": "Extended",
    "Movie.2009.REMASTERED.2016.1080p.mkv": "Remastered",
    "Movie (2009) Snyder Cut.mkv": "Snyder Cut",
}


@pytest.mark.parametrize("name", LABELS)
def test_film_keeps_its_edition_as_a_label(name: str) -> None:
    title = name.partition(".")[0].partition(" (")[0]
    assert targets(make(name)) == {name: f"movies/{title} (2009)/{title} (2009) - {LABELS[name]}.mkv"}


EPISODES = {
    "Some.Show.S01.E02.720p.mkv": "Some Show/Season 01/Some Show S01E02",
    "Some Show - Season 1 Episode 3 - Title.mkv": "Some Show/Season 01/Some Show S01E03",
    "Some.Show.S01E01E02E03.mkv": "Some Show/Season 01/Some Show S01E01-E03",
    "Some.Show.S01E05-1080p.mkv": "Some Show/Season 01/Some Show S01E05",
    "Some.Show.S2019E05.mkv": "Some Show/Season 2019/Some Show S2019E05",
    "Der.Tatort.Staffel.2.Folge.3.mkv": "Der Tatort/Season 02/Der Tatort S02E03",
    "Show [Cap.1205_1206].avi": "Show/Season 12/Show S12E05-E06",
    "Planet.Earth.3of11.Plains.mkv": "Planet Earth/Season 01/Planet Earth S01E03",
    "House.of.Cards.2013.S02E01.mkv": "House of Cards (2013)/Season 02/House of Cards (2013) S02E01",
    "1899.2022.S01E01.mkv": "1899/Season 01/1899 S01E01",
    "Cosmos 2014 Episode 03.mkv": "Cosmos (2014)/Season 01/Cosmos (2014) S01E03",
    "[Group] Some Show - 05v2 [1080p].mkv": "Some Show/Season 01/Some Show S01E05",
    "[Group] Some Show 2nd Season - 07 (1080p) [ABCD1234].mkv": "Some Show/Season 02/Some Show S02E07",
    "[Group][Some Show][05][1080p].mkv": "Some Show/Season 01/Some Show S01E05",
    "[Group]_Some_Show_-_05_[1080p].mkv": "Some Show/Season 01/Some Show S01E05",
    "[Group] One Piece - 1071 (1080p).mkv": "One Piece/Season 01/One Piece S01E1071",
    "[Group] Some Show (2019) - 05 [1080p].mkv": "Some Show (2019)/Season 01/Some Show (2019) S01E05",
    "[Group] Some Show - SP1 [720p].mkv": "Some Show/Season 00/Some Show S00E01",
    "[Group] Some Show - OVA [720p].mkv": "Some Show/Season 00/Some Show - OVA",
    "Formula.1.2024x05.Race.mkv": "Formula 1/Season 2024/Formula 1 S2024E05",
    "Top.Gear.4x6.avi": "Top Gear/Season 04/Top Gear S04E06",
    "Tagesschau.14.03.2024.720p.mkv": "Tagesschau/Season 2024/Tagesschau - 2024-03-14",
    "Thirteen.S01E01.x265.DD5.1x264.mkv": "Thirteen/Season 01/Thirteen S01E01",
}


@pytest.mark.parametrize("name", EPISODES)
def test_episode_is_published_by_its_number(name: str) -> None:
    assert targets(make(name)) == {name: f"tv/{EPISODES[name]}.{name.rpartition('.')[2]}"}


LABELLED = {
    "Some.Show.101.mkv": "Some Show/Season 01/Some Show S01E01",
    "Some.Show.Part.Two.mkv": "Some Show/Season 01/Some Show S01E02",
    "Some.Show.20240314.mkv": "Some Show/Season 2024/Some Show - 2024-03-14",
    "Some Show 2of3.mkv": "Some Show/Season 01/Some Show S01E02",
}


@pytest.mark.parametrize("name", LABELLED)
def test_weak_number_counts_where_the_label_says_show(name: str) -> None:
    assert targets(make(name, label="tv")) == {name: f"tv/{LABELLED[name]}.mkv"}


# Torrent, its files, and where each goes: below movies/Movie (1999) where no library is named.
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
    "volumes are films of their own": (
        "Kill Bill",
        {
            "Kill Bill (2003) Vol. 1.mkv": "movies/Kill Bill Vol. 1 (2003)/Kill Bill Vol. 1 (2003).mkv",
            "Kill Bill (2003) Vol. 2.mkv": "movies/Kill Bill Vol. 2 (2003)/Kill Bill Vol. 2 (2003).mkv",
        },
    ),
    "names that hide what they are": (
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
    "short names of the scene": (
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
    "a course is no film": (
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


HAVE = {
    "show with a year, name without": (
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
    "episode that is there without a word to tell them apart": (
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
    "film without year beside one with": (
        "Dune.1080p.mkv",
        ["movies/Dune (2021)/Dune (2021).mkv"],
        "movies/Dune/Dune.mkv",
    ),
    "label that is taken": (
        "Dune.2021.2160p.mkv",
        ["movies/Dune (2021)/Dune (2021).mkv", "movies/Dune (2021)/Dune (2021) - 2160p.mkv"],
        "movies/Dune (2021)/Dune (2021) - 2160p Version 2.mkv",
    ),
    "punctuation tells films apart": (
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


@pytest.mark.parametrize("case", HAVE)
def test_what_the_library_has_is_kept_and_used(case: str) -> None:
    name, have, target = HAVE[case]
    assert targets(make(name), have) == {name: target}


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
def test_refuses_what_is_not_imported(torrent: Torrent, reason: str) -> None:
    result = plan(torrent, Library(), this_year=2026, ignore=OTHER_PROGRAMS)
    assert isinstance(result, Refusal)
    assert result.reason == reason


@pytest.mark.parametrize("error", [1, 2])
def test_errors_of_the_tracker_do_not_stop_the_import(error: int) -> None:
    torrent = Torrent("Movie.1999.mkv", (TorrentFile("Movie.1999.mkv", 1, 1),), error=error)
    assert isinstance(plan(torrent, Library(), this_year=2026), Plan)


def test_file_that_is_anywhere_in_the_library_is_not_linked_again() -> None:
    video = TorrentFile("M/Movie.1999.1080p.mkv", 9, 9, identity=7)
    subtitle = TorrentFile("M/Movie.1999.1080p.en.srt", 1, 1, identity=8)
    held = {"movies/Film of Ours (1999)/Film of Ours (1999).mkv": 7}
    result = plan(Torrent("M", (video, subtitle)), Library(held), this_year=2026)
    assert isinstance(result, Plan)
    assert [link.target for link in result.present] == ["movies/Film of Ours (1999)/Film of Ours (1999).mkv"]
    assert [link.target for link in result.links] == ["movies/Film of Ours (1999)/Film of Ours (1999).en.srt"]


def test_late_track_joins_its_album() -> None:
    files = tuple(TorrentFile(f"Album/0{number}.flac", 9, 9, identity=number) for number in (1, 2))
    held = {"music/Album/01.flac": None, "music/Album (2)/01.flac": 1}
    result = plan(Torrent("Album", files), Library(held), this_year=2026)
    assert isinstance(result, Plan)
    assert [link.target for link in result.links] == ["music/Album (2)/02.flac"]


RPC = {
    "bespoke": {
        "name": "M",
        "labels": ["movies"],
        "downloadDir": "/downloads/complete/tv",
        "error": 0,
        "errorString": "",
        "files": [
            {"name": "M/a.mkv", "length": 5, "bytesCompleted": 5},
            {"name": "M/b.mkv", "length": 5, "bytesCompleted": 4},
        ],
        "fileStats": [{"wanted": 1}, {"wanted": 0}],
    },
    "bespoke with a list": {
        "name": "M",
        "labels": ["movies"],
        "downloadDir": "/downloads/complete/tv/",
        "files": [
            {"name": "M/a.mkv", "length": 5, "bytesCompleted": 5},
            {"name": "M/b.mkv", "length": 5, "bytesCompleted": 4},
        ],
        "wanted": [1, 0],
    },
    "JSON-RPC": {
        "name": "M",
        "labels": ["movies"],
        "download_dir": "/downloads/complete/tv",
        "error_string": "",
        "files": [
            {"name": "M/a.mkv", "length": 5, "bytes_completed": 5},
            {"name": "M/b.mkv", "length": 5, "bytes_completed": 4},
        ],
        "file_stats": [{"wanted": True}, {"wanted": False}],
    },
}


@pytest.mark.parametrize("protocol", RPC)
def test_reads_both_protocols(protocol: str) -> None:
    torrent = torrent_from_rpc(RPC[protocol], root="/downloads/complete", identities={"M/a.mkv": 7})
    assert torrent == Torrent(
        "M",
        (TorrentFile("M/a.mkv", 5, 5, True, 7), TorrentFile("M/b.mkv", 5, 4, False)),
        ("movies",),
        "tv",
    )


def test_folder_outside_the_root_says_nothing() -> None:
    assert folder_below("/downloads/complete-tv", "/downloads/complete") == ""
    assert folder_below("/downloads/complete", "/downloads/complete/") == ""


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        ({}, ""),
        ({"title": ["Adam", "12"]}, "Adam"),
        ({"title": "A\nB"}, "A B"),
        ({"title": []}, ""),
        ({"title": 1984}, ""),
    ],
)
def test_title_of_guessit_is_one_line(answer: dict[str, object], title: str) -> None:
    assert title_of(answer) == title


def test_guessit_is_asked_for_unclear_titles_only_and_at_most_twenty_times() -> None:
    asked: list[str] = []

    def guess(name: str) -> dict[str, object]:
        asked.append(name)
        return {"title": "Fight Club"}

    plan(make("Fight Club UNKNOWNTAG.mkv"), Library(), guess=guess, this_year=2026)
    assert asked == ["Fight Club UNKNOWNTAG"]
    plan(make("Fight.Club.1999.mkv"), Library(), guess=guess, this_year=2026)
    plan(
        make("Box Collection", [f"Some Film {number} of ours.mkv" for number in range(GUESSES + 1)]),
        Library(),
        guess=guess,
    )
    assert len(asked) == 1
    plan(
        make("Box Collection", [f"Some Film {number} of ours.mkv" for number in range(GUESSES)]), Library(), guess=guess
    )
    assert len(asked) == 1 + GUESSES


def test_title_of_guessit_counts_only_as_the_beginning_of_the_name() -> None:
    torrent = make("Spider Man Returns UNKNOWNTAG.mkv")
    wrong = plan(torrent, Library(), guess=lambda name: {"title": "Man Returns"}, this_year=2026)
    right = plan(torrent, Library(), guess=lambda name: {"title": "Spider Man Returns"}, this_year=2026)
    assert isinstance(wrong, Plan)
    assert isinstance(right, Plan)
    assert wrong.links[0].target.startswith("movies/Spider Man Returns UNKNOWNTAG/")
    assert right.links[0].target.startswith("movies/Spider Man Returns/")
