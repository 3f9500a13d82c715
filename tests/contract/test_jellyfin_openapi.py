# SPDX-License-Identifier: GPL-3.0-or-later
"""The responses of the double and of the real server match the official documents.

Errors are compared with the recordings only: the server's bodies of errors are not in its document.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from jellyfin_double.application import ROUTES
from jellyfin_installation import Installation, Reply, film
from jellyfin_requests import Mismatch, document, validate_request, validate_response
from shared_material import JELLYFIN, RECORDED, RECORDINGS, missing

if missing(JELLYFIN):
    pytest.skip(missing(JELLYFIN), allow_module_level=True)

VERSIONS = ["10.11", "12.0"]
# Not part of the documented API.
OUTSIDE = {"/health", "/metrics", "/", "/web", "/web/index.html"}


class Walker(Installation):
    """Validates every exchange against the document."""

    def __init__(self, folder: Path, version: str) -> None:
        self.seen: set[tuple[str, str]] = set()
        super().__init__(folder, version)

    def send(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Reply:
        reply = super().send(method, path, body, headers)
        parts = urlsplit(path)
        version = self.server.version
        validate_request(version, method, parts.path, parse_qsl(parts.query, keep_blank_values=True), body)
        validate_response(version, method, parts.path, reply.status, reply.headers.get("Content-Type", ""), reply.text)
        self.seen.add((method, document(version).operation(method, parts.path).name.split(" ")[1]))
        return reply


@pytest.mark.parametrize("version", VERSIONS)
def test_double_matches_the_document_on_every_route(tmp_path: Path, version: str) -> None:
    jellyfin = Walker(tmp_path, version)
    language = {"MetadataCountryCode": "DE", "PreferredMetadataLanguage": "de"}
    for path in ("/System/Info/Public", "/Startup/Configuration", "/Startup/User", "/Startup/FirstUser"):
        assert jellyfin.call("GET", path).status == 200
    jellyfin.call("POST", "/Startup/Configuration", {"ServerName": "pi", "UICulture": "de", **language})
    remote = {"EnableRemoteAccess": True}
    if version == "10.11":
        # Required by the document; the server does not require it (recorded).
        remote["EnableAutomaticPortMapping"] = False
    jellyfin.call("POST", "/Startup/RemoteAccess", remote)
    jellyfin.set_up()

    movies = jellyfin.media()
    film(movies, "A (2020)")
    jellyfin.add_library(movies, refresh=True)
    jellyfin.pass_time(10)
    key = walk_libraries(jellyfin)
    walk_users(jellyfin)
    walk_configuration(jellyfin)
    for path in ("/Items", "/Items/Counts", "/UserViews", f"/Items/{key}", "/Sessions", "/Users/Public"):
        assert jellyfin.call("GET", path).status == 200
    for path in ("Info", "Info/Storage", "Ping", "Logs"):
        assert jellyfin.call("GET", f"/System/{path}").status == 200
    for path in ("/Plugins", "/Backup", "/ScheduledTasks"):
        assert jellyfin.call("GET", path).status == 200
    assert jellyfin.call("POST", "/System/Ping").status == 200
    assert jellyfin.call("POST", "/Sessions/Logout").status == 204
    assert jellyfin.call("GET", "/System/Info").status == 401
    jellyfin.token = jellyfin.login().json["AccessToken"]
    assert jellyfin.call("POST", "/System/Restart").status == 204
    jellyfin.server.sync()
    assert jellyfin.call("POST", "/System/Shutdown").status == 204

    wanted = {(route.method, route.pattern) for route in ROUTES if route.pattern not in OUTSIDE}
    assert {entry for entry in wanted if entry not in jellyfin.seen} == set()


def walk_libraries(jellyfin: Walker) -> str:
    more = jellyfin.media("more")
    found = jellyfin.library()
    body = {"Id": found["ItemId"], "LibraryOptions": found["LibraryOptions"]}
    assert jellyfin.call("POST", "/Library/VirtualFolders/LibraryOptions", body).status == 204
    info = {"Name": "Movies", "PathInfo": {"Path": str(more)}}
    assert jellyfin.call("POST", "/Library/VirtualFolders/Paths", info, refreshLibrary="false").status == 204
    assert jellyfin.call("POST", "/Library/VirtualFolders/Paths/Update", info).status == 204
    assert jellyfin.call("DELETE", "/Library/VirtualFolders/Paths", name="Movies", path=str(more)).status == 204
    assert jellyfin.call("POST", "/Library/VirtualFolders/Name", name="Movies", newName="Films").status == 204
    assert jellyfin.call("GET", "/Library/VirtualFolders").status == 200  # the renamed library has no item
    assert jellyfin.call("POST", "/Library/VirtualFolders/Name", name="Films", newName="Movies").status == 204
    for path in ("/Library/PhysicalPaths", "/Library/MediaFolders"):
        assert jellyfin.call("GET", path).status == 200
    assert jellyfin.call("GET", "/Libraries/AvailableOptions", libraryContentType="movies").status == 200
    update = {"Updates": [{"Path": str(more), "UpdateType": "Created"}]}
    assert jellyfin.call("POST", "/Library/Media/Updated", update).status == 204
    assert jellyfin.call("POST", "/Library/Refresh").status == 204
    task = next(entry for entry in jellyfin.call("GET", "/ScheduledTasks").json if entry["Key"] == "RefreshLibrary")
    assert jellyfin.library()["RefreshStatus"] == "Active"
    assert jellyfin.call("GET", f"/ScheduledTasks/{task['Id']}").status == 200
    assert jellyfin.call("POST", f"/ScheduledTasks/Running/{task['Id']}").status == 204
    assert jellyfin.call("DELETE", f"/ScheduledTasks/Running/{task['Id']}").status == 204
    assert jellyfin.call("POST", f"/Items/{found['ItemId']}/Refresh").status == 204
    listed = jellyfin.call("GET", "/Items", recursive="true", fields="Path,DateCreated", parentId=found["ItemId"])
    key: str = listed.json["Items"][0]["Id"]
    assert jellyfin.call("POST", f"/UserPlayedItems/{key}").status == 200
    assert jellyfin.call("DELETE", f"/UserPlayedItems/{key}").status == 200
    walk_playback(jellyfin, key)
    second = jellyfin.media("second")
    jellyfin.add_library(second, name="Second")
    assert jellyfin.call("DELETE", "/Library/VirtualFolders", name="Second").status == 204
    return key


def walk_playback(jellyfin: Walker, key: str) -> None:
    assert jellyfin.call("POST", "/Library/Movies/Updated").status == 204
    playing = {"ItemId": key, "CanSeek": True, "PositionTicks": 10, "PlayMethod": "DirectPlay"}
    flags = {"IsPaused": True, "IsMuted": False, "RepeatMode": "RepeatNone", "PlaybackOrder": "Default"}
    assert jellyfin.call("POST", "/Sessions/Playing", playing | flags).status == 204
    assert jellyfin.call("POST", "/Sessions/Playing/Progress", playing | flags).status == 204
    (session,) = jellyfin.call("GET", "/Sessions").json
    assert (session["NowPlayingItem"]["Id"], session["PlayState"]["IsPaused"]) == (key, True)
    stopped = {"ItemId": key, "PositionTicks": 10, "Failed": False}
    assert jellyfin.call("POST", "/Sessions/Playing/Stopped", stopped).status == 204
    assert jellyfin.call("POST", f"/Items/{key}/PlaybackInfo", {"EnableDirectPlay": True}).status == 200
    change = {"PlaybackPositionTicks": 5, "IsFavorite": True}
    assert jellyfin.call("POST", f"/UserItems/{key}/UserData", change).status == 200
    assert jellyfin.call("GET", f"/UserItems/{key}/UserData").json["PlaybackPositionTicks"] == 5
    assert len(jellyfin.call("GET", "/UserItems/Resume").json["Items"]) == 1


def walk_users(jellyfin: Walker) -> None:
    guest = jellyfin.call("POST", "/Users/New", {"Name": "guest", "Password": "guest-Pass-1"}).json
    assert jellyfin.call("GET", "/Users").status == 200
    assert jellyfin.call("GET", "/Users/Me").status == 200
    assert jellyfin.call("GET", f"/Users/{guest['Id']}").status == 200
    assert jellyfin.call("POST", f"/Users/{guest['Id']}/Policy", guest["Policy"]).status == 204
    assert jellyfin.call("POST", "/Users/Password", {"NewPw": "guest-Pass-2"}, userId=guest["Id"]).status == 204
    assert jellyfin.call("POST", "/Users", guest | {"Name": "guest-2"}, userId=guest["Id"]).status == 204
    assert jellyfin.call("DELETE", f"/Users/{guest['Id']}").status == 204
    assert jellyfin.call("GET", f"/Users/{guest['Id']}").status == 404
    assert jellyfin.call("POST", "/Auth/Keys", app="household").status == 204
    key = jellyfin.call("GET", "/Auth/Keys").json["Items"][0]["AccessToken"]
    assert jellyfin.call("DELETE", f"/Auth/Keys/{key}").status == 204


def walk_configuration(jellyfin: Walker) -> None:
    settings = jellyfin.call("GET", "/System/Configuration").json
    assert jellyfin.call("POST", "/System/Configuration", settings).status == 204
    for name in ("encoding", "network"):
        value = jellyfin.call("GET", f"/System/Configuration/{name}").json
        assert jellyfin.call("POST", f"/System/Configuration/{name}", value).status == 204


# Responses of the real server that its own document does not describe.
UNDOCUMENTED_RESPONSES = {
    # TranscodeReasons is a list, in the document one string.
    ("10.11", "sessions", 12),
}


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_responses_match_the_document(version: str) -> None:
    if missing(RECORDED):
        pytest.skip(missing(RECORDED))
    checked, wrong = 0, []
    for path in sorted((RECORDED / RECORDINGS[version]).glob("*.json")):
        for number, line in enumerate(json.loads(path.read_text("utf-8"))):
            answer, target = line["answer"], urlsplit(line["path"]).path
            documented = target not in OUTSIDE and answer["status"] in (200, 204)
            if not documented:
                continue
            text = "" if answer["body"] is None else json.dumps(answer["body"])
            media = answer["headers"].get("Content-Type", "")
            checked += 1
            if (version, path.stem, number) in UNDOCUMENTED_RESPONSES:
                continue
            try:
                validate_response(version, line["method"], target, answer["status"], media, text)
            except Mismatch as mismatch:
                wrong.append(f"{path.stem}[{number}] {line['name']}: {mismatch}")
    assert wrong == []
    assert checked > 100


LIBRARY = {"Name": "Movies", "Locations": ["/media"], "ItemId": "f" * 32, "RefreshStatus": "Idle"}
WRONG_RESPONSES: dict[str, tuple[str, str, int, str, Any]] = {
    "unknown key": ("GET", "/Library/VirtualFolders", 200, "application/json", [LIBRARY | {"Surprise": 1}]),
    "wrong type": ("GET", "/Library/VirtualFolders", 200, "application/json", [LIBRARY | {"Locations": "/media"}]),
    "wrong type of the body": ("GET", "/Library/VirtualFolders", 200, "application/json", LIBRARY),
    "wrong enum": ("GET", "/Library/VirtualFolders", 200, "application/json", [LIBRARY | {"CollectionType": "film"}]),
    "key in camel case": ("GET", "/System/Info/Public", 200, "application/json", {"serverName": "pi"}),
    "invalid id": ("GET", "/Users/Me", 200, "application/json", {"Name": "admin", "Id": "one"}),
    "unknown status": ("GET", "/Library/VirtualFolders", 418, "application/json", []),
    "media type": ("GET", "/Library/VirtualFolders", 200, "text/plain", []),
    "body that is not described": ("POST", "/Library/Refresh", 204, "application/json", {}),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("wrong", WRONG_RESPONSES.values(), ids=list(WRONG_RESPONSES))
def test_wrong_response_is_rejected(version: str, wrong: tuple[str, str, int, str, Any]) -> None:
    method, path, status, media, body = wrong
    with pytest.raises(Mismatch):
        validate_response(version, method, path, status, media, json.dumps(body))


ADD = "/Library/VirtualFolders"
OPTIONS = {"Id": "f" * 32, "LibraryOptions": {"EnableRealtimeMonitor": True}}
RIGHT_REQUESTS: dict[str, tuple[str, str, dict[str, str], Any]] = {
    "library": ("POST", ADD, {"name": "A", "collectionType": "movies", "refreshLibrary": "false"}, {}),
    "options": ("POST", f"{ADD}/LibraryOptions", {}, OPTIONS),
    "items": ("GET", "/Items", {"Recursive": "true", "Fields": "Path", "Limit": "5"}, None),
}
WRONG_REQUESTS: dict[str, tuple[str, str, dict[str, str], Any]] = {
    "unknown path": ("GET", "/Library/Nothing", {}, None),
    "wrong method": ("PUT", ADD, {}, None),
    "unknown query": ("POST", ADD, {"name": "A", "type": "movies"}, None),
    "wrong enum in the query": ("POST", ADD, {"name": "A", "collectionType": "films"}, None),
    "invalid boolean": ("POST", ADD, {"name": "A", "refreshLibrary": "yes"}, None),
    "invalid number": ("GET", "/Items", {"limit": "five"}, None),
    "unknown key": ("POST", f"{ADD}/LibraryOptions", {}, OPTIONS | {"Name": "A"}),
    "unknown nested key": ("POST", f"{ADD}/LibraryOptions", {}, OPTIONS | {"LibraryOptions": {"Realtime": True}}),
    "wrong nested type": (
        *("POST", f"{ADD}/LibraryOptions", {}),
        OPTIONS | {"LibraryOptions": {"EnableRealtimeMonitor": "yes"}},
    ),
    "missing body": ("POST", "/Users/AuthenticateByName", {}, None),
    "unknown key of a named configuration": ("POST", "/System/Configuration/encoding", {}, {"Hardware": "none"}),
    "wrong enum of a named configuration": (
        *("POST", "/System/Configuration/encoding", {}),
        {"HardwareAccelerationType": "omx"},
    ),
    "body that is not described": ("POST", "/Startup/Complete", {}, {}),
    "invalid id": ("GET", "/Users/admin", {}, None),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("right", RIGHT_REQUESTS.values(), ids=list(RIGHT_REQUESTS))
def test_right_request_passes(version: str, right: tuple[str, str, dict[str, str], Any]) -> None:
    validate_request(version, *right)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("wrong", WRONG_REQUESTS.values(), ids=list(WRONG_REQUESTS))
def test_wrong_request_is_rejected(version: str, wrong: tuple[str, str, dict[str, str], Any]) -> None:
    with pytest.raises(Mismatch):
        validate_request(version, *wrong)
