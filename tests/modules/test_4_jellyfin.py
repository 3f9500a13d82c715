# SPDX-License-Identifier: GPL-3.0-or-later
"""The Jellyfin modules with the double of the server, in both versions."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from contract import Household
from four_runs import RunFourTimes
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
# Checks of a module that do not depend on the server's version.
ONCE = pytest.mark.parametrize("server", ["10.11"], indirect=True)


@pytest.fixture(scope="module", params=VERSIONS)
def server(
    request: pytest.FixtureRequest, host: Any, household: Household, folder: str, run_container: Callable[..., None]
) -> Server:
    """A new server; the options that every module needs."""
    version = str(request.param)
    name = f"modules-jellyfin-{version}"
    return make(host, household, folder, run_container, name=name, version=version, port=VERSIONS[version])


@pytest.fixture
def half_finished(
    server: Server, host: Any, household: Household, folder: str, run_container: Callable[..., None]
) -> Server:
    """Another server of that version, whose wizard was left after the administrator was created."""
    version = next(name for name, port in VERSIONS.items() if server["url"].endswith(str(port)))
    name, quick = f"modules-jellyfin-half-{version}", "--startup-s 0 --degraded-s 0"
    made = make(
        host, household, folder, run_container, name=name, version=version, port=VERSIONS[version] + 10, more=quick
    )
    wait(host, made)
    call(host, made, "GET", "/Startup/User")
    call(host, made, "POST", "/Startup/User", {"Name": "family", "Password": PASSWORD})
    return made


def test_setup_completes_wizard_and_writes_key(host: Any, run_four_times: RunFourTimes, server: Server) -> None:
    answer = run_four_times("jellyfin_setup", **server, username="family", password=PASSWORD, server_name="Modules")
    assert [one["changed"] for one in answer.answers] == [True, True, False, False]
    key = host.file(server["api_key_file"]).content_string.strip()
    assert oct(host.file(server["api_key_file"]).mode) == "0o600"
    assert key
    assert key not in json.dumps(answer.answers)
    assert PASSWORD not in json.dumps(answer.answers)


def test_setup_completes_unfinished_wizard(host: Any, run_four_times: RunFourTimes, half_finished: Server) -> None:
    answer = run_four_times(
        "jellyfin_setup", **half_finished, username="family", password=PASSWORD
    ).assert_changes_once()
    assert (answer["wizard_run"], answer["api_key_created"]) == (True, True)
    assert call(host, half_finished, "GET", "/System/Info/Public")["StartupWizardCompleted"] is True
    assert [user["Name"] for user in call(host, half_finished, "GET", "/Users")] == ["family"]


def test_setup_restores_lost_key_file(host: Any, run_four_times: RunFourTimes, server: Server) -> None:
    key = host.file(server["api_key_file"]).content_string
    host.check_output(f"rm {server['api_key_file']}")
    answer = run_four_times("jellyfin_setup", **server, username="family", password=PASSWORD).assert_changes_once()
    assert (answer["wizard_run"], answer["api_key_created"], answer["api_key_written"]) == (False, False, True)
    assert host.file(server["api_key_file"]).content_string == key
    assert len(call(host, server, "GET", "/Auth/Keys")["Items"]) == 1


def test_settings_system_and_encoding(run_four_times: RunFourTimes, server: Server) -> None:
    wanted = {"system": {"LibraryMonitorDelay": 1}, "encoding": {"EncodingThreadCount": 2}}
    assert set(run_four_times("jellyfin_settings", **server, **wanted).assert_changes_once()["changes"]) == {
        "system.LibraryMonitorDelay",
        "encoding.EncodingThreadCount",
    }


def test_settings_network_and_encoding(host: Any, run_four_times: RunFourTimes, server: Server) -> None:
    wanted: dict[str, dict[str, Any]] = {
        "network": {"KnownProxies": ["198.18.0.1"]},
        "encoding": {"HardwareAccelerationType": "v4l2m2m"},
    }
    before = {section: call(host, server, "GET", f"/System/Configuration/{section}") for section in wanted}
    answer = run_four_times("jellyfin_settings", **server, **wanted).assert_changes_once()
    assert set(answer["changes"]) == {"network.KnownProxies", "encoding.HardwareAccelerationType"}
    assert (answer["restart_needed"], answer["restarted"]) == (True, False)
    for section, values in wanted.items():
        assert call(host, server, "GET", f"/System/Configuration/{section}") == {**before[section], **values}


@ONCE
def test_unknown_setting_is_refused_before_any_write(host: Any, run_four_times: RunFourTimes, server: Server) -> None:
    wanted = {"system": {"LibraryMonitorDelay": 9, "LibraryMonitorDelai": 9}}
    refused = run_four_times("jellyfin_settings", **server, **wanted).assert_fails()
    assert "this server has no LibraryMonitorDelai; is LibraryMonitorDelay meant?" in refused
    assert call(host, server, "GET", "/System/Configuration")["LibraryMonitorDelay"] == 1


def test_names_value_that_server_refuses(host: Any, run_four_times: RunFourTimes, server: Server) -> None:
    answer = run_four_times("jellyfin_settings", **server, encoding={"HardwareAccelerationType": "omx"})
    # The server does not list its values, so check mode cannot predict the refusal.
    assert [bool(one.get("failed")) for one in answer.answers] == [False, True, False, True]
    assert "the server rejects one of the new values" in answer.first["msg"]
    assert "HardwareAccelerationType" in answer.first["msg"]
    found = call(host, server, "GET", "/System/Configuration/encoding")
    assert (found["HardwareAccelerationType"], found["EncodingThreadCount"]) == ("v4l2m2m", 2)


def test_setting_that_needs_restart(run_four_times: RunFourTimes, server: Server) -> None:
    answer = run_four_times(
        "jellyfin_settings", **server, system={"EnableMetrics": True}, restart="when_needed"
    ).assert_changes_once()
    assert answer["restarted"]


def test_creates_library_and_adds_folder(host: Any, run_four_times: RunFourTimes, server: Server) -> None:
    run_four_times(
        "jellyfin_library", **server, libraries=[{**MOVIES, "paths": ["/media/movies"]}]
    ).assert_changes_once()
    answer = run_four_times("jellyfin_library", **server, libraries=[MOVIES]).assert_changes_once()
    assert answer["actions"] == ["add path /media/more of Movies"]
    assert folders(library(host, server, "Movies")) == (["/media/more", "/media/movies"],) * 2


def test_repairs_duplicate_and_missing_folders(host: Any, run_four_times: RunFourTimes, server: Server) -> None:
    twice = {"Name": "Movies", "PathInfo": {"Path": "/media/more"}}
    call(host, server, "POST", "/Library/VirtualFolders/Paths?refreshLibrary=true", twice)
    found = library(host, server, "Movies")
    options = {**found["LibraryOptions"], "PathInfos": [{"Path": "/media/more"}] * 2}
    body = {"Id": found["ItemId"], "LibraryOptions": options}
    call(host, server, "POST", "/Library/VirtualFolders/LibraryOptions", body)
    doubled = ["/media/more"] * 2
    assert folders(library(host, server, "Movies")) == ([*doubled, "/media/movies"], doubled)
    changes = run_four_times("jellyfin_library", **server, libraries=[MOVIES]).assert_changes_once()["changes"]
    before = {"Locations": [*doubled, "/media/movies"], "PathInfos": doubled}
    assert changes == {"Movies.paths": {"before": before, "after": ["/media/more", "/media/movies"]}}
    assert folders(library(host, server, "Movies")) == (["/media/more", "/media/movies"],) * 2


def test_keeps_other_library_options(host: Any, run_four_times: RunFourTimes, server: Server) -> None:
    before = library(host, server, "Movies")["LibraryOptions"]
    wanted = {"PreferredMetadataLanguage": "de", "EnablePhotos": not before["EnablePhotos"]}
    answer = run_four_times(
        "jellyfin_library", **server, libraries=[{**MOVIES, "options": wanted}]
    ).assert_changes_once()
    assert set(answer["changes"]) == {f"Movies.options.{name}" for name in wanted}
    assert library(host, server, "Movies")["LibraryOptions"] == {**before, **wanted}


@ONCE
@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"paths": ["/media/movies"]}, "/media/movies of Kids and /media/movies of Movies are the same folder"),
        ({"paths": ["/media/movies/kids"]}, "/media/movies/kids of Kids and /media/movies of Movies"),
        ({"paths": ["/media/films"], "type": "films"}, "value of type must be one of"),
    ],
    ids=["shared", "nested", "unknown type"],
)
def test_names_invalid_library(
    host: Any, run_four_times: RunFourTimes, server: Server, more: dict[str, Any], words: str
) -> None:
    kids = {"name": "Kids", "type": "movies", **more}
    assert words in run_four_times("jellyfin_library", **server, libraries=[kids]).assert_fails()
    assert library(host, server, "Kids") == {}


def test_type_change_needs_permission(host: Any, run_four_times: RunFourTimes, server: Server) -> None:
    body = {"LibraryOptions": {"PathInfos": [{"Path": "/media/films"}], "PreferredMetadataLanguage": "nl"}}
    query = "name=Films&collectionType=movies&refreshLibrary=true"
    call(host, server, "POST", f"/Library/VirtualFolders?{query}", body)
    films = {"name": "Films", "type": "homevideos", "paths": ["/media/films"]}
    assert (
        "only with jellyfin_allow_type_change"
        in run_four_times("jellyfin_library", **server, libraries=[films]).assert_fails()
    )
    assert library(host, server, "Films")["CollectionType"] == "movies"
    answer = run_four_times(
        "jellyfin_library", **server, libraries=[films], allow_type_change=True
    ).assert_changes_once()
    assert answer["actions"][-2:] == ["delete library Films", "create library Films"]
    found = library(host, server, "Films")
    assert (found["CollectionType"], folders(found)) == ("homevideos", (["/media/films"],) * 2)
    assert found["LibraryOptions"]["PreferredMetadataLanguage"] == "nl"


def test_creates_account(host: Any, run_four_times: RunFourTimes, server: Server) -> None:
    answer = run_four_times("jellyfin_user", **server, users=[CHILD])
    answer.assert_changes_once()
    assert PASSWORD not in json.dumps(answer.answers)
    found = policy(host, server, "child")
    assert (found["EnableAllFolders"], found["EnabledFolders"]) == (False, [library(host, server, "Movies")["ItemId"]])
    assert (found["EnableVideoPlaybackTranscoding"], found["EnableAudioPlaybackTranscoding"]) == (False, False)
    # Check mode only warns, because an earlier task of a run may create the library.
    predicted, real, *_rest = run_four_times(
        "jellyfin_user", **server, users=[{**CHILD, "libraries": ["Nowhere"]}]
    ).answers
    assert "Nowhere" in str(predicted["warnings"])
    assert real["failed"]
    assert "Nowhere" in real["msg"]


def test_changes_libraries_of_account(host: Any, run_four_times: RunFourTimes, server: Server) -> None:
    before = policy(host, server, "child")
    run_four_times("jellyfin_user", **server, users=[{**CHILD, "libraries": ["Films"]}]).assert_changes_once()
    films = library(host, server, "Films")["ItemId"]
    assert policy(host, server, "child") == {**before, "EnabledFolders": [films]}


def test_account_removal_needs_permission(host: Any, run_four_times: RunFourTimes, server: Server) -> None:
    absent = {"name": "child", "state": "absent"}
    assert (
        "only with jellyfin_allow_removal" in run_four_times("jellyfin_user", **server, users=[absent]).assert_fails()
    )
    assert policy(host, server, "child")
    run_four_times("jellyfin_user", **server, users=[absent], allow_removal=True).assert_changes_once()
    assert not policy(host, server, "child")


def test_library_removal_needs_permission(host: Any, run_four_times: RunFourTimes, server: Server) -> None:
    absent = {"name": "Films", "state": "absent"}
    assert (
        "only with jellyfin_allow_removal"
        in run_four_times("jellyfin_library", **server, libraries=[absent]).assert_fails()
    )
    assert library(host, server, "Films")
    answer = run_four_times("jellyfin_library", **server, libraries=[absent], allow_removal=True).assert_changes_once()
    assert answer["actions"] == ["delete library Films"]
    assert not library(host, server, "Films")
    assert library(host, server, "Movies")
