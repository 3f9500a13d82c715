# SPDX-License-Identifier: GPL-3.0-or-later
"""From the spool to Jellyfin: the whole way of a torrent, on real folders and with Jellyfin's double."""

from __future__ import annotations

from pathlib import Path

import pytest
from import_home import Household, hash_of, media_as_jellyfin_sees_it

FILM = "movies/Dune (2021)/Dune (2021).mkv"
SOURCE = "Dune.2021.1080p.WEB/Dune.2021.1080p.WEB.mkv"


@pytest.fixture(params=[False, True], ids=["bespoke", "json-rpc"])
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Household:
    made = Household(tmp_path, json_rpc=request.param)
    media_as_jellyfin_sees_it(monkeypatch, made)
    made.run()  # the first run, which finds no torrent
    return made


def test_film_arrives_as_hard_link_and_is_listed(home: Household) -> None:
    home.film(1)
    begun = home.clock.passed
    home.run()
    assert home.library() == {FILM: home.source_inode(SOURCE)}
    assert home.listed() == {FILM}
    assert (home.pending(), list(home.spool.iterdir())) == ([], [])
    assert home.clock.passed - begun < 5
    (arrival,) = home.found().recent
    assert (arrival.hash, arrival.kind, arrival.new, arrival.warning) == (hash_of(1), "movies", 1, "")
    assert home.found().waiting == ()


def test_arrival_names_what_was_left_out(home: Household) -> None:
    home.download(1, "Dune.2021.1080p.WEB", [SOURCE, "Dune.2021.1080p.WEB/backup.rar"])
    home.run()
    (arrival,) = home.found().recent
    reason = "archives are not unpacked; the file stays with the download"
    assert arrival.left_out == (("Dune.2021.1080p.WEB/backup.rar", reason),)
