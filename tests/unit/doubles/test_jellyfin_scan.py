# SPDX-License-Identifier: GPL-3.0-or-later
"""How a new film comes to be listed, and how it does not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from jellyfin_house import House, film


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path).set_up()


@pytest.mark.parametrize("delay", [1, 5, 60])
@pytest.mark.parametrize("refresh", [True, False])
def test_the_monitor_lists_a_film_after_its_delay(house: House, delay: int, refresh: bool) -> None:
    house.monitor_delay(delay)
    movies = house.media()
    house.add_library(movies, refresh=refresh)
    house.pass_time(10)
    film(movies, "A (2020)")
    house.server.sync()
    house.pass_time(delay - 0.5)
    assert house.films() == set()
    house.pass_time(0.5)
    assert house.films() == {"A (2020)"}


def test_an_empty_folder_is_seen_by_a_full_scan_alone(house: House) -> None:
    house.monitor_delay(1)
    movies = house.media(keep=False)
    house.add_library(movies, refresh=True)
    house.pass_time(10)
    film(movies, "A (2020)")
    house.server.sync()
    assert house.call("POST", "/Library/Media/Updated", {"Updates": [{"Path": str(movies)}]}).status == 204
    house.pass_time(10)
    item = house.library()["ItemId"]
    assert house.call("POST", f"/Items/{item}/Refresh", Recursive="true").status == 204
    house.pass_time(10)
    assert house.films() == set()
    house.call("POST", "/Library/Refresh")
    house.pass_time(0.5)
    assert house.films() == {"A (2020)"}
    # From now on the monitor sees it.
    house.pass_time(10)
    film(movies, "B (2021)")
    house.server.sync()
    house.pass_time(1)
    assert house.films() == {"A (2020)", "B (2021)"}


def test_a_report_is_looked_at_after_the_same_delay(house: House) -> None:
    house.monitor_delay(5)
    movies = house.media()
    house.add_library(movies, EnableRealtimeMonitor=False)
    path = film(movies, "A (2020)")
    house.pass_time(100)
    assert house.films() == set()
    assert house.call("POST", "/Library/Media/Updated", {"Updates": [{"Path": str(path)}]}).status == 204
    house.pass_time(4.9)
    assert house.films() == set()
    house.pass_time(0.1)
    assert house.films() == {"A (2020)"}


def test_a_report_of_a_path_outside_is_accepted(house: House) -> None:
    assert house.call("POST", "/Library/Media/Updated", {"Updates": [{"Path": "/nowhere"}]}).status == 204


def test_news_during_a_scan_are_lost(tmp_path: Path) -> None:
    house = House(tmp_path, scan_item_s=100.0).set_up()
    house.monitor_delay(1)
    movies = house.media()
    film(movies, "A (2020)")
    house.add_library(movies, refresh=True)
    house.pass_time(200)
    assert house.films() == {"A (2020)"}
    house.call("POST", "/Library/Refresh")
    house.pass_time(1)
    assert house.library()["RefreshStatus"] == "Active"
    path = film(movies, "B (2021)")
    assert house.call("POST", "/Library/Media/Updated", {"Updates": [{"Path": str(path)}]}).status == 204
    house.pass_time(1000)
    assert house.library()["RefreshStatus"] == "Idle"
    house.pass_time(1000)
    assert house.films() == {"A (2020)"}
    house.call("POST", "/Library/Media/Updated", {"Updates": [{"Path": str(path)}]})
    house.pass_time(1)
    assert house.films() == {"A (2020)", "B (2021)"}


def test_a_scan_that_is_asked_for_again_starts_again(tmp_path: Path) -> None:
    house = House(tmp_path).set_up()
    movies = house.media(keep=False)
    film(movies, "A (2020)")
    house.add_library(movies, EnableRealtimeMonitor=False)
    for _ in range(5):
        house.call("POST", "/Library/Refresh")
        house.pass_time(0.4)
    assert house.films() == set()
    house.pass_time(0.1)
    assert house.films() == {"A (2020)"}


def test_the_refresh_of_a_library_makes_later_news_wait(tmp_path: Path) -> None:
    house = House(tmp_path, scan_item_s=30.0).set_up()
    house.monitor_delay(1)
    movies = house.media()
    film(movies, "A (2020)")
    house.add_library(movies, refresh=True)
    house.pass_time(100)
    item = house.library()["ItemId"]
    film(movies, "B (2021)")
    house.call("POST", f"/Items/{item}/Refresh", Recursive="true")
    house.pass_time(0.3)
    assert house.films() == {"A (2020)", "B (2021)"}
    film(movies, "C (2022)")
    house.server.sync()
    house.pass_time(10)
    assert "C (2022)" not in house.films()
    house.pass_time(30)
    house.server.sync()
    assert "C (2022)" in house.films()


def test_a_deleted_and_a_renamed_folder_are_followed(house: House) -> None:
    house.monitor_delay(1)
    movies = house.media()
    for name in ("A (2020)", "B (2021)"):
        film(movies, name)
    house.add_library(movies, refresh=True)
    house.pass_time(10)
    shutil.rmtree(movies / "A (2020)")
    (movies / "B (2021)").rename(movies / "C (2021)")
    house.server.sync()
    house.pass_time(1)
    assert house.films() == {"C (2021)"}


def test_a_folder_renamed_out_of_a_hidden_one_appears_at_once(house: House) -> None:
    house.monitor_delay(1)
    movies = house.media()
    house.add_library(movies)
    hidden = film(movies / ".incoming", "A (2020)")
    house.server.sync()
    house.pass_time(5)
    assert house.films() == set()
    hidden.rename(movies / "A (2020)")
    house.server.sync()
    house.pass_time(1)
    assert house.films() == {"A (2020)"}


def test_what_is_never_listed(house: House) -> None:
    movies = house.media()
    (movies / ".hidden.mkv").touch()
    (movies / "B.mkv.part").touch()
    film(movies / ".folder", "C (2020)")
    (movies / "D").mkdir()
    (movies / "D" / "notes.txt").touch()
    house.add_library(movies, refresh=True)
    house.pass_time(10)
    assert house.films() == set()


@pytest.mark.parametrize("missing", [True, False])
def test_a_disk_that_is_not_mounted_takes_nothing_away(house: House, missing: bool) -> None:
    house.monitor_delay(1)
    movies = house.media()
    film(movies, "A (2020)")
    house.add_library(movies, refresh=True)
    house.pass_time(10)
    key = house.call("GET", "/Items", recursive="true", includeItemTypes="Movie").json["Items"][0]["Id"]
    assert house.call("POST", f"/UserPlayedItems/{key}").json["Played"] is True
    aside = movies.with_name("aside")
    movies.rename(aside)
    if not missing:
        movies.mkdir()
    house.call("POST", "/Library/Refresh")
    house.pass_time(10)
    assert house.films() == {"A (2020)"}
    if not missing:
        movies.rmdir()
    aside.rename(movies)
    house.call("POST", "/Library/Refresh")
    house.pass_time(10)
    assert house.call("GET", "/Items", recursive="true").json["Items"][0]["UserData"]["PlayCount"] == 1


def test_a_marker_below_the_mount_point_destroys_that_protection(house: House) -> None:
    movies = house.media()
    film(movies, "A (2020)")
    house.add_library(movies, refresh=True)
    house.pass_time(10)
    shutil.rmtree(movies)
    house.media()  # the empty mount point, but with a marker of its own
    house.call("POST", "/Library/Refresh")
    house.pass_time(10)
    assert house.films() == set()


@pytest.mark.parametrize("refresh", [True, False])
def test_a_path_added_later_is_watched_when_added_with_a_refresh(house: House, refresh: bool) -> None:
    house.monitor_delay(1)
    house.add_library(house.media())
    more = house.media("more")
    body = {"Name": "Movies", "PathInfo": {"Path": str(more)}}
    added = house.call("POST", "/Library/VirtualFolders/Paths", body, refreshLibrary=str(refresh).lower())
    assert added.status == 204
    house.pass_time(10)
    film(more, "A (2020)")
    house.server.sync()
    house.pass_time(100)
    assert house.films() == ({"A (2020)"} if refresh else set())


@pytest.mark.parametrize("cure", ["scan", "restart", "nothing"])
def test_a_monitor_switched_on_later_needs_a_scan_or_a_restart(house: House, cure: str) -> None:
    house.monitor_delay(1)
    movies = house.media()
    house.add_library(movies, EnableRealtimeMonitor=False)
    found = house.library()
    options = found["LibraryOptions"] | {"EnableRealtimeMonitor": True}
    body = {"Id": found["ItemId"], "LibraryOptions": options}
    assert house.call("POST", "/Library/VirtualFolders/LibraryOptions", body).status == 204
    if cure == "scan":
        house.call("POST", "/Library/Refresh")
    if cure == "restart":
        house.restart()
    house.pass_time(10)
    film(movies, "A (2020)")
    house.server.sync()
    house.pass_time(100)
    assert house.films() == (set() if cure == "nothing" else {"A (2020)"})


def test_items_of_a_removed_library_stay_until_a_refresh(house: House) -> None:
    movies = house.media()
    film(movies, "A (2020)")
    house.add_library(movies, refresh=True)
    house.pass_time(10)
    assert house.call("DELETE", "/Library/VirtualFolders", name="Movies").status == 204
    assert house.films() == {"A (2020)"}
    house.call("POST", "/Library/Refresh")
    house.pass_time(10)
    assert house.films() == set()


def test_a_folder_of_two_libraries_belongs_to_the_older_one(house: House) -> None:
    movies = house.media()
    film(movies, "A (2020)")
    house.add_library(movies)
    house.pass_time(1)
    house.add_library(movies, name="Second", refresh=True)
    house.pass_time(10)
    counts = [
        house.call("GET", "/Items", recursive="true", parentId=house.library(name)["ItemId"]).json["TotalRecordCount"]
        for name in ("Movies", "Second")
    ]
    assert counts == [1, 0]


def test_episodes_and_their_series(house: House) -> None:
    shows = house.media("tv")
    (shows / "Show (2019)" / "Season 01").mkdir(parents=True)
    (shows / "Show (2019)" / "Season 01" / "Show S01E01.mkv").touch()
    body = {"LibraryOptions": {"PathInfos": [{"Path": str(shows)}]}}
    query = {"name": "Shows", "collectionType": "tvshows", "refreshLibrary": "true"}
    house.call("POST", "/Library/VirtualFolders", body, **query)
    house.pass_time(10)
    listed = house.call("GET", "/Items", recursive="true").json["Items"]
    assert {(entry["Type"], entry["Name"]) for entry in listed} == {
        ("Series", "Show (2019)"),
        ("Episode", "Show S01E01"),
    }
    counts = house.call("GET", "/Items/Counts").json
    assert (counts["SeriesCount"], counts["EpisodeCount"], counts["MovieCount"]) == (1, 1, 0)


def test_a_scan_can_be_watched_and_cancelled(tmp_path: Path) -> None:
    house = House(tmp_path, scan_item_s=10.0).set_up()
    movies = house.media()
    film(movies, "A (2020)")
    house.add_library(movies, refresh=True)
    house.pass_time(60)
    house.call("POST", "/Library/Refresh")
    house.pass_time(5)
    task = next(entry for entry in house.call("GET", "/ScheduledTasks").json if entry["Key"] == "RefreshLibrary")
    assert (task["State"], 0 < task["CurrentProgressPercentage"] < 100) == ("Running", True)
    assert house.call("DELETE", f"/ScheduledTasks/Running/{task['Id']}").status == 204
    task = house.call("GET", f"/ScheduledTasks/{task['Id']}").json
    assert (task["State"], task["LastExecutionResult"]["Status"]) == ("Idle", "Cancelled")
