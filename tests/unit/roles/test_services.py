# SPDX-License-Identifier: GPL-3.0-or-later
"""What compose is told of the services: where each one lives, what it may see, and how long it may take to stop."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible_collections.household.mediaserver.plugins.module_utils._transmission import image

sys.path.append(str(Path(__file__).resolve().parent))

from households import PI4, ROLES, content


def service(name: str, host: dict[str, Any] | None = None, **variables: Any) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(content("compose.yml", host, **variables))["services"][name]
    return found


def mounts(name: str) -> dict[str, dict[str, Any]]:
    return {mount["target"]: mount for mount in service(name)["volumes"]}


@pytest.mark.parametrize("name", ["transmission", "jackett"])
def test_it_lives_in_the_vpn_s_namespace(name: str) -> None:
    found = service(name)
    assert found["network_mode"] == "service:vpn"
    assert not {"networks", "ports"} & found.keys()


def test_jellyfin_lives_outside() -> None:
    found = service("jellyfin")
    assert found["networks"] == ["house"]
    assert "network_mode" not in found


def test_the_blackhole_is_the_watch_folder() -> None:
    folders = DataLoader().load_from_file(str(ROLES / "transmission/defaults/main.yml"))
    watched = folders["transmission_default_settings"]["watch-dir"]
    assert mounts("jackett")[watched]["source"] == "${DOWNLOAD_PATH}/watch"
    assert watched == "/downloads/watch"
    assert mounts("transmission")["/downloads"]["source"] == "${DOWNLOAD_PATH}"


def test_jellyfin_sees_films_and_cannot_change_them_and_its_cache_is_on_the_disk() -> None:
    found = mounts("jellyfin")
    assert (found["/media"]["source"], found["/media"]["read_only"]) == ("${MEDIA_PATH}", True)
    assert found["/cache"]["source"] == "/mnt/cache/jellyfin"
    assert "${DOWNLOAD_PATH}" not in str(found)


def test_jellyfin_gets_the_devices_and_groups_that_were_found() -> None:
    found = service("jellyfin", PI4, host_transcoding="auto")
    assert found["devices"] == ["/dev/dri/renderD128", "/dev/video11"]
    assert found["group_add"] == ["44", "992"]


@pytest.mark.parametrize(("host", "wanted"), [({}, "auto"), (PI4, "none")], ids=["none there", "none wanted"])
def test_jellyfin_gets_no_device_where_there_is_none_or_none_is_wanted(host: dict[str, Any], wanted: str) -> None:
    assert not {"devices", "group_add"} & service("jellyfin", host, host_transcoding=wanted).keys()


@pytest.mark.parametrize(
    ("port", "ports"),
    [
        (0, ["${BIND_ADDRESS}:${JELLYFIN_PORT}:8096"]),
        (443, ["${BIND_ADDRESS}:${JELLYFIN_PORT}:8096", "${BIND_ADDRESS}:443:8920"]),
    ],
)
def test_https_is_published_where_it_is_wanted(port: int, ports: list[str]) -> None:
    assert service("jellyfin", jellyfin_https_port=port)["ports"] == ports


@pytest.mark.parametrize("url", ["", "https://films.example.org:8443"])
def test_programs_are_told_an_address_where_there_is_one(url: str) -> None:
    environment = service("jellyfin", jellyfin_published_url=url)["environment"]
    assert ("JELLYFIN_PublishedServerUrl" in environment) is bool(url)
    assert f"JELLYFIN_URL={url}" in content(".env", jellyfin_published_url=url).splitlines()


@pytest.mark.parametrize(("name", "seconds"), [("transmission", 60), ("jackett", 30), ("jellyfin", 60)])
def test_it_has_time_to_write_what_it_holds(name: str, seconds: int) -> None:
    found = service(name)["stop_grace_period"]
    assert int(found.removesuffix("s")) >= seconds


def test_nothing_of_the_image_s_own_start_touches_transmission_s_settings() -> None:
    found = service("transmission")
    assert found["entrypoint"][-1] == "/entrypoints/transmission.sh"
    assert not set(image.WRITES) & found["environment"].keys()
    defaults = DataLoader().load_from_file(str(ROLES / "transmission/defaults/main.yml"))
    setup = {"Entrypoint": found["entrypoint"], "Env": [f"{key}=x" for key in found["environment"]]}
    assert image.warning(setup, defaults["transmission_default_settings"]) == ""
