# SPDX-License-Identifier: GPL-3.0-or-later
"""What the double does beside its recordings: playback over a restart, versions, and marks that the key sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jellyfin_installation import Installation, Reply, film


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path).set_up()


@pytest.fixture
def watched(installation: Installation) -> str:
    """A film that the administrator plays; return its id."""
    movies = installation.media()
    film(movies, "A (2020)")
    installation.add_library(movies, refresh=True)
    installation.pass_time(10)
    (item,) = installation.call("GET", "/Items", recursive="true").json["Items"]
    body = {"ItemId": item["Id"], "PlayMethod": "DirectPlay"}
    assert installation.call("POST", "/Sessions/Playing", body).status == 204
    return str(item["Id"])


@pytest.fixture
def key(installation: Installation) -> str:
    assert installation.call("POST", "/Auth/Keys", app="test").status == 204
    return str(installation.call("GET", "/Auth/Keys").json["Items"][0]["AccessToken"])


def by_key(installation: Installation, key: str, method: str, path: str) -> Reply:
    return installation.send(method, path, headers={"Authorization": f'MediaBrowser Token="{key}"'})


def playing(installation: Installation, key: str) -> list[Any]:
    return [one.get("NowPlayingItem", {}).get("Id") for one in by_key(installation, key, "GET", "/Sessions").json]


def test_sessions_are_gone_after_a_restart_until_the_next_report(
    installation: Installation, watched: str, key: str
) -> None:
    assert playing(installation, key) == [watched]
    installation.restart()
    assert playing(installation, key) == []
    report = {"ItemId": watched, "PositionTicks": 5}
    assert installation.call("POST", "/Sessions/Playing/Progress", report).status == 204
    assert playing(installation, key) == [watched]


def test_watched_marks_survive_a_restart_and_are_read_with_the_key(
    installation: Installation, watched: str, key: str
) -> None:
    (user,) = installation.call("GET", "/Users").json
    path = f"/UserPlayedItems/{watched}?userId={user['Id']}"
    assert by_key(installation, key, "POST", path).json["PlayCount"] == 1
    installation.restart()
    query = f"userId={user['Id']}&recursive=true&includeItemTypes=Movie,Episode&enableUserData=true"
    (item,) = by_key(installation, key, "GET", f"/Items?{query}").json["Items"]
    assert item["UserData"]["Played"] is True
    assert by_key(installation, key, "DELETE", path).json["Played"] is False
    assert by_key(installation, key, "GET", f"/Items?{query}&isPlayed=true").json["Items"] == []


@pytest.mark.parametrize("version", ["10.11", "12.0"])
def test_a_version_is_an_item_in_10_11_only(tmp_path: Path, version: str) -> None:
    installation = Installation(tmp_path, version).set_up()
    movies = installation.media()
    folder = film(movies, "A (2020)")
    second = folder / "A (2020) - 2160p.mkv"
    second.touch()
    installation.add_library(movies, refresh=True)
    installation.pass_time(10)

    def listed() -> list[str]:
        return sorted(one["Type"] for one in installation.call("GET", "/Items", recursive="true").json["Items"])

    assert listed() == (["Movie", "Video"] if version == "10.11" else ["Movie"])
    second.unlink()
    installation.server.sync()
    installation.pass_time(120)
    assert listed() == (["Movie", "Video"] if version == "10.11" else ["Movie"]), "10.11 lists it for a while"
    assert installation.call("POST", "/Library/Refresh").status == 204
    installation.pass_time(10)
    assert listed() == ["Movie"]
