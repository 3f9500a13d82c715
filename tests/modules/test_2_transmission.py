# SPDX-License-Identifier: GPL-3.0-or-later
"""transmission_settings with a real daemon: before its first start, live, and with a restart."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from contract import Household
from four_runs import RunFourTimes, kept_aside

NAME, PORT = "modules-transmission", 19091
PASSWORD = "a word of the modules' test"


@pytest.fixture(scope="module")
def options(household: Household, folder: str, run_container: Callable[..., None]) -> dict[str, Any]:
    config = f"{folder}/transmission"
    daemon = ("transmission-daemon", "--foreground", "--config-dir", "/config")
    run_container(NAME, household["transmission_image"], *daemon, port=f"{PORT}:9091", config=config, start=False)
    return {
        "config_dir": config,
        "container": NAME,
        "url": f"http://127.0.0.1:{PORT}/transmission/rpc",
        "username": "family",
        "password": PASSWORD,
        "owner": str(household["mediaserver_uid"]),
        "group": str(household["mediaserver_gid"]),
    }


# The daemon connects to no peer.
QUIET = {"dht-enabled": False, "lpd-enabled": False, "pex-enabled": False, "port-forwarding-enabled": False}


def settings(host: Any, folder: str) -> dict[str, Any]:
    return dict(json.loads(host.file(f"{folder}/transmission/settings.json").content_string))


def test_writes_settings_before_first_start(
    host: Any, folder: str, run_four_times: RunFourTimes, options: dict[str, Any]
) -> None:
    wanted = {**QUIET, "rpc-authentication-required": True, "rpc-whitelist-enabled": False, "umask": "002"}
    answer = run_four_times("transmission_settings", **options, settings=wanted)
    assert answer.assert_changes_once()["daemon"] == "stopped"
    assert settings(host, folder)["rpc-password"].startswith("{")
    assert PASSWORD not in json.dumps(answer.answers)


def test_changes_settings_live(host: Any, run_four_times: RunFourTimes, options: dict[str, Any]) -> None:
    host.check_output(f"docker start {NAME}")
    started = host.check_output(f"docker inspect --format '{{{{.State.StartedAt}}}}' {NAME}")
    answer = run_four_times("transmission_settings", **options, settings={"speed_limit_up": "77", "ratio-limit": 3})
    assert set(answer.assert_changes_once()["changes"]) == {"speed-limit-up", "ratio-limit"}
    assert host.check_output(f"docker inspect --format '{{{{.State.StartedAt}}}}' {NAME}") == started


def test_mixed_settings_stop_daemon_once(
    host: Any, folder: str, run_four_times: RunFourTimes, options: dict[str, Any]
) -> None:
    answer = run_four_times("transmission_settings", **options, settings={"message-level": 3, "speed-limit-up": 78})
    assert answer.assert_changes_once()["stopped_for"] == ["message-level"]
    # Live settings are not lost by the stop.
    assert (settings(host, folder)["speed-limit-up"], settings(host, folder)["ratio-limit"]) == (78, 3)


def test_refuses_mixed_settings_without_container(run_four_times: RunFourTimes, options: dict[str, Any]) -> None:
    alone = {name: value for name, value in options.items() if name != "container"}
    refused = run_four_times(
        "transmission_settings", **alone, settings={"message-level": 4, "speed-limit-up": 79}
    ).assert_fails()
    assert "only while the daemon is stopped: message-level; name the container" in refused


def test_damaged_file_is_reported_and_kept(
    host: Any, folder: str, run_four_times: RunFourTimes, options: dict[str, Any]
) -> None:
    path = f"{folder}/transmission/settings.json"
    # As after a power cut.
    host.check_output(f"truncate --size=200 {path}")
    damaged = host.file(path).content_string
    run_four_times("transmission_settings", **options, settings=QUIET).assert_reports_damage(host, path)
    answer = run_four_times("transmission_settings", **options, settings=QUIET, on_damage="recreate")
    assert "(settings.json)" in answer.assert_changes_once()["stopped_for"]
    assert "is damaged" in str(answer.first.get("warnings"))
    assert (kept_aside(host, path), answer.first["kept_aside"][: len(path)]) == ([damaged], path)
    # The new file has the daemon's values. The 79 of the refused run was not sent.
    assert (settings(host, folder)["speed-limit-up"], settings(host, folder)["ratio-limit"]) == (78, 3)


def test_allow_unknown_writes_unknown_setting(
    host: Any, folder: str, run_four_times: RunFourTimes, options: dict[str, Any]
) -> None:
    answer = run_four_times("transmission_settings", **options, settings={"of-tomorrow": "yes"}, allow_unknown=True)
    assert answer.assert_changes_once()["stopped_for"] == ["of-tomorrow"]
    assert settings(host, folder)["of-tomorrow"] == "yes"


def test_warns_about_settings_that_linuxserver_image_overwrites(
    household: Household, folder: str, run_container: Callable[..., None], run_four_times: RunFourTimes
) -> None:
    name, config = "modules-linuxserver", f"{folder}/linuxserver"
    image = f"--env WHITELIST=198.51.100.7 --entrypoint /init {household['transmission_image']}"
    run_container(name, image, port="19092:9091", config=config, start=False)
    wanted = {"rpc-whitelist": "127.0.0.1", "speed-limit-up": 77}
    answer = run_four_times("transmission_settings", config_dir=config, container=name, settings=wanted)
    answer.assert_changes_once()
    for warnings in (one.get("warnings") for one in answer.answers):
        assert "it overwrites rpc-whitelist" in str(warnings)
        assert "198.51.100.7" not in str(warnings)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"speed-limt-up": 1}, "speed-limt-up"),
        ({"speed-limit-up": "fast"}, "speed-limit-up"),
        ({"peer-port": 70000}, "peer-port"),
    ],
    ids=["unknown", "not a number", "too large"],
)
def test_names_invalid_setting(
    run_four_times: RunFourTimes, options: dict[str, Any], settings: dict[str, Any], words: str
) -> None:
    assert words in run_four_times("transmission_settings", **options, settings=settings).assert_fails()


def test_names_wrong_password(run_four_times: RunFourTimes, options: dict[str, Any]) -> None:
    rpc = {"url": options["url"], "username": "family", "password": "wrong"}
    assert "password" in run_four_times("transmission_settings", **rpc, settings={"speed-limit-up": 1}).assert_fails()
