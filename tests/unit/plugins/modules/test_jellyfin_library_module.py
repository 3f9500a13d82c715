# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole module jellyfin_library over a socket, on the double of the server in both versions."""

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
    runs.host.server.stop()


def movies(*folders: Path, **more: Any) -> dict[str, Any]:
    return {"name": "Movies", "type": "movies", "paths": [str(folder) for folder in folders], **more}


def listed(runs: Runs) -> dict[str, tuple[str | None, list[str], list[str]]]:
    """Return type, Locations and PathInfos of each library by name."""
    found = runs.host.call("GET", "/Library/VirtualFolders").json
    return {
        library["Name"]: (
            library.get("CollectionType"),
            library["Locations"],
            [info["Path"] for info in library["LibraryOptions"]["PathInfos"]],
        )
        for library in found
    }


def test_creates_libraries_idempotently(runs: Runs) -> None:
    films, comma, shows = (runs.host.media(name) for name in ("films", "with, comma", "shows"))
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
    options = runs.host.library()["LibraryOptions"]
    assert (options["EnableRealtimeMonitor"], options["PreferredMetadataLanguage"]) == (True, "de")


def test_first_film_of_a_new_library_is_listed_without_a_full_scan(runs: Runs) -> None:
    folder = runs.host.media(keep=True)
    runs.host.monitor_delay(1)
    runs.run(jellyfin_library, libraries=[movies(folder, options={"EnableRealtimeMonitor": True})])
    assert runs.writes == ["POST /Library/VirtualFolders"]
    runs.host.pass_time(30)
    film(folder, "First Film (2020)")
    runs.host.pass_time(0.1)
    assert runs.host.films() == set()
    runs.host.pass_time(1.1)
    assert runs.host.films() == {"First Film (2020)"}


def test_control_without_the_dot_file_the_first_film_is_not_listed(runs: Runs) -> None:
    """The control for the test above."""
    folder = runs.host.media(keep=False)
    runs.host.monitor_delay(1)
    runs.run(jellyfin_library, libraries=[movies(folder, options={"EnableRealtimeMonitor": True})])
    runs.host.pass_time(30)
    film(folder, "First Film (2020)")
    runs.host.pass_time(600)
    assert runs.host.films() == set()


def test_existing_film_is_listed_at_once(runs: Runs) -> None:
    folder = runs.host.media()
    film(folder, "Old Film (1950)")
    runs.run(jellyfin_library, libraries=[movies(folder)])
    runs.host.pass_time(1)
    assert runs.host.films() == {"Old Film (1950)"}


def test_path_added_later_is_watched(runs: Runs) -> None:
    first, second = runs.host.media("a"), runs.host.media("b")
    runs.host.monitor_delay(1)
    runs.host.add_library(first, refresh=True)
    runs.host.pass_time(30)
    done = runs.four_times(jellyfin_library, libraries=[movies(second, first)])
    assert done["actions"] == [f"add path {second} of Movies"]
    runs.host.pass_time(30)
    film(second, "Second Film (2021)")
    runs.host.pass_time(0.1)
    runs.host.pass_time(1.1)
    assert runs.host.films() == {"Second Film (2021)"}


def test_enabled_monitor_takes_effect_by_the_modules_scan(runs: Runs) -> None:
    folder = runs.host.media()
    runs.host.monitor_delay(1)
    runs.host.add_library(folder, refresh=True, EnableRealtimeMonitor=False, SeasonZeroDisplayName="Extras")
    runs.host.pass_time(30)
    done = runs.four_times(jellyfin_library, libraries=[movies(folder, options={"EnableRealtimeMonitor": True})])
    assert done["actions"] == ["write options of Movies: EnableRealtimeMonitor", "scan all libraries"]
    assert done["changes"] == {"Movies.options.EnableRealtimeMonitor": {"before": False, "after": True}}
    assert runs.host.library()["LibraryOptions"]["SeasonZeroDisplayName"] == "Extras"
    runs.host.pass_time(30)
    film(folder, "Late Film (2022)")
    runs.host.pass_time(0.1)
    runs.host.pass_time(1.1)
    assert runs.host.films() == {"Late Film (2022)"}


