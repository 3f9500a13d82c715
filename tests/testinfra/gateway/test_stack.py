# SPDX-License-Identifier: GPL-3.0-or-later
"""The compose project and the unit that is the statement of intent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from contract import Containers, Household, default_services, name_of

pytestmark = pytest.mark.evidence(
    units=["mediaserver.service", "docker.service"],
    containers=default_services(),
)
# Those with a page; a household may leave them out.
PAGES = [pytest.param(name, marks=pytest.mark.service(name)) for name in ("transmission", "jackett", "jellyfin")]


def test_the_stack_is_meant_to_run_now_and_after_every_boot(host: Any) -> None:
    service = host.service("mediaserver.service")
    assert service.is_running
    assert service.is_enabled


def test_every_service_runs_and_is_healthy(house: Household, containers: Containers) -> None:
    found = {name: containers[name]["State"] for name in house.services}
    # An image of the household's own service may have no health check.
    health = {name: state.get("Health", {}).get("Status", "healthy") for name, state in found.items()}
    assert {name: (state["Status"], health[name]) for name, state in found.items()} == dict.fromkeys(
        house.services, ("running", "healthy")
    )
    assert not [name for name in house["stack_services"] if "Health" not in found[name]]


def test_nothing_else_runs_in_the_project(house: Household, containers: Containers) -> None:
    assert set(containers.by_service) == set(house.services)


def test_each_container_has_the_name_that_compose_gives_it(house: Household, containers: Containers) -> None:
    found = {service: container["Name"] for service, container in containers.by_service.items()}
    assert found == {service: f"/{name_of(service)}" for service in house.services}


def test_the_holder_has_no_neighbour_on_its_bridge(host: Any) -> None:
    """The outer barrier does not see what stays on the bridge."""
    names = "{{range .Containers}}{{println .Name}}{{end}}"
    assert host.check_output(f"docker network inspect --format '{names}' mediaserver_vpn").split() == [name_of("vpn")]


@pytest.mark.parametrize("name", ["wireguard", *PAGES[:2]])
def test_it_lives_in_the_holders_namespace_and_nowhere_else(host: Any, containers: Containers, name: str) -> None:
    inodes = [host.check_output(f"readlink /proc/{containers[each]['State']['Pid']}/ns/net") for each in ("vpn", name)]
    assert inodes[0] == inodes[1]
    assert containers[name]["HostConfig"]["NetworkMode"] == f"container:{containers['vpn']['Id']}"


def test_no_container_may_do_more_than_it_must(house: Household, containers: Containers) -> None:
    wanted = {
        "vpn": ["CAP_NET_ADMIN"],
        "wireguard": ["CAP_NET_ADMIN"],
        "transmission": [],
        "jackett": [],
        "jellyfin": [],
    }
    # .NET unpacks parts of itself where it was installed.
    writes_to_itself = {"jackett", "jellyfin"}
    assert set(default_services()) <= set(wanted)
    for name, capabilities in wanted.items():
        if name not in house.services:
            continue
        settings = containers[name]["HostConfig"]
        added = ["CAP_" + capability.removeprefix("CAP_") for capability in settings["CapAdd"] or []]
        assert settings["CapDrop"] == ["ALL"], name
        assert added == capabilities, name
        assert settings["ReadonlyRootfs"] is (name not in writes_to_itself), name
        assert not settings["Privileged"], name
        assert "no-new-privileges:true" in settings["SecurityOpt"], name
        assert "/var/run/docker.sock" not in json.dumps(settings["Binds"] or []), name


def test_a_missing_disk_is_never_filled_in_by_docker(containers: Containers) -> None:
    binds = [mount for c in containers.by_service.values() for mount in c["HostConfig"]["Mounts"] or []]
    assert binds, "no bind to check"
    assert not [mount for mount in binds if mount.get("BindOptions", {}).get("CreateMountpoint")]
    assert not [name for name, c in containers.by_service.items() if c["HostConfig"]["Binds"]]


@pytest.mark.parametrize("name", PAGES)
def test_the_account_in_the_container_is_the_households(
    host: Any, house: Household, containers: Containers, name: str
) -> None:
    pid = containers[name]["State"]["Pid"]
    assert host.check_output(f"stat --format '%u %g' /proc/{pid}") == (
        f"{house['mediaserver_uid']} {house['mediaserver_gid']}"
    )


@pytest.mark.parametrize("name", PAGES)
def test_the_way_in_is_the_published_port(host: Any, house: Household, name: str) -> None:
    port = house["mediaserver_ports"][name]
    assert host.socket(f"tcp://{house['mediaserver_bind_address']}:{port}").is_listening


def test_no_secret_has_left_its_file(host: Any, house: Household, containers: Containers) -> None:
    root = house["mediaserver_root"]
    key = host.file(f"{root}/gateway/private.key").content_string.strip()
    assert key in host.file(f"{root}/gateway/run/tunnel/wg0.conf").content_string, "the search itself does not work"
    secrets = {"private key": key}
    if "transmission" in house.services:
        secrets["Transmission's password"] = house["transmission_password"]
    if "jackett" in house.services:
        secrets["Jackett's password"] = house["jackett_admin_password"]
        secrets["Jackett's key"] = host.file(f"{root}/secrets/jackett.key").content_string.strip()
    if "jellyfin" in house.services:
        secrets["Jellyfin's password"] = house["jellyfin_admin_password"]
        secrets["Jellyfin's key"] = host.file(f"{root}/secrets/jellyfin.key").content_string.strip()
        secrets |= {f"the password of {member['name']}": member["password"] for member in house["jellyfin_users"]}
    assert all(secrets.values())
    places = {
        "compose.yml": host.file(f"{root}/compose.yml").content_string,
        ".env": host.file(f"{root}/.env").content_string,
        "docker inspect": containers.text,
        "the processes' command lines": host.check_output("ps -eo args"),
        "the processes' environments": host.check_output("cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'; true"),
        "the containers' logs": "".join(
            host.run(f"docker logs {name_of(name)} 2>&1").stdout for name in house.services
        ),
        "the journal": host.check_output("journalctl --no-pager --boot --output cat"),
    }
    found = [
        f"{what} in {where}" for what, secret in secrets.items() for where, text in places.items() if secret in text
    ]
    assert found == []
