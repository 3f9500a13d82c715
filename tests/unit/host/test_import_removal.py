# SPDX-License-Identifier: GPL-3.0-or-later
"""Making room: what is offered, what a removal takes, that it can be restored, and what a kill leaves."""

from __future__ import annotations

import base64
import errno
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from import_home import Household, hash_of, media_as_jellyfin_sees_it
from import_killer import Killer
from mediaserver._core import files
from mediaserver._core.errors import InvalidValue, Unreachable
from mediaserver.importer import space
from mediaserver.importer.problem import LibraryProblem
from mediaserver.importer.removal import DELETING, REMOVED, RESTORING, TRASH

DUNE, ALIEN = "movies/Dune (2021)/Dune (2021).mkv", "movies/Alien (1979)/Alien (1979).mkv"
SEASON = [f"tv/Show/Season 01/Show S01E0{number}.mkv" for number in (1, 2)]
SIZE = 8192


def with_torrent_files(home: Household) -> Household:
    folder = home.folder / "torrents"
    folder.mkdir(exist_ok=True)
    for torrent, known in home.transmission.torrents.items():
        (folder / f"{torrent}.torrent").write_text(json.dumps(known))
    return home


def filled(home: Household) -> Household:
    home.run()
    home.film(1, size=SIZE)
    home.film(2, "Alien", 1979, size=2 * SIZE)
    home.download(3, "Show.S01", [f"Show.S01/Show.S01E0{number}.mkv" for number in (1, 2)], size=SIZE)
    home.run()
    return with_torrent_files(home)


@pytest.fixture
def home(tmp_path: Path) -> Household:
    return filled(Household(tmp_path, with_jellyfin=False))


def everything(home: Household) -> dict[str, int]:
    """Return all files of library and downloads with their inodes."""
    return {
        str(path.relative_to(home.folder)): path.lstat().st_ino
        for root in (home.media, home.downloads)
        for path in root.rglob("*")
        if not path.is_dir() and TRASH not in path.parts
    }


def remove(home: Household, name: str) -> int:
    run = home.runner()
    choice = space.read_holdings(run).choose(name)
    run.removals.remove(choice, home.clock.time())
    return choice.frees


NAMES = ["Dune (2021)", "movies/Dune (2021)", "DUNE (2021)", "Dune.2021.1080p.WEB", hash_of(1), "movies/Dune (2021)/"]


@pytest.mark.parametrize("name", NAMES)
def test_removes_torrent_links_and_entry_and_restores_all(home: Household, name: str) -> None:
    before = everything(home)
    known = dict(home.transmission.torrents)
    assert remove(home, name) >= SIZE
    left = everything(home)
    assert {path for path in before if path not in left} == {
        f"media/{DUNE}",
        "downloads/complete/Dune.2021.1080p.WEB/Dune.2021.1080p.WEB.mkv",
    }
    assert sorted(home.transmission.torrents) == [hash_of(2), hash_of(3)]
    assert not (home.media / "movies" / "Dune (2021)").exists()
    home.run()
    assert everything(home) == left
    run = home.runner()
    run.removals.restore(run.removals.find(name))
    assert everything(home) == before
    assert home.transmission.torrents == known
    assert not (home.media / TRASH).exists()
    home.run()
    assert everything(home) == before
    assert home.found().waiting == ()


def test_season_is_removed_with_its_torrent(home: Household) -> None:
    assert remove(home, "Show") >= 2 * SIZE
    assert set(home.library()) - {f"{TRASH}/x"} >= {DUNE, ALIEN}
    assert not (home.media / "tv" / "Show").exists()
    assert hash_of(3) not in home.transmission.torrents


def test_removed_and_downloaded_again_is_imported_again(home: Household) -> None:
    remove(home, "Dune (2021)")
    home.film(1)
    home.run()
    assert (home.media / DUNE).exists()


