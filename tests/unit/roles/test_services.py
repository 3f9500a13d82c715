# SPDX-License-Identifier: GPL-3.0-or-later
"""The services in the compose file: their namespace, mounts and ports, and the time to stop."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible_collections.household.mediaserver.plugins.module_utils._transmission import image

sys.path.append(str(Path(__file__).resolve().parent))

from rendered_households import PI4, ROLES, content, value


def service(name: str, host: dict[str, Any] | None = None, **variables: Any) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(content("compose.yml", host, **variables))["services"][name]
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


@pytest.mark.parametrize(("host", "wanted"), [({}, "auto"), (PI4, "none")], ids=["none there", "none wanted"])
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
    assert f"JELLYFIN_URL={url}" in content(".env", jellyfin_published_url=url).splitlines()


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


def test_the_unit_waits_for_every_mount_that_a_container_needs() -> None:
    def needed(**variables: Any) -> str:
        text = value("lookup('ansible.builtin.template', 'mediaserver.service.j2')", **variables)
        return str(re.search(r"^RequiresMountsFor=(.*)$", text, re.MULTILINE)[1])  # type: ignore[index]

    spool = "/var/lib/mediaserver/import"
    assert needed() == f"/opt/mediaserver /mnt {spool}"
    assert needed(jellyfin_cache="/srv/cache") == f"/opt/mediaserver /mnt /srv/cache {spool}"
    without = ["vpn", "wireguard", "transmission"]
    assert needed(jellyfin_cache="/srv/cache", stack_services=without) == f"/opt/mediaserver /mnt {spool}"


def test_a_lock_of_jellyfin_is_removed_only_where_there_is_one() -> None:
    assert value("__stack_unlock")["mode"] == "0644"
    assert value("__stack_unlock", stack_services=["vpn", "wireguard"]) == {"state": "absent"}


def test_folders_and_secrets_belong_to_the_service() -> None:
    own = {"name": "sonarr", "image": "x/y:1", "user": "0:0", "secret_files": {"key": "hidden"}}
    given: dict[str, Any] = {
        "mediaserver_extra_services": [own],
        "stack_services": ["transmission", "jackett", "jellyfin"],
    }
    folders = {entry["path"]: (entry["owner"], entry["mode"]) for entry in value("__stack_folders", **given)}
    assert folders == {
        **{f"/opt/mediaserver/config/{name}": ("2000", "0700") for name in ("transmission", "jackett", "jellyfin")},
        "/opt/mediaserver/config/jackett/Jackett": ("2000", "0700"),
        "/opt/mediaserver/config/sonarr": ("0", "0700"),
    }
    folder, file = value("__stack_secret_files", **given)
    assert (folder["path"], folder["mode"]) == ("/opt/mediaserver/secrets/sonarr", "0700")
    assert (file["path"], file["owner"], file["mode"]) == (f"{folder['path']}/key", "0", "0400")
    assert value("__stack_secrets", **given) == {file["path"]: "hidden"}
    assert "hidden" not in content("compose.yml", **given) + content(".env", **given)
    assert value("__stack_secret_files") == [] and value("__stack_secrets") == {}


@pytest.mark.parametrize("name", ["transmission", "jackett", "jellyfin"])
def test_the_role_of_a_service_that_is_left_out_does_nothing(name: str) -> None:
    """Every task of it is skipped, the validation of its variables included."""
    play = yaml.safe_load((ROLES.parent / "playbooks" / "site.yml").read_text(encoding="utf-8"))[0]
    tasks = [task for task in play["tasks"][0]["block"] if task["ansible.builtin.import_role"]["name"].endswith(name)]
    assert tasks
    every = ["vpn", "wireguard", "transmission", "jackett", "jellyfin"]
    for task in tasks:
        assert value(task["when"]) is True
        assert value(task["when"], stack_services=[other for other in every if other != name]) is False


def test_the_cache_is_made_for_a_jellyfin_that_is_there() -> None:
    def made(**given: Any) -> list[str]:
        return [entry["path"] for entry in value("__storage_folders", role="storage", **given)]

    assert [path for path in made() if "cache" in path] == ["/mnt/cache", "/mnt/cache/jellyfin"]
    without = made(stack_services=["vpn", "wireguard", "transmission"])
    assert not [path for path in without if "cache" in path]
    assert "/mnt/downloads/watch" in without


@pytest.mark.parametrize("own", [True, False], ids=["own service", "Transmission"])
@pytest.mark.parametrize(
    ("given", "told"), [({"gateway_natpmp": True}, None), ({"gateway_peer_port_forwarded": 40001}, 40001)]
)
def test_transmission_keeps_its_own_port_where_an_own_service_gets_the_forwarded_one(
    own: bool, given: dict[str, Any], told: int | None
) -> None:
    services = [{"name": "own", "image": "a:1", "forwarded_port": {"file": "/config/port"}}] if own else []
    port = value("__transmission_derived_settings['peer-port']", **given, mediaserver_extra_services=services)
    assert port == (51413 if own else told)
