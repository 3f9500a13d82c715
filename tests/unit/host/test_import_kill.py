# SPDX-License-Identifier: GPL-3.0-or-later
"""The import is killed at every call that changes a file or sends something; the next run completes it."""

from __future__ import annotations

from pathlib import Path

import pytest
from import_home import Household, media_as_jellyfin_sees_it
from import_killer import Killer
from mediaserver.importer.library import STAGING

SEASON = [f"Show.S01.1080p/Show.S01E0{number}.1080p.mkv" for number in (1, 2)]


def visible(home: Household) -> set[str]:
    """Return what Jellyfin could see: no part of a path is hidden."""
    return {path for path in home.library() if not any(part.startswith(".") for part in path.split("/"))}


def prepare(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Household, Killer]:
    home = Household(folder)
    media_as_jellyfin_sees_it(monkeypatch, home)
    home.run()
    # Into an existing folder, a new folder with two files, and one below a folder of its own.
    home.film(1)
    home.run()
    home.download(2, "Dune.2021.2160p.WEB", ["Dune.2021.2160p.WEB/Dune.2021.2160p.WEB.mkv"])
    home.download(3, "Show.S01.1080p", SEASON)
    return home, Killer(monkeypatch, home)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_run_after_a_kill_completes_the_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, after: bool) -> None:
    with monkeypatch.context() as patched:
        home, killer = prepare(tmp_path / "control", patched)
        with killer.killing(-1, after=after):
            home.run()
        calls = list(killer.calls)
        wanted = set(home.library())
        arrived = sorted(one.hash for one in home.found().recent)
    assert len(wanted) == 4
    assert len(calls) > 40
    assert {call.split()[0] for call in calls} >= {"link", "mkdir", "replace", "unlink", "create", "ask"}
    season = {path for path in wanted if path.startswith("tv/")}
    for at in range(len(calls)):
        with monkeypatch.context() as patched:
            home, killer = prepare(tmp_path / f"{at}", patched)
            with killer.killing(at, after=after):
                home.run()
            assert killer.dead, f"call {at} was not reached"
            assert visible(home) & season in (set(), season), f"half-visible after a kill at {calls[at]}"
            home.run()
            assert set(home.library()) == wanted, f"after a kill at {calls[at]}"
            assert not list(home.media.rglob(f"{STAGING}*"))
            assert (home.pending(), list(home.spool.iterdir())) == ([], [])
            assert sorted(one.hash for one in home.found().recent) == arrived, f"after a kill at {calls[at]}"
            assert home.listed() == wanted
            before = home.library()
            home.run()
            assert home.library() == before
