# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole module jellyfin_setup over a socket, on the double of the server in both versions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import AccessDenied
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.client import JellyfinClient
from ansible_collections.household.mediaserver.tests.unit.plugins.modules.jellyfin_claims import (
    PASSWORD,
    START,
    SimulatedServer,
)
from jellyfin_double import Timing


def test_completes_the_wizard_after_all_phases_of_the_start(host: SimulatedServer) -> None:
    host.boot(START)
    predicted = host.setup(_ansible_check_mode=True)
    assert predicted["changed"]
    assert not host.key_file.exists()
    done = host.setup()
    assert done["diff"] == predicted["diff"]
    assert (done["wizard_run"], done["wizard_completed"], done["api_key_created"]) == (True, True, True)
    assert done["server_version"] == {"10.11": "10.11.11", "12.0": "12.0.0"}[host.version]
    assert re.fullmatch("[0-9a-f]{32}", host.key_file.read_text().strip())
    assert host.key_file.stat().st_mode & 0o777 == 0o600
    system = host.administrator().get("/System/Configuration")
    assert [system[name] for name in ("ServerName", "PreferredMetadataLanguage", "MetadataCountryCode")] == [
        *("Home", "de", "US")
    ]
    for path in ("/Startup/User", "/Startup/Configuration", "/Library/VirtualFolders"):
        with pytest.raises(AccessDenied):
            host.client().get(path, token=False)


def test_second_run_changes_nothing_and_on_create_does_not_log_in(claimed: SimulatedServer) -> None:
    state = json.dumps(claimed.server.application.state["devices"])
    for check in (True, False):
        again = claimed.setup(password="not looked at", update_password="on_create", _ansible_check_mode=check)
        assert (again["changed"], again["api_key_created"], again["wizard_run"]) == (False, False, False)
    claimed.boot(START)
    assert not claimed.setup()["changed"]
    assert json.dumps(claimed.server.application.state["devices"]) == state


def test_runs_leave_one_key_and_no_session(claimed: SimulatedServer) -> None:
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
def test_resumes_from_every_step_of_the_wizard(host: SimulatedServer, done: int, power_cut: bool) -> None:
    host.boot()
    client = host.client()
    for step in STEPS[:done]:
        step(client)
    if power_cut:
        host.boot(START)
    result = host.setup()
    assert result["changed"]
    assert (result["wizard_run"], result["api_key_created"]) == (done < 6, done < 7)
    users = host.administrator().get("/Users")
    assert [user["Name"] for user in users] == ["anna"]
    assert not host.setup()["changed"]
    assert len(host.administrator().get("/Auth/Keys")["Items"]) == 1


def test_unfinished_wizard_with_another_password_is_an_error(host: SimulatedServer) -> None:
    """12.0 keeps the first password; 10.11 accepts any new one until the wizard is completed."""
    host.boot()
    for step in STEPS[:4]:
        step(host.client())
    refused = host.setup(password="second-Pass-2")
    if host.version == "12.0":
        assert "password: the wizard is unfinished" in refused["msg"]
        assert host.setup()["wizard_run"]
    else:
        assert refused["wizard_run"]


def test_reopened_wizard_is_completed_only_by_the_administrator(claimed: SimulatedServer) -> None:
    client = claimed.administrator()
    options: dict[str, Any] = {"LibraryOptions": {"PathInfos": []}}
    client.post("/Library/VirtualFolders", options, query={"name": "Films", "collectionType": "movies"})
    client.post("/System/Configuration", {"ServerName": "careless"})
    claimed.key_file.unlink()
    refused = claimed.setup(username="intruder", password="intruder-Pass-1")
    assert "it was in use before" in refused["msg"]
    assert claimed.setup(username="anna")["wizard_run"]
    assert [user["Name"] for user in claimed.administrator().get("/Users")] == ["anna"]


def test_wrong_password_is_reported(claimed: SimulatedServer) -> None:
    claimed.key_file.write_text("")
    refused = claimed.setup(password="second-Pass-2")
    assert refused["failed"]
    assert "username and password are not those of an administrator" in refused["msg"]
    assert "second-Pass-2" not in json.dumps(refused)
    assert claimed.key_file.read_text() == ""


def test_invalid_key_is_replaced(claimed: SimulatedServer) -> None:
    client = claimed.administrator()
    client.delete(f"/Auth/Keys/{claimed.key_file.read_text().strip()}")
    refused = claimed.settings(system={"LibraryMonitorDelay": 1})
    assert "jellyfin_setup replaces an invalid key in api_key_file" in refused["msg"]
    assert claimed.setup(_ansible_check_mode=True)["changed"]
    done = claimed.setup()
    assert (done["api_key_created"], done["api_key_written"]) == (True, True)
    assert claimed.settings(system={"LibraryMonitorDelay": 1})["changed"]


def test_account_without_administrator_rights_is_rejected(claimed: SimulatedServer) -> None:
    claimed.administrator().post("/Users/New", {"Name": "guest", "Password": "guest-Pass-1"})
    claimed.key_file.unlink()
    refused = claimed.setup(username="guest", password="guest-Pass-1")
    assert "username must be that of an administrator" in refused["msg"]
    assert not claimed.key_file.exists()


@pytest.mark.parametrize("username", ["a/b", "x:y"])
def test_name_that_the_server_rejects_is_named(host: SimulatedServer, username: str) -> None:
    host.boot()
    assert "username" in host.setup(username=username)["msg"]
    assert host.setup()["wizard_run"]


def test_check_mode_predicts_without_a_server(host: SimulatedServer) -> None:
    predicted = host.setup(_ansible_check_mode=True)
    assert predicted["changed"]
    assert "predicted as for a new server" in " ".join(host.warnings.split())
    predicted = host.settings(_ansible_check_mode=True, system={"LibraryMonitorDelay": 1})
    assert (predicted["changed"], list(predicted["changes"])) == (True, ["system.LibraryMonitorDelay"])
    host.server.stop()
    assert "connection is refused" in host.setup()["msg"]


def test_stuck_start_names_the_remedy(host: SimulatedServer) -> None:
    host.boot(Timing(degraded_s=10_000))
    assert "__EFMigrationsLock" in host.setup()["msg"]
    # The temporary server's value for the wizard is not used.
    assert not host.key_file.exists()
