# SPDX-License-Identifier: GPL-3.0-or-later
"""jellyfin_setup, whole, over a socket, against the double of the server in both versions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import AccessDenied
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.client import JellyfinClient
from ansible_collections.household.mediaserver.tests.unit.plugins.modules.jellyfin_claims import PASSWORD, START, House
from jellyfin_double import Timing


def test_a_new_server_is_claimed_through_its_whole_start(house: House) -> None:
    house.boot(START)
    foretold = house.setup(_ansible_check_mode=True)
    assert foretold["changed"]
    assert not house.key_file.exists()
    done = house.setup()
    assert done["diff"] == foretold["diff"]
    assert (done["wizard_run"], done["wizard_completed"], done["api_key_created"]) == (True, True, True)
    assert done["server_version"] == {"10.11": "10.11.11", "12.0": "12.0.0"}[house.version]
    assert re.fullmatch("[0-9a-f]{32}", house.key_file.read_text().strip())
    assert house.key_file.stat().st_mode & 0o777 == 0o600
    system = house.administrator().get("/System/Configuration")
    assert [system[name] for name in ("ServerName", "PreferredMetadataLanguage", "MetadataCountryCode")] == [
        *("Home", "de", "US")
    ]
    for path in ("/Startup/User", "/Startup/Configuration", "/Library/VirtualFolders"):
        with pytest.raises(AccessDenied):
            house.client().get(path, token=False)


def test_again_nothing_changes_and_with_on_create_it_does_not_log_in(claimed: House) -> None:
    state = json.dumps(claimed.server.application.state["devices"])
    for check in (True, False):
        again = claimed.setup(password="not looked at", update_password="on_create", _ansible_check_mode=check)
        assert (again["changed"], again["api_key_created"], again["wizard_run"]) == (False, False, False)
    claimed.boot(START)
    assert not claimed.setup()["changed"]
    assert json.dumps(claimed.server.application.state["devices"]) == state


def test_runs_leave_one_key_and_no_session(claimed: House) -> None:
    for _ in range(3):
        claimed.key_file.unlink()
        done = claimed.setup()
        assert (done["changed"], done["api_key_created"], done["wizard_run"]) == (True, False, False)
    assert claimed.server.application.state["devices"] == []
    assert len(claimed.server.application.state["keys"]) == 1


STEPS: list[Callable[[JellyfinClient], Any]] = [
    lambda client: client.get("/Startup/Configuration"),
    lambda client: client.post("/Startup/Configuration", {"ServerName": "Half", "UICulture": "en-US"}),
    lambda client: client.get("/Startup/User"),
    lambda client: client.post("/Startup/User", {"Name": "anna", "Password": PASSWORD}),
    lambda client: client.post("/Startup/RemoteAccess", {"EnableRemoteAccess": True}),
    lambda client: client.post("/Startup/Complete"),
    lambda client: client.login("anna", PASSWORD) and client.post("/Auth/Keys", query={"app": "household.mediaserver"}),
]


@pytest.mark.parametrize("done", range(len(STEPS) + 1))
@pytest.mark.parametrize("power_cut", [False, True])
def test_it_goes_on_from_every_step(house: House, done: int, power_cut: bool) -> None:
    house.boot()
    client = house.client()
    for step in STEPS[:done]:
        step(client)
    if power_cut:
        house.boot(START)
    result = house.setup()
    assert result["changed"]
    assert (result["wizard_run"], result["api_key_created"]) == (done < 6, done < 7)
    users = house.administrator().get("/Users")
    assert [user["Name"] for user in users] == ["anna"]
    assert not house.setup()["changed"]
    assert len(house.administrator().get("/Auth/Keys")["Items"]) == 1


def test_a_half_finished_wizard_with_another_password(house: House) -> None:
    """12.0 keeps the first password; 10.11 takes the new one, as it takes anybody's until the wizard is completed."""
    house.boot()
    for step in STEPS[:4]:
        step(house.client())
    refused = house.setup(password="second-Pass-2")
    if house.version == "12.0":
        assert "password: the wizard was left half-finished" in refused["msg"]
        assert house.setup()["wizard_run"]
    else:
        assert refused["wizard_run"]


def test_a_reopened_wizard_is_closed_by_the_administrator_and_nobody_else(claimed: House) -> None:
    client = claimed.administrator()
    options: dict[str, Any] = {"LibraryOptions": {"PathInfos": []}}
    client.post("/Library/VirtualFolders", options, query={"name": "Films", "collectionType": "movies"})
    client.post("/System/Configuration", {"ServerName": "careless"})
    claimed.key_file.unlink()
    refused = claimed.setup(username="intruder", password="intruder-Pass-1")
    assert "it was in use before" in refused["msg"]
    assert claimed.setup(username="anna")["wizard_run"]
    assert [user["Name"] for user in claimed.administrator().get("/Users")] == ["anna"]


def test_a_wrong_password(claimed: House) -> None:
    claimed.key_file.write_text("")
    refused = claimed.setup(password="second-Pass-2")
    assert refused["failed"]
    assert "username and password are not those of an administrator" in refused["msg"]
    assert "second-Pass-2" not in json.dumps(refused)
    assert claimed.key_file.read_text() == ""


def test_a_dead_key_is_replaced(claimed: House) -> None:
    client = claimed.administrator()
    client.delete(f"/Auth/Keys/{claimed.key_file.read_text().strip()}")
    refused = claimed.settings(system={"LibraryMonitorDelay": 1})
    assert "jellyfin_setup repairs a file with a dead key" in refused["msg"]
    assert claimed.setup(_ansible_check_mode=True)["changed"]
    done = claimed.setup()
    assert (done["api_key_created"], done["api_key_written"]) == (True, True)
    assert claimed.settings(system={"LibraryMonitorDelay": 1})["changed"]


def test_an_account_that_is_no_administrator(claimed: House) -> None:
    claimed.administrator().post("/Users/New", {"Name": "guest", "Password": "guest-Pass-1"})
    claimed.key_file.unlink()
    refused = claimed.setup(username="guest", password="guest-Pass-1")
    assert "username must be that of an administrator" in refused["msg"]
    assert not claimed.key_file.exists()


@pytest.mark.parametrize("username", ["a/b", "x:y"])
def test_a_name_that_the_server_refuses(house: House, username: str) -> None:
    house.boot()
    assert "username" in house.setup(username=username)["msg"]
    assert house.setup()["wizard_run"]


def test_check_mode_where_nothing_listens(house: House) -> None:
    foretold = house.setup(_ansible_check_mode=True)
    assert foretold["changed"]
    assert "foretold as for a new server" in " ".join(house.warnings.split())
    foretold = house.settings(_ansible_check_mode=True, system={"LibraryMonitorDelay": 1})
    assert (foretold["changed"], list(foretold["changes"])) == (True, ["system.LibraryMonitorDelay"])
    house.server.stop()
    assert "nobody listens" in house.setup()["msg"]


def test_a_start_that_hangs_names_the_remedy(house: House) -> None:
    house.boot(Timing(degraded_s=10_000))
    assert "__EFMigrationsLock" in house.setup()["msg"]
    # The temporary server's word on the wizard is believed by nobody.
    assert not house.key_file.exists()
