# SPDX-License-Identifier: GPL-3.0-or-later
"""jellyfin_library, whole, over a socket, against the double of the server in both versions."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.modules import jellyfin_library
from ansible_collections.household.mediaserver.tests.unit.plugins.modules.jellyfin_runs import Runs
from jellyfin_installation import film


@pytest.fixture(params=["10.11", "12.0"])
def runs(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Runs]:
    runs = Runs(tmp_path, request.param, monkeypatch, capfd)
    yield runs
    assert runs.requests
    runs.house.server.stop()


def movies(*folders: Path, **more: Any) -> dict[str, Any]:
    return {"name": "Movies", "type": "movies", "paths": [str(folder) for folder in folders], **more}


def listed(runs: Runs) -> dict[str, tuple[str | None, list[str], list[str]]]:
    """Type, Locations and PathInfos by name."""
    found = runs.house.call("GET", "/Library/VirtualFolders").json
    return {
        library["Name"]: (
            library.get("CollectionType"),
            library["Locations"],
            [info["Path"] for info in library["LibraryOptions"]["PathInfos"]],
        )
        for library in found
    }


def test_new_libraries_four_times(runs: Runs) -> None:
    films, comma, shows = (runs.house.media(name) for name in ("films", "with, comma", "shows"))
    wanted = [
        movies(comma, films, options={"EnableRealtimeMonitor": True, "PreferredMetadataLanguage": "de"}),
        {"name": "TV: no".replace(":", ","), "type": "tvshows", "paths": [f"{shows}/"]},
        {"name": "Gone", "state": "absent"},
    ]
    done = runs.four_times(jellyfin_library, libraries=wanted)
    assert done["actions"] == ["create library Movies", "create library TV, no"]
    assert done["changes"]["Movies"]["before"] is None
    assert listed(runs) == {
        "Movies": ("movies", sorted([str(films), str(comma)]), [str(comma), str(films)]),
        "TV, no": ("tvshows", [str(shows)], [str(shows)]),
    }
    options = runs.house.library()["LibraryOptions"]
    assert (options["EnableRealtimeMonitor"], options["PreferredMetadataLanguage"]) == (True, "de")


def test_the_first_film_of_a_new_library_needs_no_full_scan(runs: Runs) -> None:
    folder = runs.house.media(keep=True)
    runs.house.monitor_delay(1)
    runs.run(jellyfin_library, libraries=[movies(folder, options={"EnableRealtimeMonitor": True})])
    assert runs.writes == ["POST /Library/VirtualFolders"]
    runs.house.pass_time(30)
    film(folder, "First Film (2020)")
    runs.house.pass_time(0.1)
    assert runs.house.films() == set()
    runs.house.pass_time(1.1)
    assert runs.house.films() == {"First Film (2020)"}


def test_without_the_dot_file_it_stays_unseen(runs: Runs) -> None:
    """Shows that the test above can fail."""
    folder = runs.house.media(keep=False)
    runs.house.monitor_delay(1)
    runs.run(jellyfin_library, libraries=[movies(folder, options={"EnableRealtimeMonitor": True})])
    runs.house.pass_time(30)
    film(folder, "First Film (2020)")
    runs.house.pass_time(600)
    assert runs.house.films() == set()


def test_what_is_there_already_is_listed_at_once(runs: Runs) -> None:
    folder = runs.house.media()
    film(folder, "Old Film (1950)")
    runs.run(jellyfin_library, libraries=[movies(folder)])
    runs.house.pass_time(1)
    assert runs.house.films() == {"Old Film (1950)"}


def test_a_path_added_later_is_watched(runs: Runs) -> None:
    first, second = runs.house.media("a"), runs.house.media("b")
    runs.house.monitor_delay(1)
    runs.house.add_library(first, refresh=True)
    runs.house.pass_time(30)
    done = runs.four_times(jellyfin_library, libraries=[movies(second, first)])
    assert done["actions"] == [f"add path {second} of Movies"]
    runs.house.pass_time(30)
    film(second, "Second Film (2021)")
    runs.house.pass_time(0.1)
    runs.house.pass_time(1.1)
    assert runs.house.films() == {"Second Film (2021)"}


def test_a_monitor_switched_on_works_without_anybody_else_asking_for_a_scan(runs: Runs) -> None:
    folder = runs.house.media()
    runs.house.monitor_delay(1)
    runs.house.add_library(folder, refresh=True, EnableRealtimeMonitor=False, SeasonZeroDisplayName="Extras")
    runs.house.pass_time(30)
    done = runs.four_times(jellyfin_library, libraries=[movies(folder, options={"EnableRealtimeMonitor": True})])
    assert done["actions"] == ["write options of Movies: EnableRealtimeMonitor", "scan all libraries"]
    assert done["changes"] == {"Movies.options.EnableRealtimeMonitor": {"before": False, "after": True}}
    assert runs.house.library()["LibraryOptions"]["SeasonZeroDisplayName"] == "Extras"
    runs.house.pass_time(30)
    film(folder, "Late Film (2022)")
    runs.house.pass_time(0.1)
    runs.house.pass_time(1.1)
    assert runs.house.films() == {"Late Film (2022)"}


def test_every_damage_at_once_is_repaired(runs: Runs) -> None:
    good, twice, lost, gone = (runs.house.media(name) for name in ("good", "twice", "lost", "gone"))
    house = runs.house
    house.add_library(good, twice, lost, gone)
    for path in (str(twice), f"{twice}/", f"{good}/"):
        body = {"Name": "Movies", "PathInfo": {"Path": path}}
        assert house.call("POST", "/Library/VirtualFolders/Paths", body).status == 204
    library = house.library()
    infos = [info for info in library["LibraryOptions"]["PathInfos"] if info["Path"] != str(lost)]
    body = {"Id": library["ItemId"], "LibraryOptions": {**library["LibraryOptions"], "PathInfos": infos}}
    assert house.call("POST", "/Library/VirtualFolders/LibraryOptions", body).status == 204
    done = runs.four_times(jellyfin_library, libraries=[movies(good, twice, lost)])
    assert set(done["changes"]) == {"Movies.paths"}
    kind, locations, infos = listed(runs)["Movies"]
    assert (kind, sorted(locations), sorted(infos)) == ("movies", *[sorted(map(str, (good, twice, lost)))] * 2)


@pytest.mark.parametrize("seed", range(5))
def test_whatever_others_did_to_the_paths_is_repaired(runs: Runs, seed: int) -> None:
    """Random calls, each of which the server accepts; then one run, and the next has nothing to do."""
    chance = random.Random(seed)
    house = runs.house
    folders = [str(house.media(name)) for name in "abcd"]
    for number, name in enumerate(("Movies", "More")):
        house.add_library(Path(folders[number]), name=name)
    for _ in range(12):
        library = house.library(chance.choice(("Movies", "More")))
        path = chance.choice(folders) + chance.choice(("", "/"))
        name, options = library["Name"], library["LibraryOptions"]
        match chance.randrange(4):
            case 0 | 1:
                body = {"Name": name, "PathInfo": {"Path": path}}
                reply = house.call("POST", "/Library/VirtualFolders/Paths", body)
            case 2:
                reply = house.call("DELETE", "/Library/VirtualFolders/Paths", None, name=name, path=path)
            case _:
                infos = [{"Path": path} for path in chance.choices(folders, k=chance.randrange(4))]
                body = {"Id": library["ItemId"], "LibraryOptions": {**options, "PathInfos": infos}}
                reply = house.call("POST", "/Library/VirtualFolders/LibraryOptions", body)
        assert reply.status == 204
    chance.shuffle(folders)
    wanted = {"Movies": folders[:2], "More": folders[2:]}
    libraries = [{"name": name, "type": "movies", "paths": paths} for name, paths in wanted.items()]
    runs.four_times(jellyfin_library, libraries=libraries)
    found = {name: (sorted(locations), sorted(infos)) for name, (_, locations, infos) in listed(runs).items()}
    assert found == {name: (sorted(paths), sorted(paths)) for name, paths in wanted.items()}


def test_a_partial_write_of_options_by_others_is_healed(runs: Runs) -> None:
    folder = runs.house.media()
    runs.house.add_library(folder)
    body = {"Id": runs.house.library()["ItemId"], "LibraryOptions": {"SaveLocalMetadata": True}}
    assert runs.house.call("POST", "/Library/VirtualFolders/LibraryOptions", body).status == 204
    wanted = movies(folder, options={"EnableRealtimeMonitor": True})
    runs.four_times(jellyfin_library, libraries=[wanted])
    assert listed(runs)["Movies"] == ("movies", [str(folder)], [str(folder)])
    assert runs.house.library()["LibraryOptions"]["SaveLocalMetadata"] is True


def test_a_folder_moves_from_one_library_to_another(runs: Runs) -> None:
    first, second, shared = (runs.house.media(name) for name in ("a", "b", "c"))
    runs.house.add_library(first, shared)
    runs.house.add_library(second, name="More")
    wanted = [{"name": "More", "type": "movies", "paths": [str(second), str(shared)]}, movies(first)]
    done = runs.four_times(jellyfin_library, libraries=wanted)
    assert done["actions"] == [f"remove path {shared} of Movies", f"add path {shared} of More"]


def test_removal_only_when_allowed(runs: Runs) -> None:
    runs.house.add_library(runs.house.media())
    refused = runs.run(jellyfin_library, libraries=[{"name": "Movies", "state": "absent"}])
    assert "allow_removal" in refused["msg"]
    assert runs.writes == []
    runs.four_times(jellyfin_library, libraries=[{"name": "Movies", "state": "absent"}], allow_removal=True)
    assert listed(runs) == {}


def test_another_type_only_when_allowed(runs: Runs) -> None:
    folder, new = runs.house.media(), runs.house.media("new")
    runs.house.add_library(folder, SeasonZeroDisplayName="Extras")
    wanted = [movies(folder, new, type="homevideos")]
    assert "allow_type_change" in runs.run(jellyfin_library, libraries=wanted)["msg"]
    missing = [movies(folder, runs.house.folder / "nowhere", type="homevideos")]
    assert "nowhere" in runs.run(jellyfin_library, libraries=missing, allow_type_change=True)["msg"]
    assert listed(runs)["Movies"][0] == "movies"
    runs.four_times(jellyfin_library, libraries=wanted, allow_type_change=True)
    assert listed(runs)["Movies"][0] == "homevideos"
    assert runs.house.library()["LibraryOptions"]["SeasonZeroDisplayName"] == "Extras"


def test_a_folder_that_is_not_there(runs: Runs) -> None:
    nowhere = runs.house.folder / "nowhere"
    refused = runs.run(jellyfin_library, libraries=[movies(nowhere)])
    assert f"libraries: Movies: the server does not see the folder {nowhere}. A library's folder must" in refused["msg"]
    assert "in its container" in refused["msg"]
    assert listed(runs) == {}
    folder = runs.house.media()
    runs.house.add_library(folder)
    refused = runs.run(jellyfin_library, libraries=[movies(folder, nowhere)])
    assert f"libraries: Movies: the server does not see the folder {nowhere}." in refused["msg"]


def test_a_folder_that_vanished_is_not_taken_out_for_repair(runs: Runs) -> None:
    """The disk is not mounted: what the library has of it must stay, as it does in a scan."""
    folder = runs.house.media(keep=False)
    runs.house.add_library(folder)
    body = {"Name": "Movies", "PathInfo": {"Path": str(folder)}}
    assert runs.house.call("POST", "/Library/VirtualFolders/Paths", body).status == 204
    folder.rmdir()
    before = listed(runs)
    assert "in its container" in runs.run(jellyfin_library, libraries=[movies(folder)])["msg"]
    assert listed(runs) == before


def test_a_library_without_item_id_is_scanned_by_the_module_itself(runs: Runs) -> None:
    folder = runs.house.media()
    runs.house.add_library(folder, name="Films")
    name = f"Movies {runs.house.server.version}"
    runs.house.call("POST", "/Library/VirtualFolders/Name", None, name="Films", newName=name)
    assert "ItemId" not in runs.house.library(name)
    wanted = movies(folder, name=name)
    predicted = runs.run(jellyfin_library, libraries=[wanted], check=True)
    assert f"{name}: listed without ItemId" in " ".join(runs.warnings.split())
    assert runs.writes == []
    done = runs.run(jellyfin_library, libraries=[wanted])
    assert runs.writes == ["POST /Library/Refresh"]
    assert done == predicted
    assert done["actions"] == ["scan all libraries"]
    assert "ItemId" in runs.house.library(name)
    for check in (True, False):
        assert not runs.run(jellyfin_library, libraries=[wanted], check=check)["changed"]


def test_what_a_scan_brings_is_then_compared(runs: Runs) -> None:
    folder = runs.house.media()
    runs.house.add_library(folder, name="Films")
    runs.house.call("POST", "/Library/VirtualFolders/Name", None, name="Films", newName="Movies")
    done = runs.run(jellyfin_library, libraries=[movies(folder, options={"SaveLocalMetadata": True})])
    assert done["actions"] == ["scan all libraries", "write options of Movies: SaveLocalMetadata"]
    assert runs.house.library()["LibraryOptions"]["SaveLocalMetadata"] is True


def test_a_library_that_was_renamed_in_the_web_interface_is_named(runs: Runs) -> None:
    folder = runs.house.media()
    runs.house.add_library(folder, name="Movies")
    runs.house.call("POST", "/Library/VirtualFolders/Name", None, name="Movies", newName="Films", refreshLibrary="true")
    runs.house.pass_time(10)
    refused = runs.run(jellyfin_library, libraries=[movies(folder)])
    assert f"no library Movies, but Films with the same folders ({folder})" in refused["msg"]
    assert "Rename it in the inventory (name: Films) or there" in refused["msg"]
    assert runs.writes == []
    # As the message says: in the inventory, or there.
    assert not runs.run(jellyfin_library, libraries=[movies(folder, name="Films")])["changed"]
    runs.house.call("POST", "/Library/VirtualFolders/Name", None, name="Films", newName="Movies", refreshLibrary="true")
    runs.house.pass_time(10)
    assert not runs.run(jellyfin_library, libraries=[movies(folder)])["changed"]


def test_a_library_that_is_renamed_by_the_inventory_itself_may_keep_its_folder(runs: Runs) -> None:
    folder = runs.house.media()
    runs.house.add_library(folder, name="Movies")
    wanted = [{"name": "Movies", "state": "absent"}, movies(folder, name="Films")]
    runs.four_times(jellyfin_library, libraries=wanted, allow_removal=True)
    assert list(listed(runs)) == ["Films"]


def test_check_mode_where_nobody_listens(runs: Runs) -> None:
    runs.house.server.stop()
    told = runs.run(jellyfin_library, libraries=[movies(runs.house.media())], check=True)
    assert told["actions"] == ["create library Movies"]
    assert "foretold without having seen" in " ".join(runs.warnings.split())
    runs.house.start(runs.house.server.version)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "respelt": ({"name": "A/B"}, "make a blank"),
    "blank": ({"name": " Movies"}, "begins or ends with a blank"),
    "dots": ({"name": ".."}, "begins with a dot"),
    "other case": ({"name": "MOVIES"}, "mix them up"),
    "type": ({"type": "films"}, "value of type must be one of"),
    "no paths": ({"paths": []}, "at least one folder"),
    "relative": ({"paths": ["movies"]}, "no absolute path"),
    "unknown option": ({"options": {"RealtimeMonitor": True}}, "is it EnableRealtimeMonitor?"),
    "misspelt option": ({"options": {"enableRealtimeMonitor": True}}, "is written EnableRealtimeMonitor"),
    "paths as option": ({"options": {"PathInfos": []}}, "has no PathInfos"),
    "wrong type": ({"options": {"EnableRealtimeMonitor": "on"}}, "takes true or false"),
    "wrong choice": ({"options": {"AllowEmbeddedSubtitles": "Some"}}, "takes one of AllowAll"),
}


@pytest.mark.parametrize(("change", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals_write_nothing(runs: Runs, change: dict[str, Any], message: str) -> None:
    folder = runs.house.media()
    runs.house.add_library(folder)
    runs.requests = 1
    answer = runs.run(jellyfin_library, libraries=[{**movies(folder), **change}])
    assert answer.get("failed"), answer
    assert message in answer["msg"]
    assert runs.writes == []


@pytest.mark.parametrize("inside", ["", "inner"])
def test_a_folder_of_a_library_that_is_not_managed(runs: Runs, inside: str) -> None:
    folder = runs.house.media()
    (folder / "inner").mkdir()
    runs.house.add_library(folder, name="Unmanaged")
    wanted = [folder / inside, *([] if inside else [runs.house.media("more")])]
    answer = runs.run(jellyfin_library, libraries=[movies(*wanted)])
    assert "Unmanaged are one folder, or one lies within the other" in answer["msg"]
    assert runs.writes == []
