# SPDX-License-Identifier: GPL-3.0-or-later
"""The Jellyfin modules and the double of the server, in both versions."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from contract import Household
from four import Show
from jellyfin_server import Server, call, folders, library, make, policy, wait

PASSWORD = "a word of the modules' test"
VERSIONS = {"10.11": 18096, "12.0": 18097}
MOVIES = {
    "name": "Movies",
    "type": "movies",
    "paths": ["/media/movies", "/media/more"],
    "options": {"EnableRealtimeMonitor": True},
}
CHILD = {"name": "child", "password": PASSWORD, "libraries": ["Movies"], "transcoding": False}
# What a module refuses by itself is the same for both versions.
ONCE = pytest.mark.parametrize("server", ["10.11"], indirect=True)


@pytest.fixture(scope="module", params=VERSIONS)
def server(
    request: pytest.FixtureRequest, host: Any, house: Household, folder: str, run: Callable[..., None]
) -> Server:
    """A server that nobody has claimed; its options for every module."""
    version = str(request.param)
    name = f"modules-jellyfin-{version}"
    return make(host, house, folder, run, name=name, version=version, port=VERSIONS[version])


@pytest.fixture
def half(server: Server, host: Any, house: Household, folder: str, run: Callable[..., None]) -> Server:
    """Another one of that version, whose wizard somebody has left after its administrator was made."""
    version = next(name for name, port in VERSIONS.items() if server["url"].endswith(str(port)))
    name, quick = f"modules-jellyfin-half-{version}", "--startup-s 0 --degraded-s 0"
    made = make(host, house, folder, run, name=name, version=version, port=VERSIONS[version] + 10, more=quick)
    wait(host, made)
    call(host, made, "GET", "/Startup/User")
    call(host, made, "POST", "/Startup/User", {"Name": "family", "Password": PASSWORD})
    return made


def test_it_is_claimed(host: Any, four: Show, server: Server) -> None:
    answer = four("jellyfin_setup", **server, username="family", password=PASSWORD, server_name="Modules")
    assert [one["changed"] for one in answer.answers] == [True, True, False, False]
    key = host.file(server["api_key_file"]).content_string.strip()
    assert oct(host.file(server["api_key_file"]).mode) == "0o600"
    assert key
    assert key not in json.dumps(answer.answers)
    assert PASSWORD not in json.dumps(answer.answers)


def test_a_half_finished_wizard_is_finished(host: Any, four: Show, half: Server) -> None:
    answer = four("jellyfin_setup", **half, username="family", password=PASSWORD).changes_once()
    assert (answer["wizard_run"], answer["api_key_created"]) == (True, True)
    assert call(host, half, "GET", "/System/Info/Public")["StartupWizardCompleted"] is True
    assert [user["Name"] for user in call(host, half, "GET", "/Users")] == ["family"]


def test_a_lost_key_file_gets_the_same_key_again(host: Any, four: Show, server: Server) -> None:
    key = host.file(server["api_key_file"]).content_string
    host.check_output(f"rm {server['api_key_file']}")
    answer = four("jellyfin_setup", **server, username="family", password=PASSWORD).changes_once()
    assert (answer["wizard_run"], answer["api_key_created"], answer["api_key_written"]) == (False, False, True)
    assert host.file(server["api_key_file"]).content_string == key
    assert len(call(host, server, "GET", "/Auth/Keys")["Items"]) == 1


def test_its_settings(four: Show, server: Server) -> None:
    wanted = {"system": {"LibraryMonitorDelay": 1}, "encoding": {"EncodingThreadCount": 2}}
    assert set(four("jellyfin_settings", **server, **wanted).changes_once()["changes"]) == {
        "system.LibraryMonitorDelay",
        "encoding.EncodingThreadCount",
    }


def test_network_and_encoding(host: Any, four: Show, server: Server) -> None:
    wanted: dict[str, dict[str, Any]] = {
        "network": {"KnownProxies": ["198.18.0.1"]},
        "encoding": {"HardwareAccelerationType": "v4l2m2m"},
    }
    before = {section: call(host, server, "GET", f"/System/Configuration/{section}") for section in wanted}
    answer = four("jellyfin_settings", **server, **wanted).changes_once()
    assert set(answer["changes"]) == {"network.KnownProxies", "encoding.HardwareAccelerationType"}
    assert (answer["restart_needed"], answer["restarted"]) == (True, False)
    for section, values in wanted.items():
        assert call(host, server, "GET", f"/System/Configuration/{section}") == {**before[section], **values}


@ONCE
def test_an_unknown_setting_is_refused_with_all_others(host: Any, four: Show, server: Server) -> None:
    wanted = {"system": {"LibraryMonitorDelay": 9, "LibraryMonitorDelai": 9}}
    refused = four("jellyfin_settings", **server, **wanted).fails()
    assert "this server has no LibraryMonitorDelai; is it LibraryMonitorDelay?" in refused
    assert call(host, server, "GET", "/System/Configuration")["LibraryMonitorDelay"] == 1


def test_a_value_that_the_server_does_not_know(host: Any, four: Show, server: Server) -> None:
    answer = four("jellyfin_settings", **server, encoding={"HardwareAccelerationType": "omx"})
    # Which ones it knows, it tells nobody: check mode cannot foretell its refusal.
    assert [bool(one.get("failed")) for one in answer.answers] == [False, True, False, True]
    assert "the server rejects one of the new values" in answer.first["msg"]
    assert "HardwareAccelerationType" in answer.first["msg"]
    found = call(host, server, "GET", "/System/Configuration/encoding")
    assert (found["HardwareAccelerationType"], found["EncodingThreadCount"]) == ("v4l2m2m", 2)


def test_a_setting_that_takes_a_restart(four: Show, server: Server) -> None:
    answer = four("jellyfin_settings", **server, system={"EnableMetrics": True}, restart="when_needed").changes_once()
    assert answer["restarted"]


def test_its_libraries(host: Any, four: Show, server: Server) -> None:
    four("jellyfin_library", **server, libraries=[{**MOVIES, "paths": ["/media/movies"]}]).changes_once()
    answer = four("jellyfin_library", **server, libraries=[MOVIES]).changes_once()
    assert answer["actions"] == ["add path /media/more of Movies"]
    assert folders(library(host, server, "Movies")) == (["/media/more", "/media/movies"],) * 2


def test_folders_that_are_listed_twice_or_in_one_place_only(host: Any, four: Show, server: Server) -> None:
    twice = {"Name": "Movies", "PathInfo": {"Path": "/media/more"}}
    call(host, server, "POST", "/Library/VirtualFolders/Paths?refreshLibrary=true", twice)
    found = library(host, server, "Movies")
    options = {**found["LibraryOptions"], "PathInfos": [{"Path": "/media/more"}] * 2}
    body = {"Id": found["ItemId"], "LibraryOptions": options}
    call(host, server, "POST", "/Library/VirtualFolders/LibraryOptions", body)
    doubled = ["/media/more"] * 2
    assert folders(library(host, server, "Movies")) == ([*doubled, "/media/movies"], doubled)
    changes = four("jellyfin_library", **server, libraries=[MOVIES]).changes_once()["changes"]
    before = {"Locations": [*doubled, "/media/movies"], "PathInfos": doubled}
    assert changes == {"Movies.paths": {"before": before, "after": ["/media/more", "/media/movies"]}}
    assert folders(library(host, server, "Movies")) == (["/media/more", "/media/movies"],) * 2


def test_options_that_are_not_wanted_stay(host: Any, four: Show, server: Server) -> None:
    before = library(host, server, "Movies")["LibraryOptions"]
    wanted = {"PreferredMetadataLanguage": "de", "EnablePhotos": not before["EnablePhotos"]}
    answer = four("jellyfin_library", **server, libraries=[{**MOVIES, "options": wanted}]).changes_once()
    assert set(answer["changes"]) == {f"Movies.options.{name}" for name in wanted}
    assert library(host, server, "Movies")["LibraryOptions"] == {**before, **wanted}


@ONCE
@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"paths": ["/media/movies"]}, "/media/movies of Kids and /media/movies of Movies are one folder"),
        ({"paths": ["/media/movies/kids"]}, "/media/movies/kids of Kids and /media/movies of Movies"),
        ({"paths": ["/media/films"], "type": "films"}, "value of type must be one of"),
    ],
    ids=["shared", "nested", "unknown type"],
)
def test_a_bad_library_is_named(host: Any, four: Show, server: Server, more: dict[str, Any], words: str) -> None:
    kids = {"name": "Kids", "type": "movies", **more}
    assert words in four("jellyfin_library", **server, libraries=[kids]).fails()
    assert library(host, server, "Kids") == {}


def test_another_type_must_be_allowed(host: Any, four: Show, server: Server) -> None:
    body = {"LibraryOptions": {"PathInfos": [{"Path": "/media/films"}], "PreferredMetadataLanguage": "nl"}}
    query = "name=Films&collectionType=movies&refreshLibrary=true"
    call(host, server, "POST", f"/Library/VirtualFolders?{query}", body)
    films = {"name": "Films", "type": "homevideos", "paths": ["/media/films"]}
    assert "only with jellyfin_allow_type_change" in four("jellyfin_library", **server, libraries=[films]).fails()
    assert library(host, server, "Films")["CollectionType"] == "movies"
    answer = four("jellyfin_library", **server, libraries=[films], allow_type_change=True).changes_once()
    assert answer["actions"][-2:] == ["delete library Films", "create library Films"]
    found = library(host, server, "Films")
    assert (found["CollectionType"], folders(found)) == ("homevideos", (["/media/films"],) * 2)
    assert found["LibraryOptions"]["PreferredMetadataLanguage"] == "nl"


def test_its_members(host: Any, four: Show, server: Server) -> None:
    answer = four("jellyfin_user", **server, users=[CHILD])
    answer.changes_once()
    assert PASSWORD not in json.dumps(answer.answers)
    found = policy(host, server, "child")
    assert (found["EnableAllFolders"], found["EnabledFolders"]) == (False, [library(host, server, "Movies")["ItemId"]])
    assert (found["EnableVideoPlaybackTranscoding"], found["EnableAudioPlaybackTranscoding"]) == (False, False)
    # Check mode only warns: an earlier task may be about to make the library.
    foretold, real, *_rest = four("jellyfin_user", **server, users=[{**CHILD, "libraries": ["Nowhere"]}]).answers
    assert "Nowhere" in str(foretold["warnings"])
    assert real["failed"]
    assert "Nowhere" in real["msg"]


def test_a_member_with_other_libraries(host: Any, four: Show, server: Server) -> None:
    before = policy(host, server, "child")
    four("jellyfin_user", **server, users=[{**CHILD, "libraries": ["Films"]}]).changes_once()
    films = library(host, server, "Films")["ItemId"]
    assert policy(host, server, "child") == {**before, "EnabledFolders": [films]}


def test_removal_of_a_member_must_be_allowed(host: Any, four: Show, server: Server) -> None:
    absent = {"name": "child", "state": "absent"}
    assert "only with jellyfin_allow_removal" in four("jellyfin_user", **server, users=[absent]).fails()
    assert policy(host, server, "child")
    four("jellyfin_user", **server, users=[absent], allow_removal=True).changes_once()
    assert not policy(host, server, "child")


def test_removal_must_be_allowed(host: Any, four: Show, server: Server) -> None:
    absent = {"name": "Films", "state": "absent"}
    assert "only with jellyfin_allow_removal" in four("jellyfin_library", **server, libraries=[absent]).fails()
    assert library(host, server, "Films")
    answer = four("jellyfin_library", **server, libraries=[absent], allow_removal=True).changes_once()
    assert answer["actions"] == ["delete library Films"]
    assert not library(host, server, "Films")
    assert library(host, server, "Movies")
