# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of a notification, and what of a torrent is counted."""

from __future__ import annotations

import pytest
from mediaserver.notify.message import Message, News, compose, news_of

DUNE = "movies/Dune (2021)"
ADAM = "tv/Adam-12/Season 01/Adam-12"


@pytest.mark.parametrize(
    ("kind", "targets", "fresh", "news"),
    [
        ("movies", [f"{DUNE}/Dune (2021).mkv"], 1, News("movies", 1, ("Dune (2021)",))),
        # Subtitles are no films.
        ("movies", [f"{DUNE}/Dune (2021).mkv", f"{DUNE}/Dune (2021).en.srt"], 2, News("movies", 1, ("Dune (2021)",))),
        (
            "movies",
            [f"{DUNE}/Dune (2021).mkv", "movies/Coco (2017)/Coco (2017).mkv"],
            2,
            News("movies", 2, ("Dune (2021)", "Coco (2017)")),
        ),
        (
            "tv",
            [f"{ADAM} S01E01.mkv", f"{ADAM} S01E02.mkv", f"{ADAM} S01E02.en.srt"],
            3,
            News("tv", 2, ("Adam-12",)),
        ),
        # One more episode of a season that is there.
        ("tv", [f"{ADAM} S01E01.mkv", f"{ADAM} S01E02.mkv"], 1, News("tv", 1, ("Adam-12",))),
        ("music", ["music/A - B (2014)/01.flac", "music/A - B (2014)/02.flac"], 2, News("music", 1, ("A - B (2014)",))),
        ("misc", ["misc/GIMP/a.exe", "misc/GIMP/docs/b.txt"], 2, News("misc", 1, ("GIMP",))),
        ("movies", ["movies/A\nB\x1b[31m/a.mkv"], 1, News("movies", 1, ("AB[31m",))),
        ("misc", ["alone.bin"], 1, News("misc", 1)),
        ("misc", [], 0, News("misc", 1)),
    ],
)
def test_the_news_of_a_torrent(kind: str, targets: list[str], fresh: int, news: News) -> None:
    assert news_of(kind, targets, fresh) == news


@pytest.mark.parametrize(
    ("news", "words"),
    [
        ([News("movies", 1)], "1 new film"),
        ([News("movies", 1), News("movies", 1)], "2 new films"),
        ([News("tv", 10), News("movies", 1)], "1 new film and 10 new episodes"),
        (
            [News("books", 1), News("music", 2), News("misc", 1), News("unknown", 1)],
            "2 new albums, 1 new book and 2 new other downloads",
        ),
    ],
)
def test_arrivals_are_counted_by_kind(news: list[News], words: str) -> None:
    assert compose(news, titles=False) == Message("Media server", words)


def test_titles_are_named_only_where_that_is_wanted() -> None:
    news = [News("tv", 2, ("Adam-12",)), News("tv", 1, ("Adam-12",)), News("movies", 1, ("Dune (2021)",))]
    assert compose(news, titles=False).body == "1 new film and 3 new episodes"
    assert compose(news, titles=True).body == "1 new film and 3 new episodes\n- Adam-12\n- Dune (2021)"


def test_a_long_list_of_titles_is_cut() -> None:
    news = [News("movies", 1, (f"Film {number}",)) for number in range(30)]
    lines = compose(news, titles=True).body.splitlines()
    assert (len(lines), lines[0], lines[-2:]) == (22, "30 new films", ["- Film 19", "- and 10 more"])
