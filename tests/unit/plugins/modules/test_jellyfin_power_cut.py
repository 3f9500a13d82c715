# SPDX-License-Identifier: GPL-3.0-or-later
"""Power cuts around the Jellyfin modules: what they changed is synced, and what was lost is repaired without loss.

A control shows that without the sync the double loses such files.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin import module
from ansible_collections.household.mediaserver.plugins.modules import (
    jellyfin_library,
    jellyfin_settings,
    jellyfin_user,
)
from ansible_collections.household.mediaserver.tests.unit.plugins.modules.jellyfin_claims import House as Claim
from ansible_collections.household.mediaserver.tests.unit.plugins.modules.jellyfin_runs import Runs
from jellyfin_installation import film


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The folders of which the modules had the filesystem synced."""
    folders: list[str | None] = []
    monkeypatch.setattr(module, "sync_filesystem", folders.append)
    return folders


@pytest.fixture(params=["10.11", "12.0"])
def runs(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Runs]:
    runs = Runs(tmp_path, request.param, monkeypatch, capfd)
    runs.house.server.synced()
    yield runs
    runs.house.server.stop()


def movies(*folders: Path, **more: Any) -> dict[str, Any]:
    return {"name": "Movies", "type": "movies", "paths": [str(folder) for folder in folders], **more}


def cut(runs: Runs, synced: list[str | None]) -> list[str]:
    """A power cut after what was synced; return the names of the files that are empty."""
    if synced:
        runs.house.server.synced()
    lost = runs.house.server.power_cut()
    runs.house.start(runs.house.server.version)
    return sorted(path.name for path in lost)


def test_without_a_sync_the_double_loses_files(runs: Runs) -> None:
    runs.house.add_library(runs.house.media())
    assert cut(runs, []) == ["movies.mblink", "options.xml"]
    assert runs.house.library()["Locations"] == [""]


@pytest.mark.parametrize(
    ("module", "options"),
    [
        (jellyfin_library, {"libraries": [movies(Path("MEDIA"), options={"SaveLocalMetadata": True})]}),
        (jellyfin_settings, {"system": {"LibraryMonitorDelay": 7}}),
        (jellyfin_user, {"users": [{"name": "guest", "password": "first-Pass-1"}]}),
    ],
    ids=["library", "settings", "user"],
)
def test_a_change_is_synced_once_and_nothing_else_is(
    runs: Runs, synced: list[str | None], module: Any, options: dict[str, Any]
) -> None:
    media = str(runs.house.media())
    for library in options.get("libraries", []):
        library["paths"] = [media]
    config = str(runs.house.config)
    runs.run(module, check=True, config_dir=config, **options)
    assert synced == []
    assert runs.run(module, config_dir=config, **options)["changed"]
    assert synced == [config]
    assert cut(runs, synced) == []
    for check in (True, False):
        assert not runs.run(module, check=check, config_dir=config, **options)["changed"]
    assert synced == [config], "an unchanged run synced"


def test_a_run_that_fails_half_way_is_synced_too(runs: Runs, synced: list[str | None]) -> None:
    wanted = [movies(runs.house.media()), {"name": "TV", "type": "tvshows", "paths": ["/nowhere"]}]
    assert "does not see the folder /nowhere" in runs.run(jellyfin_library, libraries=wanted)["msg"]
    assert synced == [None]
    assert cut(runs, synced) == []


def test_a_claim_is_synced_before_the_key_file_proves_it(house: Claim, monkeypatch: pytest.MonkeyPatch) -> None:
    house.boot()
    seen: list[bool] = []
    monkeypatch.setattr(module, "sync_filesystem", lambda folder: seen.append(house.key_file.exists()))
    assert house.setup()["changed"]
    assert seen == [False]
    assert not house.setup()["changed"]
    assert seen == [False]


def watched(runs: Runs) -> tuple[set[str], set[str]]:
    """Names of the films that are listed, and of those that are marked as watched."""
    listed = runs.house.call(
        *("GET", "/Items"), recursive="true", includeItemTypes="Movie", enableUserData="true", fields="Path"
    ).json["Items"]
    marked = {entry["Name"] for entry in listed if entry.get("UserData", {}).get("Played")}
    return {entry["Name"] for entry in listed}, marked


def with_films(runs: Runs, *folders: Path) -> None:
    for folder in folders:
        film(folder, f"A {folder.name} (2020)")
        film(folder, f"B {folder.name} (2021)")
    runs.house.add_library(*folders, refresh=True, SeasonZeroDisplayName="Extras")
    runs.house.pass_time(60)
    key = next(
        entry["Id"]
        for entry in runs.house.call("GET", "/Items", recursive="true", includeItemTypes="Movie").json["Items"]
        if entry["Name"].startswith("A ")
    )
    assert runs.house.call("POST", f"/UserPlayedItems/{key}").status == 200


