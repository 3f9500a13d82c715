# SPDX-License-Identifier: GPL-3.0-or-later
"""The services in the compose file: their namespace, mounts and ports, and the time to stop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.household.mediaserver.plugins.module_utils._transmission import image

ROLES = Path(__file__).resolve().parents[3] / "roles"
FILES = [f"{role}/defaults" for role in ("mediaserver", "host", "stack", "transmission", "jackett", "jellyfin")]
BARE = {"os": {}, "gpu": {"devices": [], "gids": []}, "memory_cgroup": True}
PI4 = {**BARE, "gpu": {"devices": ["/dev/dri/renderD128", "/dev/video11"], "gids": [44, 992]}}


def told(template: str, host: dict[str, Any] = BARE, **variables: Any) -> str:
    """A template of the role stack as a household gets it."""
    known: dict[str, Any] = {"inventory_hostname": "livingroom", "ansible_facts": {"mediaserver_host": host}}
    for file in (*FILES, "mediaserver/vars"):
        known |= DataLoader().load_from_file(str(ROLES / file / "main.yml"), trusted_as_template=True)
    # Of the role gateway, which is not looked at here.
    known |= {"__stack_digests": dict.fromkeys(known["stack_services"], "0"), "gateway_image": "a"}
    known |= {"gateway_holder_image": "b"}
    text = (ROLES / "stack" / "templates" / template).read_text(encoding="utf-8")
    return str(Templar(loader=DataLoader(), variables={**known, **variables}).template(trust_as_template(text)))


def service(name: str, host: dict[str, Any] = BARE, **variables: Any) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(told(f"services/{name}.yml.j2", host, **variables))[name]
    return found


def mounts(name: str) -> dict[str, dict[str, Any]]:
    return {mount["target"]: mount for mount in service(name)["volumes"]}


@pytest.mark.parametrize("name", ["transmission", "jackett"])
def test_is_in_the_vpn_namespace(name: str) -> None:
    found = service(name)
    assert found["network_mode"] == "service:vpn"
    assert not {"networks", "ports"} & found.keys()


def test_jellyfin_is_outside_the_vpn_namespace() -> None:
    found = service("jellyfin")
    assert found["networks"] == ["house"]
    assert "network_mode" not in found


def test_the_blackhole_is_the_watch_folder() -> None:
    folders = DataLoader().load_from_file(str(ROLES / "transmission/defaults/main.yml"))
    watched = folders["transmission_default_settings"]["watch-dir"]
    assert mounts("jackett")[watched]["source"] == "${DOWNLOAD_PATH}/watch"
    assert watched == "/downloads/watch"
    assert mounts("transmission")["/downloads"]["source"] == "${DOWNLOAD_PATH}"


def test_jellyfin_mounts_films_read_only_and_its_cache_on_the_disk() -> None:
    found = mounts("jellyfin")
    assert (found["/media"]["source"], found["/media"]["read_only"]) == ("${MEDIA_PATH}", True)
    assert found["/cache"]["source"] == "/mnt/cache/jellyfin"
    assert "${DOWNLOAD_PATH}" not in str(found)


def test_jellyfin_gets_the_devices_and_groups_of_the_host() -> None:
    found = service("jellyfin", PI4, host_transcoding="auto")
    assert found["devices"] == ["/dev/dri/renderD128", "/dev/video11"]
    assert found["group_add"] == ["44", "992"]


@pytest.mark.parametrize(("host", "wanted"), [(BARE, "auto"), (PI4, "none")], ids=["none there", "none wanted"])
def test_jellyfin_gets_no_device_without_any_or_without_transcoding(host: dict[str, Any], wanted: str) -> None:
    assert not {"devices", "group_add"} & service("jellyfin", host, host_transcoding=wanted).keys()


@pytest.mark.parametrize(
    ("port", "ports"),
    [
        (0, ["${BIND_ADDRESS}:${JELLYFIN_PORT}:8096"]),
        (443, ["${BIND_ADDRESS}:${JELLYFIN_PORT}:8096", "${BIND_ADDRESS}:443:8920"]),
    ],
)
def test_publishes_https_when_it_has_a_port(port: int, ports: list[str]) -> None:
    assert service("jellyfin", jellyfin_https_port=port)["ports"] == ports


@pytest.mark.parametrize("url", ["", "https://films.example.org:8443"])
def test_sets_the_published_address_when_there_is_one(url: str) -> None:
    environment = service("jellyfin", jellyfin_published_url=url)["environment"]
    assert ("JELLYFIN_PublishedServerUrl" in environment) is bool(url)
    assert f"JELLYFIN_URL={url}" in told("env.j2", jellyfin_published_url=url).splitlines()


@pytest.mark.parametrize(("name", "seconds"), [("transmission", 60), ("jackett", 30), ("jellyfin", 60)])
def test_has_time_to_save_its_state(name: str, seconds: int) -> None:
    found = service(name)["stop_grace_period"]
    assert int(found.removesuffix("s")) >= seconds


def test_the_image_s_entry_point_does_not_change_transmission_s_settings() -> None:
    found = service("transmission")
    assert found["entrypoint"][-1] == "/entrypoints/transmission.sh"
    assert not set(image.WRITES) & found["environment"].keys()
    defaults = DataLoader().load_from_file(str(ROLES / "transmission/defaults/main.yml"))
    setup = {"Entrypoint": found["entrypoint"], "Env": [f"{key}=x" for key in found["environment"]]}
    assert image.warning(setup, defaults["transmission_default_settings"]) == ""