@pytest.mark.parametrize("name", ["Unknown", "", "../..", "movies", "/", "Dune"])
def test_what_is_not_identified_is_refused(home: Household, name: str) -> None:
    with pytest.raises(InvalidValue, match="neither a torrent nor an entry"):
        space.read_holdings(home.runner()).choose(name)


def test_name_of_two_things_is_refused(home: Household) -> None:
    (home.media / "misc" / "Dune (2021)").mkdir()
    (home.media / "misc" / "Dune (2021)" / "notes.pdf").write_text("x")
    with pytest.raises(InvalidValue, match="fits 2 things: misc/Dune"):
        space.read_holdings(home.runner()).choose("Dune (2021)")


def test_files_that_do_not_belong_to_it_stay(home: Household) -> None:
    own = home.media / "movies" / "Dune (2021)" / ".hidden"
    own.write_text("x")
    other = home.downloads / "complete" / "Dune.2021.1080p.WEB" / "unknown.txt"
    other.write_text("x")
    remove(home, "Dune (2021)")
    assert own.exists()
    assert other.exists()
    assert not (home.media / DUNE).exists()
    run = home.runner()
    run.removals.restore(run.removals.find("Dune (2021)"))
    assert (home.media / DUNE).exists()


def test_torrent_with_two_films_names_what_stays(home: Household) -> None:
    home.download(4, "Box", ["Box/Up.2009.mkv", "Box/Heat.1995.mkv"], size=SIZE)
    home.run()
    choice = space.read_holdings(home.runner()).choose("Up (2009)")
    assert choice.stays == ("movies/Heat (1995)/Heat (1995).mkv",)
    assert [one.name for one in choice.torrents] == ["Box"]


def test_restore_never_overwrites(home: Household) -> None:
    remove(home, "Dune (2021)")
    (home.media / DUNE).parent.mkdir()
    (home.media / DUNE).write_text("new")
    run = home.runner()
    with pytest.raises(LibraryProblem, match="exists again"):
        run.removals.restore(run.removals.find("Dune (2021)"))
    assert (home.media / DUNE).read_text() == "new"
    assert [one.state for one in run.removals.list()] == [REMOVED]


def test_deleted_after_seven_days_and_not_with_a_wrong_clock(home: Household) -> None:
    remove(home, "Dune (2021)")
    home.clock.now += 6 * 86400
    home.run()
    assert (home.media / TRASH).exists()
    now = home.clock.now
    home.clock.now = 100.0
    home.run()
    assert (home.media / TRASH).exists()
    home.clock.now = now + 2 * 86400
    home.run()
    assert not (home.media / TRASH).exists()


def test_delete_frees_at_once(home: Household) -> None:
    remove(home, "Dune (2021)")
    run = home.runner()
    run.removals.delete(run.removals.find("Dune (2021)"))
    assert not (home.media / TRASH).exists()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("action", ["remove", "erase", "restore", "delete"])
def test_killed_at_any_call_the_next_run_completes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: str, *, after: bool
) -> None:
    def act(home: Household) -> None:
        run = home.runner()
        if action in ("remove", "erase"):
            getattr(run.removals, action)(space.read_holdings(run).choose("Show"), home.clock.time())
        else:
            getattr(run.removals, action)(run.removals.find("Show"))

    def prepared(folder: Path, patched: pytest.MonkeyPatch) -> tuple[Household, Killer]:
        home = filled(Household(folder, with_jellyfin=False))
        if action in ("restore", "delete"):
            remove(home, "Show")
        return home, Killer(patched, home)

    def state(home: Household) -> tuple[set[str], list[str], bool]:
        return set(everything(home)), sorted(home.transmission.torrents), (home.media / TRASH).exists()

    with monkeypatch.context() as patched:
        home, killer = prepared(tmp_path / "control", patched)
        begun = state(home)
        with killer.killing(-1, after=after):
            act(home)
        calls, wanted = list(killer.calls), state(home)
    assert begun != wanted
    assert len(calls) > 5
    for at in range(len(calls)):
        with monkeypatch.context() as patched:
            home, killer = prepared(tmp_path / str(at), patched)
            with killer.killing(at, after=after):
                act(home)
            assert killer.dead
            home.run()
            found = state(home)
            # Before its manifest is written, nothing has begun.
            assert found in (wanted, begun), f"after a kill at {calls[at]}"
            if found == begun:
                act(home)
            assert state(home) == wanted, f"after a kill at {calls[at]}"