def test_all_kinds_of_damage_are_repaired_at_once(runs: Runs) -> None:
    good, twice, lost, gone = (runs.host.media(name) for name in ("good", "twice", "lost", "gone"))
    host = runs.host
    host.add_library(good, twice, lost, gone)
    for path in (str(twice), f"{twice}/", f"{good}/"):
        body = {"Name": "Movies", "PathInfo": {"Path": path}}
        assert host.call("POST", "/Library/VirtualFolders/Paths", body).status == 204
    library = host.library()
    infos = [info for info in library["LibraryOptions"]["PathInfos"] if info["Path"] != str(lost)]
    body = {"Id": library["ItemId"], "LibraryOptions": {**library["LibraryOptions"], "PathInfos": infos}}
    assert host.call("POST", "/Library/VirtualFolders/LibraryOptions", body).status == 204
    done = runs.four_times(jellyfin_library, libraries=[movies(good, twice, lost)])
    assert set(done["changes"]) == {"Movies.paths"}
    kind, locations, infos = listed(runs)["Movies"]
    assert (kind, sorted(locations), sorted(infos)) == ("movies", *[sorted(map(str, (good, twice, lost)))] * 2)


@pytest.mark.parametrize("seed", range(5))
def test_random_changes_of_paths_are_repaired(runs: Runs, seed: int) -> None:
    """Random calls that the server accepts, then one run; the next run changes nothing."""
    chance = random.Random(seed)
    host = runs.host
    folders = [str(host.media(name)) for name in "abcd"]
    for number, name in enumerate(("Movies", "More")):
        host.add_library(Path(folders[number]), name=name)
    for _ in range(12):
        library = host.library(chance.choice(("Movies", "More")))
        path = chance.choice(folders) + chance.choice(("", "/"))
        name, options = library["Name"], library["LibraryOptions"]
        match chance.randrange(4):
            case 0 | 1:
                body = {"Name": name, "PathInfo": {"Path": path}}
                reply = host.call("POST", "/Library/VirtualFolders/Paths", body)
            case 2:
                reply = host.call("DELETE", "/Library/VirtualFolders/Paths", None, name=name, path=path)
            case _:
                infos = [{"Path": path} for path in chance.choices(folders, k=chance.randrange(4))]
                body = {"Id": library["ItemId"], "LibraryOptions": {**options, "PathInfos": infos}}
                reply = host.call("POST", "/Library/VirtualFolders/LibraryOptions", body)
        assert reply.status == 204
    chance.shuffle(folders)
    wanted = {"Movies": folders[:2], "More": folders[2:]}
    libraries = [{"name": name, "type": "movies", "paths": paths} for name, paths in wanted.items()]
    runs.four_times(jellyfin_library, libraries=libraries)
    found = {name: (sorted(locations), sorted(infos)) for name, (_, locations, infos) in listed(runs).items()}
    assert found == {name: (sorted(paths), sorted(paths)) for name, paths in wanted.items()}


def test_partial_options_written_by_others_are_repaired(runs: Runs) -> None:
    folder = runs.host.media()
    runs.host.add_library(folder)
    body = {"Id": runs.host.library()["ItemId"], "LibraryOptions": {"SaveLocalMetadata": True}}
    assert runs.host.call("POST", "/Library/VirtualFolders/LibraryOptions", body).status == 204
    wanted = movies(folder, options={"EnableRealtimeMonitor": True})
    runs.four_times(jellyfin_library, libraries=[wanted])
    assert listed(runs)["Movies"] == ("movies", [str(folder)], [str(folder)])
    assert runs.host.library()["LibraryOptions"]["SaveLocalMetadata"] is True


def test_folder_is_moved_from_one_library_to_another(runs: Runs) -> None:
    first, second, shared = (runs.host.media(name) for name in ("a", "b", "c"))
    runs.host.add_library(first, shared)
    runs.host.add_library(second, name="More")
    wanted = [{"name": "More", "type": "movies", "paths": [str(second), str(shared)]}, movies(first)]
    done = runs.four_times(jellyfin_library, libraries=wanted)
    assert done["actions"] == [f"remove path {shared} of Movies", f"add path {shared} of More"]


