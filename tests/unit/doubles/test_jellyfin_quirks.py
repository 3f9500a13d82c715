# SPDX-License-Identifier: GPL-3.0-or-later
"""What no recording shows by itself."""

from __future__ import annotations

import http.client
from pathlib import Path

import pytest
from jellyfin_double.defaults import LIBRARY, server_configuration
from jellyfin_double.models import WrongType
from jellyfin_house import PASSWORD, House

VERSIONS = ["10.11", "12.0"]


@pytest.fixture(params=VERSIONS)
def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    return House(tmp_path, request.param).set_up()


def test_a_second_login_of_a_device_kills_the_first_token(house: House) -> None:
    first = house.token
    other = house.login(device="two").json["AccessToken"]
    second = house.login().json["AccessToken"]
    statuses = {}
    for name, token in (("first", first), ("other", other), ("second", second)):
        house.token = token
        statuses[name] = house.call("GET", "/System/Info").status
    assert statuses == {"first": 401, "other": 200, "second": 200}


def test_header_values_are_url_encoded(house: House) -> None:
    headers = {"Authorization": 'MediaBrowser Client="a%20b", Device=here, DeviceId="x%2Cy", Version=1'}
    login = house.send("POST", "/Users/AuthenticateByName", {"Username": "admin", "Pw": PASSWORD}, headers)
    assert login.json["SessionInfo"]["Client"] == "a b"
    assert login.json["SessionInfo"]["DeviceId"] == "x,y"


@pytest.mark.parametrize("absent", ["Client", "Device", "DeviceId", "Version"])
def test_a_login_needs_all_that_describes_its_device(house: House, absent: str) -> None:
    said = {"Client": "test", "Device": "here", "DeviceId": "one", "Version": "1"}
    value = "MediaBrowser " + ", ".join(f'{name}="{text}"' for name, text in said.items() if name != absent)
    body = {"Username": "admin", "Pw": PASSWORD}
    assert house.send("POST", "/Users/AuthenticateByName", body, {"Authorization": value}).status == 400


def test_the_old_forms_follow_the_setting(house: House) -> None:
    settings = house.call("GET", "/System/Configuration").json
    for allowed in (True, False):
        house.call("POST", "/System/Configuration", settings | {"EnableLegacyAuthorization": allowed})
        status = house.send("GET", "/System/Info", headers={"X-Emby-Token": house.token}).status
        assert status == (200 if allowed else 401)


def test_limits_of_a_user_are_403(house: House) -> None:
    guest = house.call("POST", "/Users/New", {"Name": "guest", "Password": "guest-Pass-1"}).json
    limits = ({"MaxActiveSessions": 1}, {"EnableAllDevices": False, "EnabledDevices": ["two"]}, {"IsDisabled": True})
    assert house.login("guest", "guest-Pass-1", device="guest-1").status == 200
    for limit in limits:
        assert house.call("POST", f"/Users/{guest['Id']}/Policy", guest["Policy"] | limit).status == 204
        assert house.login("guest", "guest-Pass-1", device="guest-2").status == 403


def test_a_password_change_ends_the_other_sessions_alone(house: House) -> None:
    other = house.login(device="two").json["AccessToken"]
    assert house.call("POST", "/Users/Password", {"CurrentPw": PASSWORD, "NewPw": "new-Pass-1"}).status == 204
    assert house.call("GET", "/Users/Me").status == 200
    house.token = other
    assert house.call("GET", "/Users/Me").status == 401


def test_a_plain_user(house: House) -> None:
    house.call("POST", "/Users/New", {"Name": "guest", "Password": "guest-Pass-1"})
    house.token = house.login("guest", "guest-Pass-1", device="guest-1").json["AccessToken"]
    asked = {
        ("GET", "/Library/VirtualFolders"): 403,
        ("POST", "/Library/Refresh"): 403,
        ("GET", "/Auth/Keys"): 403,
        ("GET", "/System/Info"): 403,
        ("GET", "/Items"): 200,
        ("GET", "/UserViews"): 200,
    }
    assert {question: house.call(*question).status for question in asked} == asked


