# SPDX-License-Identifier: GPL-3.0-or-later
"""Power cuts after the Jellyfin modules: their changes are synced, and damaged files are repaired without loss.

A control shows that the double loses such files without the sync.
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
from ansible_collections.household.mediaserver.tests.unit.plugins.modules.jellyfin_claims import SimulatedServer
from ansible_collections.household.mediaserver.tests.unit.plugins.modules.jellyfin_runs import Runs
from jellyfin_installation import film


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The folders whose filesystems the modules synced."""
    folders: list[str | None] = []
    monkeypatch.setattr(module, "sync_filesystem", folders.append)
    return folders


@pytest.fixture(params=["10.11", "12.0"])
def runs(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Runs]:
    runs = Runs(tmp_path, request.param, monkeypatch, capfd)
    runs.host.server.synced()
    yield runs
    runs.host.server.stop()


def movies(*folders: Path, **more: Any) -> dict[str, Any]:
    return {"name": "Movies", "type": "movies", "paths": [str(folder) for folder in folders], **more}


def cut(runs: Runs, synced: list[str | None]) -> list[str]:
    """Cut the power after the syncs; return the names of the files that are empty."""
    if synced:
        runs.host.server.synced()
    lost = runs.host.server.power_cut()
    runs.host.start(runs.host.server.version)
    return sorted(path.name for path in lost)


def test_control_without_a_sync_the_double_loses_files(runs: Runs) -> None:
    runs.host.add_library(runs.host.media())
    assert cut(runs, []) == ["movies.mblink", "options.xml"]
    assert runs.host.library()["Locations"] == [""]


@pytest.mark.parametrize(
    ("module", "options"),
    [
        (jellyfin_library, {"libraries": [movies(Path("MEDIA"), options={"SaveLocalMetadata": True})]}),
        (jellyfin_settings, {"system": {"LibraryMonitorDelay": 7}}),
        (jellyfin_user, {"users": [{"name": "guest", "password": "first-Pass-1"}]}),
    ],
    ids=["library", "settings", "user"],
)
def test_only_a_change_is_synced_and_only_once(
    runs: Runs, synced: list[str | None], module: Any, options: dict[str, Any]
) -> None:
    media = str(runs.host.media())
    for library in options.get("libraries", []):
        library["paths"] = [media]
    config = str(runs.host.config)
    runs.run(module, check=True, config_dir=config, **options)
    assert synced == []
    assert runs.run(module, config_dir=config, **options)["changed"]
    assert synced == [config]
    assert cut(runs, synced) == []
    for check in (True, False):
        assert not runs.run(module, check=check, config_dir=config, **options)["changed"]
    assert synced == [config], "an unchanged run synced"


def test_failed_run_is_synced_too(runs: Runs, synced: list[str | None]) -> None:
    wanted = [movies(runs.host.media()), {"name": "TV", "type": "tvshows", "paths": ["/nowhere"]}]
    assert "cannot read the folder /nowhere" in runs.run(jellyfin_library, libraries=wanted)["msg"]
    assert synced == [None]
    assert cut(runs, synced) == []