def test_removes_only_when_allowed(runs: Runs) -> None:
    runs.host.add_library(runs.host.media())
    refused = runs.run(jellyfin_library, libraries=[{"name": "Movies", "state": "absent"}])
    assert "allow_removal" in refused["msg"]
    assert runs.writes == []
    runs.four_times(jellyfin_library, libraries=[{"name": "Movies", "state": "absent"}], allow_removal=True)
    assert listed(runs) == {}


def test_changes_the_type_only_when_allowed(runs: Runs) -> None:
    folder, new = runs.host.media(), runs.host.media("new")
    runs.host.add_library(folder, SeasonZeroDisplayName="Extras")
    wanted = [movies(folder, new, type="homevideos")]
    assert "allow_type_change" in runs.run(jellyfin_library, libraries=wanted)["msg"]
    missing = [movies(folder, runs.host.folder / "nowhere", type="homevideos")]
    assert "nowhere" in runs.run(jellyfin_library, libraries=missing, allow_type_change=True)["msg"]
    assert listed(runs)["Movies"][0] == "movies"
    runs.four_times(jellyfin_library, libraries=wanted, allow_type_change=True)
    assert listed(runs)["Movies"][0] == "homevideos"
    assert runs.host.library()["LibraryOptions"]["SeasonZeroDisplayName"] == "Extras"


def test_missing_folder_is_reported(runs: Runs) -> None:
    nowhere = runs.host.folder / "nowhere"
    refused = runs.run(jellyfin_library, libraries=[movies(nowhere)])
    assert f"libraries: Movies: the server cannot read the folder {nowhere}. A library's folder must" in refused["msg"]
    assert "in the server's container" in refused["msg"]
    assert listed(runs) == {}
    folder = runs.host.media()
    runs.host.add_library(folder)
    refused = runs.run(jellyfin_library, libraries=[movies(folder, nowhere)])
    assert f"libraries: Movies: the server cannot read the folder {nowhere}." in refused["msg"]


def test_missing_folder_is_not_removed_for_a_repair(runs: Runs) -> None:
    """While the disk is not mounted, the library's items must stay, as in a scan."""
    folder = runs.host.media(keep=False)
    runs.host.add_library(folder)
    body = {"Name": "Movies", "PathInfo": {"Path": str(folder)}}
    assert runs.host.call("POST", "/Library/VirtualFolders/Paths", body).status == 204
    folder.rmdir()
    before = listed(runs)
    assert "in the server's container" in runs.run(jellyfin_library, libraries=[movies(folder)])["msg"]
    assert listed(runs) == before


def test_incomplete_library_is_scanned_by_the_module(runs: Runs) -> None:
    folder = runs.host.media()
    runs.host.add_library(folder, name="Films")
    name = f"Movies {runs.host.server.version}"
    runs.host.call("POST", "/Library/VirtualFolders/Name", None, name="Films", newName=name)
    assert "ItemId" not in runs.host.library(name)
    wanted = movies(folder, name=name)
    predicted = runs.run(jellyfin_library, libraries=[wanted], check=True)
    assert f"{name}: listed without ItemId" in " ".join(runs.warnings.split())
    assert runs.writes == []
    done = runs.run(jellyfin_library, libraries=[wanted])
    assert runs.writes == ["POST /Library/Refresh"]
    assert done == predicted
    assert done["actions"] == ["scan all libraries"]
    assert "ItemId" in runs.host.library(name)
    for check in (True, False):
        assert not runs.run(jellyfin_library, libraries=[wanted], check=check)["changed"]


def test_options_are_compared_after_the_scan(runs: Runs) -> None:
    folder = runs.host.media()
    runs.host.add_library(folder, name="Films")
    runs.host.call("POST", "/Library/VirtualFolders/Name", None, name="Films", newName="Movies")
    done = runs.run(jellyfin_library, libraries=[movies(folder, options={"SaveLocalMetadata": True})])
    assert done["actions"] == ["scan all libraries", "write options of Movies: SaveLocalMetadata"]
    assert runs.host.library()["LibraryOptions"]["SaveLocalMetadata"] is True


