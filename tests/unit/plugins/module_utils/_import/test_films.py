# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of films: title, year, provider id and edition."""

from __future__ import annotations

import pytest
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._import.torrents import make, targets

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
def test_film_is_named_by_title_and_year(name: str) -> None:
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
