# SPDX-License-Identifier: GPL-3.0-or-later
"""Jellyfin: the household's own, with its libraries and accounts, and unable to change what it shows."""

from __future__ import annotations

from typing import Any

import pytest
from contract import Household
from jellyfin import administrators_token, ask, log_in

pytestmark = [pytest.mark.service("jellyfin"), pytest.mark.evidence(containers=["jellyfin"])]


@pytest.fixture(scope="module")
def token(house: Household) -> str:
    return administrators_token(house)


def test_it_belongs_to_the_household(house: Household) -> None:
    status, found = ask(house, "/System/Info/Public")
    assert status == 200
    assert found["StartupWizardCompleted"] is True
    assert ask(house, "/Startup/Configuration")[0] == 401
    assert log_in(house, house["jellyfin_admin_user"], "wrong")[0] == 401


def test_its_libraries_are_the_households(house: Household, token: str) -> None:
    status, found = ask(house, "/Library/VirtualFolders", token=token)
    assert status == 200
    wanted = {one["name"]: (one["type"], one["paths"]) for one in house["jellyfin_libraries"]}
    assert {one["Name"]: (one["CollectionType"], one["Locations"]) for one in found} == wanted
    listed = {one["Name"]: [info["Path"] for info in one["LibraryOptions"]["PathInfos"]] for one in found}
    assert listed == {name: paths for name, (_, paths) in wanted.items()}
    assert all(one["LibraryOptions"]["EnableRealtimeMonitor"] for one in found)


def test_each_member_sees_what_is_theirs(house: Household, token: str) -> None:
    libraries = {one["ItemId"]: one["Name"] for one in ask(house, "/Library/VirtualFolders", token=token)[1]}
    accounts = {one["Name"]: one["Policy"] for one in ask(house, "/Users", token=token)[1]}
    assert accounts[house["jellyfin_admin_user"]]["IsAdministrator"] is True
    for member in house["jellyfin_users"]:
        policy = accounts[member["name"]]
        assert policy["IsAdministrator"] is False
        assert sorted(libraries[one] for one in policy["EnabledFolders"]) == sorted(member["libraries"])
        assert policy["EnableVideoPlaybackTranscoding"] is member["transcoding"]
        assert log_in(house, member["name"], member["password"])[0] == 200


def test_it_cannot_change_what_it_shows(host: Any) -> None:
    assert host.check_output("docker exec mediaserver-jellyfin-1 ls /media").split()
    assert "Read-only file system" in host.run("docker exec mediaserver-jellyfin-1 touch /media/movies/x").stderr


def test_what_it_can_compute_again_is_not_on_the_systems_disk(house: Household, containers: Any) -> None:
    mounts = {mount["Destination"]: mount for mount in containers["jellyfin"]["Mounts"]}
    assert mounts["/cache"]["Source"] == house["jellyfin_cache"]
    assert house["jellyfin_cache"].startswith(house["mediaserver_data"])
    assert mounts["/media"]["RW"] is False
