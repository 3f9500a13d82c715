# SPDX-License-Identifier: GPL-3.0-or-later
"""Behaviour of Jellyfin that no single recording has."""

from __future__ import annotations

import http.client
from pathlib import Path

import pytest
from jellyfin_double.defaults import LIBRARY, server_configuration
from jellyfin_double.models import WrongType
from jellyfin_installation import PASSWORD, Installation

VERSIONS = ["10.11", "12.0"]


@pytest.fixture(params=VERSIONS)
def installation(request: pytest.FixtureRequest, tmp_path: Path) -> Installation:
    return Installation(tmp_path, request.param).set_up()


def test_second_login_of_device_invalidates_first_token(installation: Installation) -> None:
    first = installation.token
    other = installation.login(device="two").json["AccessToken"]
    second = installation.login().json["AccessToken"]
    statuses = {}
    for name, token in (("first", first), ("other", other), ("second", second)):
        installation.token = token
        statuses[name] = installation.call("GET", "/System/Info").status
    assert statuses == {"first": 401, "other": 200, "second": 200}


def test_decodes_header_values(installation: Installation) -> None:
    headers = {"Authorization": 'MediaBrowser Client="a%20b", Device=here, DeviceId="x%2Cy", Version=1'}
    login = installation.send("POST", "/Users/AuthenticateByName", {"Username": "admin", "Pw": PASSWORD}, headers)
    assert login.json["SessionInfo"]["Client"] == "a b"
    assert login.json["SessionInfo"]["DeviceId"] == "x,y"


@pytest.mark.parametrize("absent", ["Client", "Device", "DeviceId", "Version"])
def test_login_needs_complete_device(installation: Installation, absent: str) -> None:
    said = {"Client": "test", "Device": "here", "DeviceId": "one", "Version": "1"}
    value = "MediaBrowser " + ", ".join(f'{name}="{text}"' for name, text in said.items() if name != absent)
    body = {"Username": "admin", "Pw": PASSWORD}
    assert installation.send("POST", "/Users/AuthenticateByName", body, {"Authorization": value}).status == 400


def test_legacy_authorization_depends_on_setting(installation: Installation) -> None:
    settings = installation.call("GET", "/System/Configuration").json
    for allowed in (True, False):
        installation.call("POST", "/System/Configuration", settings | {"EnableLegacyAuthorization": allowed})
        status = installation.send("GET", "/System/Info", headers={"X-Emby-Token": installation.token}).status
        assert status == (200 if allowed else 401)


def test_user_without_permission_gets_403(installation: Installation) -> None:
    guest = installation.call("POST", "/Users/New", {"Name": "guest", "Password": "guest-Pass-1"}).json
    limits = ({"MaxActiveSessions": 1}, {"EnableAllDevices": False, "EnabledDevices": ["two"]}, {"IsDisabled": True})
    assert installation.login("guest", "guest-Pass-1", device="guest-1").status == 200
    for limit in limits:
        assert installation.call("POST", f"/Users/{guest['Id']}/Policy", guest["Policy"] | limit).status == 204
        assert installation.login("guest", "guest-Pass-1", device="guest-2").status == 403


def test_password_change_ends_other_sessions(installation: Installation) -> None:
    other = installation.login(device="two").json["AccessToken"]
    assert installation.call("POST", "/Users/Password", {"CurrentPw": PASSWORD, "NewPw": "new-Pass-1"}).status == 204
    assert installation.call("GET", "/Users/Me").status == 200
    installation.token = other
    assert installation.call("GET", "/Users/Me").status == 401


def test_policy_of_new_user(installation: Installation) -> None:
    installation.call("POST", "/Users/New", {"Name": "guest", "Password": "guest-Pass-1"})
    installation.token = installation.login("guest", "guest-Pass-1", device="guest-1").json["AccessToken"]
    asked = {
        ("GET", "/Library/VirtualFolders"): 403,
        ("POST", "/Library/Refresh"): 403,
        ("GET", "/Auth/Keys"): 403,
        ("GET", "/System/Info"): 403,
        ("GET", "/Items"): 200,
        ("GET", "/UserViews"): 200,
    }
    assert {question: installation.call(*question).status for question in asked} == asked


def test_policy_with_old_id_does_not_match_renamed_library(installation: Installation) -> None:
    installation.add_library(installation.media())
    item = installation.library()["ItemId"]
    guest = installation.call("POST", "/Users/New", {"Name": "guest", "Password": "guest-Pass-1"}).json
    policy = guest["Policy"] | {"EnableAllFolders": False, "EnabledFolders": [item]}
    installation.call("POST", f"/Users/{guest['Id']}/Policy", policy)
    admin, token = installation.token, installation.login("guest", "guest-Pass-1", device="guest-1").json["AccessToken"]
    seen = []
    for new in ("Films", "Movies"):
        installation.token = token
        seen.append([entry["Name"] for entry in installation.call("GET", "/UserViews").json["Items"]])
        installation.token = admin
        old = "Movies" if new == "Films" else "Films"
        installation.call("POST", "/Library/VirtualFolders/Name", name=old, newName=new, refreshLibrary="true")
        installation.pass_time(10)
    installation.token = token
    seen.append([entry["Name"] for entry in installation.call("GET", "/UserViews").json["Items"]])
    assert seen == [["Movies"], [], ["Movies"]]