def fill_media_disk(home: Household, patched: pytest.MonkeyPatch) -> None:
    """Nothing can be made on the media disk any more; names can still be changed and removed."""

    def full(path: Any) -> None:
        if str(path).startswith((str(home.media), str(home.downloads))):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    real_mkdir, real_open = os.mkdir, os.open

    def mkdir(path: Any, *rest: Any, **more: Any) -> None:
        full(path)
        real_mkdir(path, *rest, **more)

    def opened(path: Any, flags: int, *rest: Any, **more: Any) -> int:
        if flags & os.O_CREAT:
            full(path)
        return real_open(path, flags, *rest, **more)

    patched.setattr(os, "mkdir", mkdir)
    patched.setattr(os, "open", opened)


def test_full_disk_keeps_nothing_and_is_emptied_at_once(home: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    remove(home, "Alien (1979)")
    before = everything(home)
    with monkeypatch.context() as patched:
        fill_media_disk(home, patched)
        with pytest.raises(LibraryProblem, match="--now"):
            remove(home, "Show")
        assert everything(home) == before
        assert hash_of(3) in home.transmission.torrents
        assert [one.name for one in home.runner().removals.list()] == ["movies/Alien (1979)"]
        run = home.runner()
        run.removals.erase(space.read_holdings(run).choose("Show"), home.clock.time())
        run.removals.delete(run.removals.find("Alien (1979)"))
        home.run()
        assert not (home.media / TRASH).exists()
    assert {path for path in everything(home) if "Show" in path} == set()
    assert hash_of(3) not in home.transmission.torrents
    assert (home.media / DUNE).exists()
    assert list(run.removals.begun.iterdir()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"library": ["../outside"]},
        {"downloads": ["/etc/passwd"]},
        {"torrents": [{"hash": "../../x", "name": "", "folder": ""}]},
    ],
    ids=["library", "downloads", "torrent"],
)
def test_manifest_that_leaves_its_roots_is_not_followed(home: Household, change: dict[str, Any]) -> None:
    outside = home.folder / "outside"
    outside.touch()
    remove(home, "Dune (2021)")
    (path,) = (home.media / TRASH).glob("*/manifest.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"state": "restoring"} | change))
    before = everything(home)
    home.run()
    assert home.runner().removals.list() == []
    assert everything(home) == before
    assert outside.exists()


def test_removal_that_cannot_be_completed_hinders_no_other(home: Household) -> None:
    remove(home, "Dune (2021)")
    interrupted_restore(home)
    # A file of this name is not overwritten, so the restore waits.
    (home.media / DUNE).parent.mkdir()
    (home.media / DUNE).write_text("new")
    home.run()
    assert (home.media / DUNE).read_text() == "new"
    remove(home, "Alien (1979)")
    run = home.runner()
    run.removals.restore(run.removals.find("Alien (1979)"))
    assert (home.media / ALIEN).exists()
    (home.media / DUNE).unlink()
    home.run()
    assert (home.media / DUNE).exists()
    assert list(run.removals.begun.iterdir()) == []


def interrupted_restore(home: Household) -> None:
    """Leave what a restore leaves that was killed after its beginning was noted."""
    removals = home.runner().removals
    (manifest,) = removals.list()
    removals.begun.mkdir()
    (removals.begun / manifest.id).write_text(replace(manifest, state=RESTORING).to_json())


def test_what_was_begun_on_another_disk_is_not_carried_out(home: Household) -> None:
    run = home.runner()
    before = everything(home)
    choice = space.read_holdings(run).choose("Show")
    home.transmission.down = True
    with pytest.raises(Unreachable):
        run.removals.erase(choice, home.clock.time())
    home.transmission.down = False
    home.disk_id.write_text("f" * 32 + "\n")
    home.run()
    assert everything(home) == before
    assert list(run.removals.begun.iterdir()) == []


def test_file_that_a_kill_has_left_begins_nothing(home: Household) -> None:
    removals = home.runner().removals
    remove(home, "Dune (2021)")
    (manifest,) = removals.list()
    removals.begun.mkdir()
    left = removals.begun / f"{files.PREFIX}x"
    left.write_text(replace(manifest, state=DELETING).to_json())
    os.utime(left, (0, 0))
    home.run()
    assert [one.state for one in removals.list()] == [REMOVED]
    assert list(removals.begun.iterdir()) == []


def test_files_of_a_person_in_the_hidden_folder_stay(home: Household) -> None:
    remove(home, "Dune (2021)")
    for path in ("note", "folder/note"):
        (home.media / TRASH / path).parent.mkdir(exist_ok=True)
        (home.media / TRASH / path).touch()
    home.clock.now += 8 * 86400
    home.run()
    found = {str(path.relative_to(home.media / TRASH)) for path in (home.media / TRASH).rglob("*")}
    assert found == {"note", "folder", "folder/note"}


# What is offered.


def test_space_offers_unlinked_downloads_and_shared_seeds_largest_first(home: Household) -> None:
    home.download(4, "Old", ["Old/readme.exe"], size=4 * SIZE)
    home.run()
    home.transmission.torrents[hash_of(1)]["uploadRatio"] = 2.0
    home.transmission.torrents[hash_of(2)] |= {"uploadRatio": 9.0, "seedRatioMode": 2}
    for path in (home.media / "misc").rglob("readme.exe"):
        path.unlink()
    found = space.report(home.runner())
    assert [(one.name, one.reasons) for one in found.offers] == [
        ("Old", (space.UNLINKED,)),
        ("Dune.2021.1080p.WEB", (space.SHARED,)),
    ]
    assert found.offers[0].frees == 4 * SIZE
    assert found.total >= found.free > 0


def test_space_offers_what_every_user_has_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Household(tmp_path)
    media_as_jellyfin_sees_it(monkeypatch, home)
    monkeypatch.setattr(space, "CONTAINER_MEDIA", str(home.media))
    filled(home)
    installation = home.installation
    assert installation is not None
    assert installation.call("POST", "/Users/New", {"Name": "child", "Password": "x"}).status == 200
    users = {one["Name"]: one["Id"] for one in installation.call("GET", "/Users").json}
    listed = installation.call("GET", "/Items", recursive="true", fields="Path").json["Items"]
    items = {one["Path"]: one["Id"] for one in listed}
    for path, names in ((DUNE, ["admin", "child"]), (ALIEN, ["admin"]), (SEASON[0], ["admin", "child"])):
        for name in names:
            marked = installation.call("POST", f"/UserPlayedItems/{items[str(home.media / path)]}", userId=users[name])
            assert marked.status == 200
    found = {one.name: one.reasons for one in space.report(home.runner()).offers}
    assert found == {"movies/Dune (2021)": (space.WATCHED,)}
    for name in ("admin", "child"):
        installation.call("POST", f"/UserPlayedItems/{items[str(home.media / SEASON[1])]}", userId=users[name])
    assert "tv/Show" in {one.name for one in space.report(home.runner()).offers} or "tv/Show/Season 01" in {
        one.name for one in space.report(home.runner()).offers
    }


def test_metainfo_is_what_transmission_gets_back(home: Household) -> None:
    remove(home, "Dune (2021)")
    run = home.runner()
    run.removals.restore(run.removals.find("Dune (2021)"))
    name, arguments = home.transmission.calls[-1]
    assert name == "torrent-add"
    assert json.loads(base64.b64decode(arguments["metainfo"]))["hashString"] == hash_of(1)
