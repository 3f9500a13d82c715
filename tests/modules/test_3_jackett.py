# SPDX-License-Identifier: GPL-3.0-or-later
"""jackett_settings and the double of Jackett."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from contract import Household
from four import Show, kept_aside

NAME, PORT = "modules-jackett", 19117
PASSWORD = "a word of the modules' test"


@pytest.fixture(scope="module")
def options(host: Any, house: Household, folder: str, run: Callable[..., None]) -> dict[str, Any]:
    config = f"{folder}/jackett"
    image = f"--env XDG_CONFIG_HOME=/config {house['jackett_image']}"
    run(NAME, image, "--NoUpdates", port=f"{PORT}:9117", config=config, start=False)
    account = house["mediaserver_uid"]
    host.check_output(f"install -d -m 0700 -o {account} -g {account} {config}/Jackett")
    return {
        "config_dir": f"{config}/Jackett",
        "container": NAME,
        "url": f"http://127.0.0.1:{PORT}",
        "admin_password": PASSWORD,
        "api_key_file": f"{folder}/jackett.key",
        "owner": str(account),
        "group": str(house["mediaserver_gid"]),
    }


def settings(host: Any, options: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads(host.file(f"{options['config_dir']}/ServerConfig.json").content_string))


def test_before_the_first_start(host: Any, four: Show, options: dict[str, Any]) -> None:
    answer = four("jackett_settings", **options, settings={"AllowExternal": True})
    # Keys and ids are made by chance.
    assert [one["changed"] for one in answer.answers] == [True, True, False, False]
    found = settings(host, options)
    assert len(found["AdminPassword"]) == 128
    assert host.file(options["api_key_file"]).content_string.strip() == found["APIKey"]
    assert PASSWORD not in json.dumps(answer.answers)
    assert found["APIKey"] not in json.dumps(answer.answers)


def test_a_running_one_is_stopped_and_started(host: Any, four: Show, options: dict[str, Any]) -> None:
    host.check_output(f"docker start {NAME}")
    before = settings(host, options)
    assert set(four("jackett_settings", **options, settings={"cache_ttl": 900}).changes_once()["changes"]) == {
        "CacheTtl"
    }
    assert settings(host, options) == {**before, "CacheTtl": 900}
    assert host.check_output(f"docker inspect --format '{{{{.State.Status}}}}' {NAME}") == "running"


def test_another_password_without_leave_to_stop_is_refused(host: Any, four: Show, options: dict[str, Any]) -> None:
    before = settings(host, options)
    alone = {name: value for name, value in options.items() if name != "container"}
    refused = four("jackett_settings", **{**alone, "admin_password": "another"}).fails()
    assert "only while Jackett is stopped: AdminPassword; name the container" in refused
    assert settings(host, options) == before


def test_another_password(host: Any, four: Show, options: dict[str, Any]) -> None:
    before = settings(host, options)
    answer = four("jackett_settings", **{**options, "admin_password": "another"}).changes_once()
    assert set(answer["changes"]) == {"AdminPassword"}
    assert settings(host, options)["APIKey"] == before["APIKey"]


def test_a_damaged_file_is_reported_and_kept_aside(host: Any, four: Show, options: dict[str, Any]) -> None:
    path = f"{options['config_dir']}/ServerConfig.json"
    before = settings(host, options)
    # As a power cut leaves it.
    host.check_output(f"truncate --size=50 {path}")
    damaged = host.file(path).content_string
    four("jackett_settings", **options).reports_damage(host, path)
    wanted = {"AllowExternal": True, "cache_ttl": 900}
    answer = four("jackett_settings", **options, settings=wanted, on_damage="recreate")
    assert "(ServerConfig.json)" in answer.changes_once()["stopped_for"]
    assert "is damaged" in str(answer.first.get("warnings"))
    assert (kept_aside(host, path), answer.first["kept_aside"][: len(path)]) == ([damaged], path)
    # The key was in its own file too.
    found = settings(host, options)
    assert (found["APIKey"], found["CacheTtl"], len(found["AdminPassword"])) == (before["APIKey"], 900, 128)
    assert found["AdminPassword"] != before["AdminPassword"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"CacheTTTl": 1}, "CacheTTTl"), ({"CacheTtl": "long"}, "CacheTtl"), ({"Port": 70000}, "Port")],
    ids=["unknown", "no number", "too large"],
)
def test_bad_input_is_named(four: Show, options: dict[str, Any], settings: dict[str, Any], words: str) -> None:
    assert words in four("jackett_settings", **options, settings=settings).fails()