def test_library_renamed_in_the_web_interface_is_reported(runs: Runs) -> None:
    folder = runs.host.media()
    runs.host.add_library(folder, name="Movies")
    runs.host.call("POST", "/Library/VirtualFolders/Name", None, name="Movies", newName="Films", refreshLibrary="true")
    runs.host.pass_time(10)
    refused = runs.run(jellyfin_library, libraries=[movies(folder)])
    assert f"no library Movies, but Films with the same folders ({folder})" in refused["msg"]
    assert "Rename it in the inventory (name: Films) or there" in refused["msg"]
    assert runs.writes == []
    # Both remedies of the message work: rename it in the inventory, or in Jellyfin.
    assert not runs.run(jellyfin_library, libraries=[movies(folder, name="Films")])["changed"]
    runs.host.call("POST", "/Library/VirtualFolders/Name", None, name="Films", newName="Movies", refreshLibrary="true")
    runs.host.pass_time(10)
    assert not runs.run(jellyfin_library, libraries=[movies(folder)])["changed"]


def test_library_renamed_in_the_inventory_keeps_its_folder(runs: Runs) -> None:
    folder = runs.host.media()
    runs.host.add_library(folder, name="Movies")
    wanted = [{"name": "Movies", "state": "absent"}, movies(folder, name="Films")]
    runs.four_times(jellyfin_library, libraries=wanted, allow_removal=True)
    assert list(listed(runs)) == ["Films"]


def test_check_mode_predicts_without_a_server(runs: Runs) -> None:
    runs.host.server.stop()
    predicted = runs.run(jellyfin_library, libraries=[movies(runs.host.media())], check=True)
    assert predicted["actions"] == ["create library Movies"]
    assert "predicted without the current" in " ".join(runs.warnings.split())
    runs.host.start(runs.host.server.version)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "slash": ({"name": "A/B"}, "replaces by a blank"),
    "blank": ({"name": " Movies"}, "begins or ends with a blank"),
    "dots": ({"name": ".."}, "begins with a dot"),
    "other case": ({"name": "MOVIES"}, "does not distinguish the two"),
    "type": ({"type": "films"}, "value of type must be one of"),
    "no paths": ({"paths": []}, "at least one folder"),
    "relative": ({"paths": ["movies"]}, "is not an absolute path"),
    "unknown option": ({"options": {"RealtimeMonitor": True}}, "is EnableRealtimeMonitor meant?"),
    "misspelled option": ({"options": {"enableRealtimeMonitor": True}}, "is misspelled; write EnableRealtimeMonitor"),
    "paths as option": ({"options": {"PathInfos": []}}, "has no PathInfos"),
    "wrong type": ({"options": {"EnableRealtimeMonitor": "on"}}, "must be true or false"),
    "wrong choice": ({"options": {"AllowEmbeddedSubtitles": "Some"}}, "must be one of AllowAll"),
}


@pytest.mark.parametrize(("change", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_invalid_input_writes_nothing(runs: Runs, change: dict[str, Any], message: str) -> None:
    folder = runs.host.media()
    runs.host.add_library(folder)
    runs.requests = 1
    answer = runs.run(jellyfin_library, libraries=[{**movies(folder), **change}])
    assert answer.get("failed"), answer
    assert message in answer["msg"]
    assert runs.writes == []


@pytest.mark.parametrize("inside", ["", "inner"])
def test_folder_of_an_unmanaged_library_is_rejected(runs: Runs, inside: str) -> None:
    folder = runs.host.media()
    (folder / "inner").mkdir()
    runs.host.add_library(folder, name="Unmanaged")
    wanted = [folder / inside, *([] if inside else [runs.host.media("more")])]
    answer = runs.run(jellyfin_library, libraries=[movies(*wanted)])
    assert "Unmanaged are the same folder, or one is inside the other" in answer["msg"]
    assert runs.writes == []