def test_a_policy_that_names_the_old_id_breaks_at_a_rename(house: House) -> None:
    house.add_library(house.media())
    item = house.library()["ItemId"]
    guest = house.call("POST", "/Users/New", {"Name": "guest", "Password": "guest-Pass-1"}).json
    policy = guest["Policy"] | {"EnableAllFolders": False, "EnabledFolders": [item]}
    house.call("POST", f"/Users/{guest['Id']}/Policy", policy)
    admin, token = house.token, house.login("guest", "guest-Pass-1", device="guest-1").json["AccessToken"]
    seen = []
    for new in ("Films", "Movies"):
        house.token = token
        seen.append([entry["Name"] for entry in house.call("GET", "/UserViews").json["Items"]])
        house.token = admin
        old = "Movies" if new == "Films" else "Films"
        house.call("POST", "/Library/VirtualFolders/Name", name=old, newName=new, refreshLibrary="true")
        house.pass_time(10)
    house.token = token
    seen.append([entry["Name"] for entry in house.call("GET", "/UserViews").json["Items"]])
    assert seen == [["Movies"], [], ["Movies"]]


def test_a_rename_changes_the_id_and_leaves_fields_out(house: House) -> None:
    house.add_library(house.media())
    before = house.library()
    house.call("POST", "/Library/VirtualFolders/Name", name="Movies", newName="Films")
    after = house.library("Films")
    assert {"ItemId", "LibraryOptions", "RefreshStatus"} & after.keys() == set()
    house.call("POST", "/Library/Refresh")
    house.pass_time(10)
    validated = house.library("Films")
    assert validated["ItemId"] != before["ItemId"]
    assert validated["LibraryOptions"] == before["LibraryOptions"]
    house.call("POST", "/Library/VirtualFolders/Name", name="Films", newName="Movies", refreshLibrary="true")
    assert house.library()["ItemId"] == before["ItemId"]


@pytest.mark.parametrize("name", [".", ".."])
def test_the_double_does_not_follow_a_name_out_of_its_folder(house: House, name: str) -> None:
    assert house.call("DELETE", "/Library/VirtualFolders", name=name).status == 500
    assert house.system_xml.exists()
    assert (house.config / "root" / "default").is_dir()


def test_a_query_of_paths_is_split_at_commas(house: House) -> None:
    folders = ",".join(str(house.media(name)) for name in ("a", "b"))
    body = {"LibraryOptions": {"PathInfos": [{"Path": "/nowhere"}]}}
    made = house.call("POST", "/Library/VirtualFolders", body, name="Two", collectionType="movies", paths=folders)
    assert made.status == 204
    assert house.library("Two")["Locations"] == folders.split(",")


def test_an_incomplete_configuration_opens_the_wizard_again(house: House) -> None:
    house.call("POST", "/System/Configuration", {"ServerName": "x"})
    taken = house.send("POST", "/Startup/User", {"Name": "intruder", "Password": "intruder-Pass"}).status
    assert taken == (204 if house.server.version == "10.11" else 403)
    assert house.login().status == (401 if house.server.version == "10.11" else 200)
    assert house.send("GET", "/Library/VirtualFolders").status == 200


def test_metrics_need_a_restart(house: House) -> None:
    settings = house.call("GET", "/System/Configuration").json
    house.call("POST", "/System/Configuration", settings | {"EnableMetrics": True})
    assert house.send("GET", "/metrics").status == 404
    house.restart()
    assert house.send("GET", "/metrics").status == 200


@pytest.mark.parametrize("text", ["<a", '{"ServerName": ', ""])
def test_broken_documents(house: House, text: str) -> None:
    def post(path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", house.server.port, timeout=10)
        headers = {"Authorization": f'MediaBrowser Token="{house.token}"', "Content-Type": "application/json"}
        connection.request("POST", path, text, headers)
        status = connection.getresponse().status
        connection.close()
        return status

    assert post("/System/Configuration") == 400
    assert post("/System/Configuration/encoding") == 500
    assert house.call("GET", "/System/Info/Public").json["StartupWizardCompleted"] is True


def test_one_connection_serves_many_requests(house: House) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", house.server.port, timeout=10)
    statuses = []
    for method, path in (("GET", "/health"), ("POST", "/Startup/Complete"), ("HEAD", "/System/Info"), ("GET", "/x")):
        connection.request(method, path)
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    assert statuses == [200, 401, 405, 404]
    connection.close()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_model_is_the_same_after_its_file(version: str) -> None:
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
def test_a_wrong_type_is_named(value: object, path: str) -> None:
    with pytest.raises(WrongType) as caught:
        LIBRARY.read(value)
    assert caught.value.path == path