def test_rename_changes_id_and_omits_fields(installation: Installation) -> None:
    installation.add_library(installation.media())
    before = installation.library()
    installation.call("POST", "/Library/VirtualFolders/Name", name="Movies", newName="Films")
    after = installation.library("Films")
    assert {"ItemId", "LibraryOptions", "RefreshStatus"} & after.keys() == set()
    installation.call("POST", "/Library/Refresh")
    installation.pass_time(10)
    validated = installation.library("Films")
    assert validated["ItemId"] != before["ItemId"]
    assert validated["LibraryOptions"] == before["LibraryOptions"]
    installation.call("POST", "/Library/VirtualFolders/Name", name="Films", newName="Movies", refreshLibrary="true")
    assert installation.library()["ItemId"] == before["ItemId"]


@pytest.mark.parametrize("name", [".", ".."])
def test_refuses_library_name_outside_of_folder(installation: Installation, name: str) -> None:
    assert installation.call("DELETE", "/Library/VirtualFolders", name=name).status == 500
    assert installation.system_xml.exists()
    assert (installation.config / "root" / "default").is_dir()


def test_splits_paths_of_query_at_commas(installation: Installation) -> None:
    folders = ",".join(str(installation.media(name)) for name in ("a", "b"))
    body = {"LibraryOptions": {"PathInfos": [{"Path": "/nowhere"}]}}
    made = installation.call(
        "POST", "/Library/VirtualFolders", body, name="Two", collectionType="movies", paths=folders
    )
    assert made.status == 204
    assert installation.library("Two")["Locations"] == folders.split(",")


def test_incomplete_configuration_reopens_wizard(installation: Installation) -> None:
    installation.call("POST", "/System/Configuration", {"ServerName": "x"})
    taken = installation.send("POST", "/Startup/User", {"Name": "intruder", "Password": "intruder-Pass"}).status
    assert taken == (204 if installation.server.version == "10.11" else 403)
    assert installation.login().status == (401 if installation.server.version == "10.11" else 200)
    assert installation.send("GET", "/Library/VirtualFolders").status == 200


def test_metrics_need_a_restart(installation: Installation) -> None:
    settings = installation.call("GET", "/System/Configuration").json
    installation.call("POST", "/System/Configuration", settings | {"EnableMetrics": True})
    assert installation.send("GET", "/metrics").status == 404
    installation.restart()
    assert installation.send("GET", "/metrics").status == 200


@pytest.mark.parametrize("text", ["<a", '{"ServerName": ', ""])
def test_invalid_documents(installation: Installation, text: str) -> None:
    def post(path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", installation.server.port, timeout=10)
        headers = {"Authorization": f'MediaBrowser Token="{installation.token}"', "Content-Type": "application/json"}
        connection.request("POST", path, text, headers)
        status = connection.getresponse().status
        connection.close()
        return status

    assert post("/System/Configuration") == 400
    assert post("/System/Configuration/encoding") == 500
    assert installation.call("GET", "/System/Info/Public").json["StartupWizardCompleted"] is True


def test_connection_is_persistent(installation: Installation) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", installation.server.port, timeout=10)
    statuses = []
    for method, path in (("GET", "/health"), ("POST", "/Startup/Complete"), ("HEAD", "/System/Info"), ("GET", "/x")):
        connection.request(method, path)
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    assert statuses == [200, 401, 405, 404]
    connection.close()


@pytest.mark.parametrize("version", VERSIONS)
def test_model_is_unchanged_after_write_and_read(version: str) -> None:
    for model in (server_configuration(version), LIBRARY):
        value = model.read(model.fresh())
        assert model.from_xml(model.to_xml(value)) == value == model.fresh()


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ([], "$"),
        ({"Enabled": None}, "$.Enabled"),
        ({"Enabled": 1}, "$.Enabled"),
        ({"AutomaticRefreshIntervalDays": True}, "$.AutomaticRefreshIntervalDays"),
        ({"PathInfos": [{"Path": 1}]}, "$.PathInfos[0].Path"),
        ({"PathInfos": {}}, "$.PathInfos"),
        ({"AllowEmbeddedSubtitles": "All"}, "$.AllowEmbeddedSubtitles"),
        ({"SubtitleFetcherOrder": [1]}, "$.SubtitleFetcherOrder[0]"),
    ],
)
def test_names_wrong_type(value: object, path: str) -> None:
    with pytest.raises(WrongType) as caught:
        LIBRARY.read(value)
    assert caught.value.path == path