def empty(runs: Runs, pattern: str) -> list[Path]:
    """What a power cut leaves of these files, while the server is down."""
    runs.house.server.stop()
    found = sorted((runs.house.config / "root" / "default" / "Movies").glob(pattern))
    for path in found:
        path.write_text("")
    runs.house.start(runs.house.server.version)
    return found


@pytest.mark.parametrize("lost", ["*.mblink", "[m]*.mblink", "*.[mx][bm]l*"], ids=["all", "one", "options too"])
def test_an_empty_shortcut_is_repaired_without_loss_of_items_or_marks(runs: Runs, lost: str) -> None:
    folders = [runs.house.media("more"), runs.house.media("shelf")]
    with_films(runs, *folders)
    before, identifier = watched(runs), runs.house.library()["ItemId"]
    assert (len(before[0]), len(before[1])) == (4, 1)
    assert empty(runs, lost)
    assert "" in runs.house.library()["Locations"]
    wanted = movies(*folders, options={"EnableRealtimeMonitor": True})
    done = runs.four_times(jellyfin_library, libraries=[wanted])
    assert "Movies.paths" in done["changes"]
    found = runs.house.library()
    assert sorted(found["Locations"]) == sorted(map(str, folders))
    assert sorted(info["Path"] for info in found["LibraryOptions"]["PathInfos"]) == sorted(map(str, folders))
    assert found["ItemId"] == identifier
    assert watched(runs) == before, "items or marks were lost on the way"
    runs.house.pass_time(60)
    assert runs.house.call("POST", "/Library/Refresh").status == 204
    runs.house.pass_time(60)
    assert watched(runs) == before, "a scan after the repair dropped items or marks"
    if lost != "*.[mx][bm]l*":
        assert found["LibraryOptions"]["SeasonZeroDisplayName"] == "Extras", "options that were not managed are lost"


def test_a_scan_before_the_repair_drops_all_items(runs: Runs) -> None:
    """The control: it is the scan that must not come first."""
    folder = runs.house.media()
    with_films(runs, folder)
    empty(runs, "*.mblink")
    assert runs.house.call("POST", "/Library/Refresh").status == 204
    runs.house.pass_time(60)
    assert watched(runs)[0] == set()


def test_a_scan_that_runs_is_stopped_before_the_library_is_taken_away(runs: Runs) -> None:
    folder = runs.house.media()
    with_films(runs, folder)
    before = watched(runs)
    # A long one: what is gone is dropped early in it.
    runs.house.options["scan_item_s"] = 600
    empty(runs, "*.mblink")
    assert runs.house.call("POST", "/Library/Refresh").status == 204
    runs.run(jellyfin_library, libraries=[movies(folder)])
    assert any(call.startswith("DELETE /ScheduledTasks/Running/") for call in runs.writes)
    runs.house.pass_time(60)
    assert watched(runs) == before


def test_a_missing_folder_is_found_out_before_the_library_is_taken_away(runs: Runs) -> None:
    folder = runs.house.media()
    with_films(runs, folder)
    before = watched(runs)
    empty(runs, "*.mblink")
    folder.rename(folder.with_name("away"))
    refused = runs.run(jellyfin_library, libraries=[movies(folder)])
    assert f"does not see the folder {folder}" in refused["msg"]
    assert watched(runs) == before
    assert runs.house.library()["Locations"] == [""]


def test_a_library_that_is_not_managed_is_named_and_stops_no_other(runs: Runs) -> None:
    name = f"Movies of {runs.house.server.version}"
    runs.house.add_library(runs.house.media(), name=name)
    next((runs.house.config / "root" / "default" / name).glob("*.mblink")).write_text("")
    shows = runs.house.media("shows")
    done = runs.run(jellyfin_library, libraries=[{"name": "TV", "type": "tvshows", "paths": [str(shows)]}])
    assert done["actions"] == ["create library TV"]
    assert f"{name}: one of the library's folders is an empty entry" in " ".join(runs.warnings.split())


def test_without_device_txt_every_login_is_gone(runs: Runs) -> None:
    """What the copies of the entry point are for."""
    assert runs.house.call("GET", "/Users/Me").status == 200
    runs.house.server.stop()
    (runs.house.config / "data" / "device.txt").write_text("")
    runs.house.start(runs.house.server.version)
    assert runs.house.call("GET", "/Users/Me").status == 401