def test_wizard_is_synced_before_the_key_file_is_written(
    host: SimulatedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.boot()
    seen: list[bool] = []
    monkeypatch.setattr(module, "sync_filesystem", lambda folder: seen.append(host.key_file.exists()))
    assert host.setup()["changed"]
    assert seen == [False]
    assert not host.setup()["changed"]
    assert seen == [False]


def watched(runs: Runs) -> tuple[set[str], set[str]]:
    """Return the names of the listed films, and of those marked as watched."""
    listed = runs.host.call(
        *("GET", "/Items"), recursive="true", includeItemTypes="Movie", enableUserData="true", fields="Path"
    ).json["Items"]
    marked = {entry["Name"] for entry in listed if entry.get("UserData", {}).get("Played")}
    return {entry["Name"] for entry in listed}, marked


def with_films(runs: Runs, *folders: Path) -> None:
    for folder in folders:
        film(folder, f"A {folder.name} (2020)")
        film(folder, f"B {folder.name} (2021)")
    runs.host.add_library(*folders, refresh=True, SeasonZeroDisplayName="Extras")
    runs.host.pass_time(60)
    key = next(
        entry["Id"]
        for entry in runs.host.call("GET", "/Items", recursive="true", includeItemTypes="Movie").json["Items"]
        if entry["Name"].startswith("A ")
    )
    assert runs.host.call("POST", f"/UserPlayedItems/{key}").status == 200


def empty(runs: Runs, pattern: str) -> list[Path]:
    """Empty the files that match, as after a power cut, while the server is down."""
    runs.host.server.stop()
    found = sorted((runs.host.config / "root" / "default" / "Movies").glob(pattern))
    for path in found:
        path.write_text("")
    runs.host.start(runs.host.server.version)
    return found


@pytest.mark.parametrize("lost", ["*.mblink", "[m]*.mblink", "*.[mx][bm]l*"], ids=["all", "one", "options too"])
def test_empty_shortcut_is_repaired_without_loss_of_items_or_marks(runs: Runs, lost: str) -> None:
    folders = [runs.host.media("more"), runs.host.media("shelf")]
    with_films(runs, *folders)
    before, identifier = watched(runs), runs.host.library()["ItemId"]
    assert (len(before[0]), len(before[1])) == (4, 1)
    assert empty(runs, lost)
    assert "" in runs.host.library()["Locations"]
    wanted = movies(*folders, options={"EnableRealtimeMonitor": True})
    done = runs.four_times(jellyfin_library, libraries=[wanted])
    assert "Movies.paths" in done["changes"]
    found = runs.host.library()
    assert sorted(found["Locations"]) == sorted(map(str, folders))
    assert sorted(info["Path"] for info in found["LibraryOptions"]["PathInfos"]) == sorted(map(str, folders))
    assert found["ItemId"] == identifier
    assert watched(runs) == before, "items or marks were lost in the repair"
    runs.host.pass_time(60)
    assert runs.host.call("POST", "/Library/Refresh").status == 204
    runs.host.pass_time(60)
    assert watched(runs) == before, "a scan after the repair dropped items or marks"
    if lost != "*.[mx][bm]l*":
        assert found["LibraryOptions"]["SeasonZeroDisplayName"] == "Extras", "options that were not managed are lost"


def test_control_scan_before_the_repair_drops_all_items(runs: Runs) -> None:
    """The control: a scan before the repair loses the items."""
    folder = runs.host.media()
    with_films(runs, folder)
    empty(runs, "*.mblink")
    assert runs.host.call("POST", "/Library/Refresh").status == 204
    runs.host.pass_time(60)
    assert watched(runs)[0] == set()


def test_running_scan_is_stopped_before_the_library_is_removed(runs: Runs) -> None:
    folder = runs.host.media()
    with_films(runs, folder)
    before = watched(runs)
    # A long scan, which drops missing items at its beginning.
    runs.host.options["scan_item_s"] = 600
    empty(runs, "*.mblink")
    assert runs.host.call("POST", "/Library/Refresh").status == 204
    runs.run(jellyfin_library, libraries=[movies(folder)])
    assert any(call.startswith("DELETE /ScheduledTasks/Running/") for call in runs.writes)
    runs.host.pass_time(60)
    assert watched(runs) == before


def test_missing_folder_is_found_before_the_library_is_removed(runs: Runs) -> None:
    folder = runs.host.media()
    with_films(runs, folder)
    before = watched(runs)
    empty(runs, "*.mblink")
    folder.rename(folder.with_name("away"))
    refused = runs.run(jellyfin_library, libraries=[movies(folder)])
    assert f"cannot read the folder {folder}" in refused["msg"]
    assert watched(runs) == before
    assert runs.host.library()["Locations"] == [""]


def test_unmanaged_library_with_an_empty_shortcut_is_a_warning(runs: Runs) -> None:
    name = f"Movies of {runs.host.server.version}"
    runs.host.add_library(runs.host.media(), name=name)
    next((runs.host.config / "root" / "default" / name).glob("*.mblink")).write_text("")
    shows = runs.host.media("shows")
    done = runs.run(jellyfin_library, libraries=[{"name": "TV", "type": "tvshows", "paths": [str(shows)]}])
    assert done["actions"] == ["create library TV"]
    assert f"{name}: one of the library's folders is an empty entry" in " ".join(runs.warnings.split())


def test_empty_device_txt_invalidates_every_login(runs: Runs) -> None:
    """The entry point restores device.txt for this reason."""
    assert runs.host.call("GET", "/Users/Me").status == 200
    runs.host.server.stop()
    (runs.host.config / "data" / "device.txt").write_text("")
    runs.host.start(runs.host.server.version)
    assert runs.host.call("GET", "/Users/Me").status == 401
