# SPDX-License-Identifier: GPL-3.0-or-later
"""The Jellyfin modules and the double of the server, in both versions."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from contract import Household
from four import Show

PASSWORD = "a word of the modules' test"
VERSIONS = {"10.11": 18096, "12.0": 18097}


@pytest.fixture(scope="module", params=VERSIONS)
def server(
    request: pytest.FixtureRequest, host: Any, house: Household, folder: str, run: Callable[..., None]
) -> dict[str, Any]:
    """A server that nobody has claimed; its options for every module."""
    version = str(request.param)
    name, port = f"modules-jellyfin-{version}", VERSIONS[version]
    double = f"--volume {folder}/media:/media --env PYTHONPATH=/opt/doubles --entrypoint python3"
    host.check_output(
        f"install -d -m 0755 {folder}/media/movies {folder}/media/more && touch {folder}/media/movies/.there"
    )
    program = ("-m", "jellyfin_double", "--version", version, "--config", "/config", "--host", "0.0.0.0")
    run(name, f"{double} {house['jellyfin_image']}", *program, port=f"{port}:8096", config=f"{folder}/{name}")
    return {"url": f"http://127.0.0.1:{port}", "api_key_file": f"{folder}/{name}.key", "timeout": 60}


def test_it_is_claimed(host: Any, four: Show, server: dict[str, Any]) -> None:
    answer = four("jellyfin_setup", **server, username="family", password=PASSWORD, server_name="Modules")
    assert [one["changed"] for one in answer.answers] == [True, True, False, False]
    key = host.file(server["api_key_file"]).content_string.strip()
    assert oct(host.file(server["api_key_file"]).mode) == "0o600"
    assert key
    assert key not in json.dumps(answer.answers)
    assert PASSWORD not in json.dumps(answer.answers)


def test_its_settings(four: Show, server: dict[str, Any]) -> None:
    wanted = {"system": {"LibraryMonitorDelay": 1}, "encoding": {"EncodingThreadCount": 2}}
    assert set(four("jellyfin_settings", **server, **wanted).changes_once()["changes"]) == {
        "system.LibraryMonitorDelay",
        "encoding.EncodingThreadCount",
    }


def test_a_setting_that_takes_a_restart(four: Show, server: dict[str, Any]) -> None:
    answer = four("jellyfin_settings", **server, system={"EnableMetrics": True}, restart="when_needed").changes_once()
    assert answer["restarted"]


def test_its_libraries(four: Show, server: dict[str, Any]) -> None:
    movies = {
        "name": "Movies",
        "type": "movies",
        "paths": ["/media/movies"],
        "options": {"EnableRealtimeMonitor": True},
    }
    four("jellyfin_library", **server, libraries=[movies]).changes_once()
    movies["paths"] = ["/media/movies", "/media/more"]
    four("jellyfin_library", **server, libraries=[movies]).changes_once()


def test_removal_must_be_allowed(four: Show, server: dict[str, Any]) -> None:
    absent = {"name": "Movies", "state": "absent"}
    assert "allow_removal" in four("jellyfin_library", **server, libraries=[absent]).fails()


def test_its_members(four: Show, server: dict[str, Any]) -> None:
    child = {"name": "child", "password": PASSWORD, "libraries": ["Movies"], "transcoding": False}
    answer = four("jellyfin_user", **server, users=[child])
    answer.changes_once()
    assert PASSWORD not in json.dumps(answer.answers)
    # Check mode only warns: an earlier task may be about to make the library.
    foretold, real, *_rest = four("jellyfin_user", **server, users=[{**child, "libraries": ["Nowhere"]}]).answers
    assert "Nowhere" in str(foretold["warnings"])
    assert real["failed"]
    assert "Nowhere" in real["msg"]
