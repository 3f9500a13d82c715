# SPDX-License-Identifier: GPL-3.0-or-later
"""From the spool to Jellyfin: the whole way of a torrent, on real folders and with Jellyfin's double."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from import_home import Household, hash_of, media_as_jellyfin_sees_it
from mediaserver.importer.jellyfin import Jellyfin

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


def test_jellyfin_is_informed_of_files_without_an_item(home: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    informed: list[str] = []
    real = Jellyfin.inform

    def inform(jellyfin: Jellyfin, paths: Iterable[str], **more: Any) -> None:
        informed.extend(given := list(paths))
        real(jellyfin, given, **more)

    monkeypatch.setattr(Jellyfin, "inform", inform)
    home.download(1, "Firefly.S01.Extras.1080p", ["Firefly.S01.Extras.1080p/Gag.Reel.mkv"])
    home.run()
    assert set(home.library()) == {"tv/Firefly/other/Gag.Reel.mkv"}
    assert informed == ["tv/Firefly"]
    (arrival,) = home.found().recent
    assert (home.pending(), arrival.warning) == ([], "")
    # A kind without a library is not Jellyfin's.
    home.download(2, "tools", ["tools/a.bin"])
    home.run()
    assert "misc/tools/a.bin" in home.library()
    assert informed == ["tv/Firefly"]
