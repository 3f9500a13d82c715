# SPDX-License-Identifier: GPL-3.0-or-later
"""The scan and the file monitor: when a new film is listed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from jellyfin_installation import Installation, film


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path).set_up()


@pytest.mark.parametrize("delay", [1, 5, 60])
@pytest.mark.parametrize("refresh", [True, False])
def test_monitor_lists_film_after_delay(installation: Installation, delay: int, refresh: bool) -> None:
    installation.monitor_delay(delay)
    movies = installation.media()
    installation.add_library(movies, refresh=refresh)
    installation.pass_time(10)
    film(movies, "A (2020)")
    installation.server.sync()
    installation.pass_time(delay - 0.5)
    assert installation.films() == set()
    installation.pass_time(0.5)
    assert installation.films() == {"A (2020)"}


def test_film_in_empty_folder_needs_full_scan(installation: Installation) -> None:
    installation.monitor_delay(1)
    movies = installation.media(keep=False)
    installation.add_library(movies, refresh=True)
    installation.pass_time(10)
    film(movies, "A (2020)")
    installation.server.sync()
    assert installation.call("POST", "/Library/Media/Updated", {"Updates": [{"Path": str(movies)}]}).status == 204
    installation.pass_time(10)
    item = installation.library()["ItemId"]
    assert installation.call("POST", f"/Items/{item}/Refresh", Recursive="true").status == 204
    installation.pass_time(10)
    assert installation.films() == set()
    installation.call("POST", "/Library/Refresh")
    installation.pass_time(0.5)
    assert installation.films() == {"A (2020)"}
    # From now on the folder is monitored.
    installation.pass_time(10)
    film(movies, "B (2021)")
    installation.server.sync()
    installation.pass_time(1)
    assert installation.films() == {"A (2020)", "B (2021)"}


def test_reported_path_is_checked_after_delay(installation: Installation) -> None:
    installation.monitor_delay(5)
    movies = installation.media()
    installation.add_library(movies, EnableRealtimeMonitor=False)
    path = film(movies, "A (2020)")
    installation.pass_time(100)
    assert installation.films() == set()
    assert installation.call("POST", "/Library/Media/Updated", {"Updates": [{"Path": str(path)}]}).status == 204
    installation.pass_time(4.9)
    assert installation.films() == set()
    installation.pass_time(0.1)
    assert installation.films() == {"A (2020)"}


def test_report_of_foreign_path_is_accepted(installation: Installation) -> None:
    assert installation.call("POST", "/Library/Media/Updated", {"Updates": [{"Path": "/nowhere"}]}).status == 204


def test_new_files_during_scan_are_not_listed(tmp_path: Path) -> None:
    installation = Installation(tmp_path, scan_item_s=100.0).set_up()
    installation.monitor_delay(1)
    movies = installation.media()
    film(movies, "A (2020)")
    installation.add_library(movies, refresh=True)
    installation.pass_time(200)
    assert installation.films() == {"A (2020)"}
    installation.call("POST", "/Library/Refresh")
    installation.pass_time(1)
    assert installation.library()["RefreshStatus"] == "Active"
    path = film(movies, "B (2021)")
    assert installation.call("POST", "/Library/Media/Updated", {"Updates": [{"Path": str(path)}]}).status == 204
    installation.pass_time(1000)
    assert installation.library()["RefreshStatus"] == "Idle"
    installation.pass_time(1000)
    assert installation.films() == {"A (2020)"}
    installation.call("POST", "/Library/Media/Updated", {"Updates": [{"Path": str(path)}]})
    installation.pass_time(1)
    assert installation.films() == {"A (2020)", "B (2021)"}


def test_second_request_restarts_scan(tmp_path: Path) -> None:
    installation = Installation(tmp_path).set_up()
    movies = installation.media(keep=False)
    film(movies, "A (2020)")
    installation.add_library(movies, EnableRealtimeMonitor=False)
    for _ in range(5):
        installation.call("POST", "/Library/Refresh")
        installation.pass_time(0.4)
    assert installation.films() == set()
    installation.pass_time(0.1)
    assert installation.films() == {"A (2020)"}


def test_new_files_wait_for_end_of_refresh(tmp_path: Path) -> None:
    installation = Installation(tmp_path, scan_item_s=30.0).set_up()
    installation.monitor_delay(1)
    movies = installation.media()
    film(movies, "A (2020)")
    installation.add_library(movies, refresh=True)
    installation.pass_time(100)
    item = installation.library()["ItemId"]
    film(movies, "B (2021)")
    installation.call("POST", f"/Items/{item}/Refresh", Recursive="true")
    installation.pass_time(0.3)
    assert installation.films() == {"A (2020)", "B (2021)"}
    film(movies, "C (2022)")
    installation.server.sync()
    installation.pass_time(10)
    assert "C (2022)" not in installation.films()
    installation.pass_time(30)
    installation.server.sync()
    assert "C (2022)" in installation.films()


def test_deleted_and_renamed_folders_are_updated(installation: Installation) -> None:
    installation.monitor_delay(1)
    movies = installation.media()
    for name in ("A (2020)", "B (2021)"):
        film(movies, name)
    installation.add_library(movies, refresh=True)
    installation.pass_time(10)
    shutil.rmtree(movies / "A (2020)")
    (movies / "B (2021)").rename(movies / "C (2021)")
    installation.server.sync()
    installation.pass_time(1)
    assert installation.films() == {"C (2021)"}


def test_folder_renamed_from_hidden_name_is_listed(installation: Installation) -> None:
    installation.monitor_delay(1)
    movies = installation.media()
    installation.add_library(movies)
    hidden = film(movies / ".incoming", "A (2020)")
    installation.server.sync()
    installation.pass_time(5)
    assert installation.films() == set()
    hidden.rename(movies / "A (2020)")
    installation.server.sync()
    installation.pass_time(1)
    assert installation.films() == {"A (2020)"}


def test_files_that_are_never_listed(installation: Installation) -> None:
    movies = installation.media()
    (movies / ".hidden.mkv").touch()
    (movies / "B.mkv.part").touch()
    film(movies / ".folder", "C (2020)")
    (movies / "D").mkdir()
    (movies / "D" / "notes.txt").touch()
    installation.add_library(movies, refresh=True)
    installation.pass_time(10)
    assert installation.films() == set()


@pytest.mark.parametrize("missing", [True, False])
def test_items_stay_while_disk_is_not_mounted(installation: Installation, missing: bool) -> None:
    installation.monitor_delay(1)
    movies = installation.media()
    film(movies, "A (2020)")
    installation.add_library(movies, refresh=True)
    installation.pass_time(10)
    key = installation.call("GET", "/Items", recursive="true", includeItemTypes="Movie").json["Items"][0]["Id"]
    assert installation.call("POST", f"/UserPlayedItems/{key}").json["Played"] is True
    aside = movies.with_name("aside")
    movies.rename(aside)
    if not missing:
        movies.mkdir()
    installation.call("POST", "/Library/Refresh")
    installation.pass_time(10)
    assert installation.films() == {"A (2020)"}
    if not missing:
        movies.rmdir()
    aside.rename(movies)
    installation.call("POST", "/Library/Refresh")
    installation.pass_time(10)
    assert installation.call("GET", "/Items", recursive="true").json["Items"][0]["UserData"]["PlayCount"] == 1


def test_items_are_lost_with_marker_below_mount_point(installation: Installation) -> None:
    movies = installation.media()
    film(movies, "A (2020)")
    installation.add_library(movies, refresh=True)
    installation.pass_time(10)
    shutil.rmtree(movies)
    installation.media()  # the mount point without disk, with a marker file
    installation.call("POST", "/Library/Refresh")
    installation.pass_time(10)
    assert installation.films() == set()


@pytest.mark.parametrize("refresh", [True, False])
def test_path_added_with_refresh_is_monitored(installation: Installation, refresh: bool) -> None:
    installation.monitor_delay(1)
    installation.add_library(installation.media())
    more = installation.media("more")
    body = {"Name": "Movies", "PathInfo": {"Path": str(more)}}
    added = installation.call("POST", "/Library/VirtualFolders/Paths", body, refreshLibrary=str(refresh).lower())
    assert added.status == 204
    installation.pass_time(10)
    film(more, "A (2020)")
    installation.server.sync()
    installation.pass_time(100)
    assert installation.films() == ({"A (2020)"} if refresh else set())


@pytest.mark.parametrize("cure", ["scan", "restart", "nothing"])
def test_monitor_enabled_later_needs_scan_or_restart(installation: Installation, cure: str) -> None:
    installation.monitor_delay(1)
    movies = installation.media()
    installation.add_library(movies, EnableRealtimeMonitor=False)
    found = installation.library()
    options = found["LibraryOptions"] | {"EnableRealtimeMonitor": True}
    body = {"Id": found["ItemId"], "LibraryOptions": options}
    assert installation.call("POST", "/Library/VirtualFolders/LibraryOptions", body).status == 204
    if cure == "scan":
        installation.call("POST", "/Library/Refresh")
    if cure == "restart":
        installation.restart()
    installation.pass_time(10)
    film(movies, "A (2020)")
    installation.server.sync()
    installation.pass_time(100)
    assert installation.films() == (set() if cure == "nothing" else {"A (2020)"})


def test_items_of_removed_library_stay_until_refresh(installation: Installation) -> None:
    movies = installation.media()
    film(movies, "A (2020)")
    installation.add_library(movies, refresh=True)
    installation.pass_time(10)
    assert installation.call("DELETE", "/Library/VirtualFolders", name="Movies").status == 204
    assert installation.films() == {"A (2020)"}
    installation.call("POST", "/Library/Refresh")
    installation.pass_time(10)
    assert installation.films() == set()


def test_folder_of_two_libraries_belongs_to_older_one(installation: Installation) -> None:
    movies = installation.media()
    film(movies, "A (2020)")
    installation.add_library(movies)
    installation.pass_time(1)
    installation.add_library(movies, name="Second", refresh=True)
    installation.pass_time(10)
    counts = [
        installation.call("GET", "/Items", recursive="true", parentId=installation.library(name)["ItemId"]).json[
            "TotalRecordCount"
        ]
        for name in ("Movies", "Second")
    ]
    assert counts == [1, 0]


def test_episodes_and_series(installation: Installation) -> None:
    shows = installation.media("tv")
    (shows / "Show (2019)" / "Season 01").mkdir(parents=True)
    (shows / "Show (2019)" / "Season 01" / "Show S01E01.mkv").touch()
    body = {"LibraryOptions": {"PathInfos": [{"Path": str(shows)}]}}
    query = {"name": "Shows", "collectionType": "tvshows", "refreshLibrary": "true"}
    installation.call("POST", "/Library/VirtualFolders", body, **query)
    installation.pass_time(10)
    listed = installation.call("GET", "/Items", recursive="true").json["Items"]
    assert {(entry["Type"], entry["Name"]) for entry in listed} == {
        ("Series", "Show"),  # 12 drops the year
        ("Season", "Season 1"),
        ("Episode", "Show S01E01"),
    }
    counts = installation.call("GET", "/Items/Counts").json
    assert (counts["SeriesCount"], counts["EpisodeCount"], counts["MovieCount"]) == (1, 1, 0)


def test_scan_reports_progress_and_can_be_cancelled(tmp_path: Path) -> None:
    installation = Installation(tmp_path, scan_item_s=10.0).set_up()
    movies = installation.media()
    film(movies, "A (2020)")
    installation.add_library(movies, refresh=True)
    installation.pass_time(60)
    installation.call("POST", "/Library/Refresh")
    installation.pass_time(5)
    task = next(entry for entry in installation.call("GET", "/ScheduledTasks").json if entry["Key"] == "RefreshLibrary")
    assert (task["State"], 0 < task["CurrentProgressPercentage"] < 100) == ("Running", True)
    assert installation.call("DELETE", f"/ScheduledTasks/Running/{task['Id']}").status == 204
    task = installation.call("GET", f"/ScheduledTasks/{task['Id']}").json
    assert (task["State"], task["LastExecutionResult"]["Status"]) == ("Idle", "Cancelled")
