# SPDX-License-Identifier: GPL-3.0-or-later
"""transmission_settings and a real daemon: before its first start, live, and what takes a stop."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from contract import Household
from four import Show, kept_aside

NAME, PORT = "modules-transmission", 19091
PASSWORD = "a word of the modules' test"


@pytest.fixture(scope="module")
def options(house: Household, folder: str, run: Callable[..., None]) -> dict[str, Any]:
    config = f"{folder}/transmission"
    daemon = ("transmission-daemon", "--foreground", "--config-dir", "/config")
    run(NAME, house["transmission_image"], *daemon, port=f"{PORT}:9091", config=config, start=False)
    return {
        "config_dir": config,
        "container": NAME,
        "url": f"http://127.0.0.1:{PORT}/transmission/rpc",
        "username": "family",
        "password": PASSWORD,
        "owner": str(house["mediaserver_uid"]),
        "group": str(house["mediaserver_gid"]),
    }


# The daemon speaks to nobody but us.
QUIET = {"dht-enabled": False, "lpd-enabled": False, "pex-enabled": False, "port-forwarding-enabled": False}


def settings(host: Any, folder: str) -> dict[str, Any]:
    return dict(json.loads(host.file(f"{folder}/transmission/settings.json").content_string))


def test_before_the_first_start(host: Any, folder: str, four: Show, options: dict[str, Any]) -> None:
    wanted = {**QUIET, "rpc-authentication-required": True, "rpc-whitelist-enabled": False, "umask": "002"}
    answer = four("transmission_settings", **options, settings=wanted)
    assert answer.changes_once()["daemon"] == "stopped"
    assert settings(host, folder)["rpc-password"].startswith("{")
    assert PASSWORD not in json.dumps(answer.answers)


def test_live(host: Any, four: Show, options: dict[str, Any]) -> None:
    host.check_output(f"docker start {NAME}")
    started = host.check_output(f"docker inspect --format '{{{{.State.StartedAt}}}}' {NAME}")
    answer = four("transmission_settings", **options, settings={"speed_limit_up": "77", "ratio-limit": 3})
    assert set(answer.changes_once()["changes"]) == {"speed-limit-up", "ratio-limit"}
    assert host.check_output(f"docker inspect --format '{{{{.State.StartedAt}}}}' {NAME}") == started


def test_a_mix_stops_the_daemon_once(host: Any, folder: str, four: Show, options: dict[str, Any]) -> None:
    answer = four("transmission_settings", **options, settings={"message-level": 3, "speed-limit-up": 78})
    assert answer.changes_once()["stopped_for"] == ["message-level"]
    # What only the daemon held is not lost by its stop.
    assert (settings(host, folder)["speed-limit-up"], settings(host, folder)["ratio-limit"]) == (78, 3)


def test_a_mix_without_leave_to_stop_is_refused(four: Show, options: dict[str, Any]) -> None:
    alone = {name: value for name, value in options.items() if name != "container"}
    refused = four("transmission_settings", **alone, settings={"message-level": 4, "speed-limit-up": 79}).fails()
    assert "only while the daemon is stopped: message-level; name the container" in refused


def test_a_damaged_file_is_reported_and_kept_aside(host: Any, folder: str, four: Show, options: dict[str, Any]) -> None:
    path = f"{folder}/transmission/settings.json"
    # As a power cut leaves it.
    host.check_output(f"truncate --size=200 {path}")
    damaged = host.file(path).content_string
    four("transmission_settings", **options, settings=QUIET).reports_damage(host, path)
    answer = four("transmission_settings", **options, settings=QUIET, on_damage="recreate")
    assert "(settings.json)" in answer.changes_once()["stopped_for"]
    assert "is damaged" in str(answer.first.get("warnings"))
    assert (kept_aside(host, path), answer.first["kept_aside"][: len(path)]) == ([damaged], path)
    # What the daemon held is in the new one. The 79 of the refused mix was not even sent.
    assert (settings(host, folder)["speed-limit-up"], settings(host, folder)["ratio-limit"]) == (78, 3)


def test_an_unknown_setting_that_is_let_pass(host: Any, folder: str, four: Show, options: dict[str, Any]) -> None:
    answer = four("transmission_settings", **options, settings={"of-tomorrow": "yes"}, allow_unknown=True)
    assert answer.changes_once()["stopped_for"] == ["of-tomorrow"]
    assert settings(host, folder)["of-tomorrow"] == "yes"


def test_what_linuxservers_start_would_overwrite_is_said(
    house: Household, folder: str, run: Callable[..., None], four: Show
) -> None:
    name, config = "modules-linuxserver", f"{folder}/linuxserver"
    image = f"--env WHITELIST=198.51.100.7 --entrypoint /init {house['transmission_image']}"
    run(name, image, port="19092:9091", config=config, start=False)
    wanted = {"rpc-whitelist": "127.0.0.1", "speed-limit-up": 77}
    answer = four("transmission_settings", config_dir=config, container=name, settings=wanted)
    answer.changes_once()
    for warnings in (one.get("warnings") for one in answer.answers):
        assert "it writes rpc-whitelist anew" in str(warnings)
        assert "198.51.100.7" not in str(warnings)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"speed-limt-up": 1}, "speed-limt-up"),
        ({"speed-limit-up": "fast"}, "speed-limit-up"),
        ({"peer-port": 70000}, "peer-port"),
    ],
    ids=["unknown", "no number", "too large"],
)
def test_bad_input_is_named(four: Show, options: dict[str, Any], settings: dict[str, Any], words: str) -> None:
    assert words in four("transmission_settings", **options, settings=settings).fails()


def test_a_wrong_password_is_named(four: Show, options: dict[str, Any]) -> None:
    rpc = {"url": options["url"], "username": "family", "password": "wrong"}
    assert "password" in four("transmission_settings", **rpc, settings={"speed-limit-up": 1}).fails()
