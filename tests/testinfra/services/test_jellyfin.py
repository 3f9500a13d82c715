# SPDX-License-Identifier: GPL-3.0-or-later
"""Jellyfin: wizard completed, libraries, accounts, read-only media."""

from __future__ import annotations

from typing import Any

import pytest
from contract import Household
from jellyfin import administrators_token, ask, log_in

pytestmark = [pytest.mark.service("jellyfin"), pytest.mark.evidence(containers=["jellyfin"])]


@pytest.fixture(scope="module")
def token(household: Household) -> str:
    return administrators_token(household)


def test_wizard_is_completed_and_password_required(household: Household) -> None:
    status, found = ask(household, "/System/Info/Public")
    assert status == 200
    assert found["StartupWizardCompleted"] is True
    assert ask(household, "/Startup/Configuration")[0] == 401
    assert log_in(household, household["jellyfin_admin_user"], "wrong")[0] == 401


def test_libraries_match_inventory(household: Household, token: str) -> None:
    status, found = ask(household, "/Library/VirtualFolders", token=token)
    assert status == 200
    wanted = {one["name"]: (one["type"], one["paths"]) for one in household["jellyfin_libraries"]}
    assert {one["Name"]: (one["CollectionType"], one["Locations"]) for one in found} == wanted
    listed = {one["Name"]: [info["Path"] for info in one["LibraryOptions"]["PathInfos"]] for one in found}
    assert listed == {name: paths for name, (_, paths) in wanted.items()}
    assert all(one["LibraryOptions"]["EnableRealtimeMonitor"] for one in found)


def test_accounts_match_inventory(household: Household, token: str) -> None:
    libraries = {one["ItemId"]: one["Name"] for one in ask(household, "/Library/VirtualFolders", token=token)[1]}
    accounts = {one["Name"]: one["Policy"] for one in ask(household, "/Users", token=token)[1]}
    assert accounts[household["jellyfin_admin_user"]]["IsAdministrator"] is True
    for member in household["jellyfin_users"]:
        policy = accounts[member["name"]]
        assert policy["IsAdministrator"] is False
        assert sorted(libraries[one] for one in policy["EnabledFolders"]) == sorted(member["libraries"])
        assert policy["EnableVideoPlaybackTranscoding"] is member["transcoding"]
        assert log_in(household, member["name"], member["password"])[0] == 200


def test_media_is_read_only(host: Any) -> None:
    assert host.check_output("docker exec mediaserver-jellyfin-1 ls /media").split()
    assert "Read-only file system" in host.run("docker exec mediaserver-jellyfin-1 touch /media/movies/x").stderr


def test_cache_is_on_data_disk(household: Household, containers: Any) -> None:
    mounts = {mount["Destination"]: mount for mount in containers["jellyfin"]["Mounts"]}
    assert mounts["/cache"]["Source"] == household["jellyfin_cache"]
    assert household["jellyfin_cache"].startswith(household["mediaserver_data"])
    assert mounts["/media"]["RW"] is False
