# SPDX-License-Identifier: GPL-3.0-or-later
"""jackett_settings with the double of Jackett."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from contract import Household
from four_runs import RunFourTimes, kept_aside

NAME, PORT = "modules-jackett", 19117
PASSWORD = "a word of the modules' test"


@pytest.fixture(scope="module")
def options(host: Any, household: Household, folder: str, run_container: Callable[..., None]) -> dict[str, Any]:
    config = f"{folder}/jackett"
    image = f"--env XDG_CONFIG_HOME=/config {household['jackett_image']}"
    run_container(NAME, image, "--NoUpdates", port=f"{PORT}:9117", config=config, start=False)
    account = household["mediaserver_uid"]
    host.check_output(f"install -d -m 0700 -o {account} -g {account} {config}/Jackett")
    return {
        "config_dir": f"{config}/Jackett",
        "container": NAME,
        "url": f"http://127.0.0.1:{PORT}",
        "admin_password": PASSWORD,
        "api_key_file": f"{folder}/jackett.key",
        "owner": str(account),
        "group": str(household["mediaserver_gid"]),
    }


def settings(host: Any, options: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads(host.file(f"{options['config_dir']}/ServerConfig.json").content_string))


def test_writes_settings_before_first_start(host: Any, run_four_times: RunFourTimes, options: dict[str, Any]) -> None:
    answer = run_four_times("jackett_settings", **options, settings={"AllowExternal": True})
    # Not by assert_changes_once: check mode cannot predict random keys and ids.
    assert [one["changed"] for one in answer.answers] == [True, True, False, False]
    found = settings(host, options)
    assert len(found["AdminPassword"]) == 128
    assert host.file(options["api_key_file"]).content_string.strip() == found["APIKey"]
    assert PASSWORD not in json.dumps(answer.answers)
    assert found["APIKey"] not in json.dumps(answer.answers)


def test_restarts_running_server(host: Any, run_four_times: RunFourTimes, options: dict[str, Any]) -> None:
    host.check_output(f"docker start {NAME}")
    before = settings(host, options)
    assert set(
        run_four_times("jackett_settings", **options, settings={"cache_ttl": 900}).assert_changes_once()["changes"]
    ) == {"CacheTtl"}
    assert settings(host, options) == {**before, "CacheTtl": 900}
    assert host.check_output(f"docker inspect --format '{{{{.State.Status}}}}' {NAME}") == "running"


def test_refuses_new_password_without_container(
    host: Any, run_four_times: RunFourTimes, options: dict[str, Any]
) -> None:
    before = settings(host, options)
    alone = {name: value for name, value in options.items() if name != "container"}
    refused = run_four_times("jackett_settings", **{**alone, "admin_password": "another"}).assert_fails()
    assert "only while Jackett is stopped: AdminPassword; set container, service or unit" in refused
    assert settings(host, options) == before


def test_changes_password(host: Any, run_four_times: RunFourTimes, options: dict[str, Any]) -> None:
    before = settings(host, options)
    answer = run_four_times("jackett_settings", **{**options, "admin_password": "another"}).assert_changes_once()
    assert set(answer["changes"]) == {"AdminPassword"}
    assert settings(host, options)["APIKey"] == before["APIKey"]


def test_damaged_file_is_reported_and_kept(host: Any, run_four_times: RunFourTimes, options: dict[str, Any]) -> None:
    path = f"{options['config_dir']}/ServerConfig.json"
    before = settings(host, options)
    # As after a power cut.
    host.check_output(f"truncate --size=50 {path}")
    damaged = host.file(path).content_string
    run_four_times("jackett_settings", **options).assert_reports_damage(host, path)
    wanted = {"AllowExternal": True, "cache_ttl": 900}
    answer = run_four_times("jackett_settings", **options, settings=wanted, on_damage="recreate")
    assert "(ServerConfig.json)" in answer.assert_changes_once()["stopped_for"]
    assert "is damaged" in str(answer.first.get("warnings"))
    assert (kept_aside(host, path), answer.first["kept_aside"][: len(path)]) == ([damaged], path)
    # The key is restored from its own file.
    found = settings(host, options)
    assert (found["APIKey"], found["CacheTtl"], len(found["AdminPassword"])) == (before["APIKey"], 900, 128)
    assert found["AdminPassword"] != before["AdminPassword"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"CacheTTTl": 1}, "CacheTTTl"), ({"CacheTtl": "long"}, "CacheTtl"), ({"Port": 70000}, "Port")],
    ids=["unknown", "not a number", "too large"],
)
def test_names_invalid_setting(
    run_four_times: RunFourTimes, options: dict[str, Any], settings: dict[str, Any], words: str
) -> None:
    assert words in run_four_times("jackett_settings", **options, settings=settings).assert_fails()
