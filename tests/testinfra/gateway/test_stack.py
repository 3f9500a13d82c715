# SPDX-License-Identifier: GPL-3.0-or-later
"""The compose project and its unit."""

from __future__ import annotations

import json
from typing import Any

import pytest
from contract import Containers, Household, default_services, name_of

pytestmark = pytest.mark.evidence(
    units=["mediaserver.service", "docker.service"],
    containers=default_services(),
)
# Services with a web interface, which a household may leave out.
WEB_SERVICES = [pytest.param(name, marks=pytest.mark.service(name)) for name in ("transmission", "jackett", "jellyfin")]


def test_unit_runs_and_is_enabled(host: Any) -> None:
    service = host.service("mediaserver.service")
    assert service.is_running
    assert service.is_enabled


def test_every_service_runs_and_is_healthy(household: Household, containers: Containers) -> None:
    found = {name: containers[name]["State"] for name in household.services}
    # An image of the household's own service may have no health check.
    health = {name: state.get("Health", {}).get("Status", "healthy") for name, state in found.items()}
    assert {name: (state["Status"], health[name]) for name, state in found.items()} == dict.fromkeys(
        household.services, ("running", "healthy")
    )
    assert not [name for name in household["stack_services"] if "Health" not in found[name]]


def test_project_has_no_other_service(household: Household, containers: Containers) -> None:
    assert set(containers.by_service) == set(household.services)


def test_containers_have_names_by_compose(household: Household, containers: Containers) -> None:
    found = {service: container["Name"] for service, container in containers.by_service.items()}
    assert found == {service: f"/{name_of(service)}" for service in household.services}


def test_only_holder_is_on_vpn_bridge(host: Any) -> None:
    """The outer barrier does not see traffic between containers on the bridge."""
    names = "{{range .Containers}}{{println .Name}}{{end}}"
    assert host.check_output(f"docker network inspect --format '{names}' mediaserver_vpn").split() == [name_of("vpn")]


@pytest.mark.parametrize("name", ["wireguard", *WEB_SERVICES[:2]])
def test_service_is_in_holders_namespace(host: Any, containers: Containers, name: str) -> None:
    inodes = [host.check_output(f"readlink /proc/{containers[each]['State']['Pid']}/ns/net") for each in ("vpn", name)]
    assert inodes[0] == inodes[1]
    assert containers[name]["HostConfig"]["NetworkMode"] == f"container:{containers['vpn']['Id']}"


def test_containers_have_minimal_privileges(household: Household, containers: Containers) -> None:
    wanted = {
        "vpn": ["CAP_NET_ADMIN"],
        "wireguard": ["CAP_NET_ADMIN"],
        "transmission": [],
        "jackett": [],
        "jellyfin": [],
    }
    # .NET writes to its installation folder.
    writable = {"jackett", "jellyfin"}
    assert set(default_services()) <= set(wanted)
    for name, capabilities in wanted.items():
        if name not in household.services:
            continue
        settings = containers[name]["HostConfig"]
        added = ["CAP_" + capability.removeprefix("CAP_") for capability in settings["CapAdd"] or []]
        assert settings["CapDrop"] == ["ALL"], name
        assert added == capabilities, name
        assert settings["ReadonlyRootfs"] is (name not in writable), name
        assert not settings["Privileged"], name
        assert "no-new-privileges:true" in settings["SecurityOpt"], name
        assert "/var/run/docker.sock" not in json.dumps(settings["Binds"] or []), name


def test_docker_does_not_create_missing_mount_source(containers: Containers) -> None:
    binds = [mount for c in containers.by_service.values() for mount in c["HostConfig"]["Mounts"] or []]
    assert binds, "no bind to check"
    assert not [mount for mount in binds if mount.get("BindOptions", {}).get("CreateMountpoint")]
    assert not [name for name, c in containers.by_service.items() if c["HostConfig"]["Binds"]]


@pytest.mark.parametrize("name", WEB_SERVICES)
def test_container_runs_as_household_account(
    host: Any, household: Household, containers: Containers, name: str
) -> None:
    pid = containers[name]["State"]["Pid"]
    assert host.check_output(f"stat --format '%u %g' /proc/{pid}") == (
        f"{household['mediaserver_uid']} {household['mediaserver_gid']}"
    )


@pytest.mark.parametrize("name", WEB_SERVICES)
def test_published_port_is_open(host: Any, household: Household, name: str) -> None:
    port = household["mediaserver_ports"][name]
    assert host.socket(f"tcp://{household['mediaserver_bind_address']}:{port}").is_listening


def test_secrets_are_only_in_their_files(host: Any, household: Household, containers: Containers) -> None:
    root = household["mediaserver_root"]
    key = host.file(f"{root}/gateway/private.key").content_string.strip()
    assert key in host.file(f"{root}/gateway/run/tunnel/wg0.conf").content_string, "the search does not work"
    secrets = {"private key": key}
    if "transmission" in household.services:
        secrets["Transmission's password"] = household["transmission_password"]
    if "jackett" in household.services:
        secrets["Jackett's password"] = household["jackett_admin_password"]
        secrets["Jackett's key"] = host.file(f"{root}/secrets/jackett.key").content_string.strip()
    if "jellyfin" in household.services:
        secrets["Jellyfin's password"] = household["jellyfin_admin_password"]
        secrets["Jellyfin's key"] = host.file(f"{root}/secrets/jellyfin.key").content_string.strip()
        secrets |= {f"the password of {member['name']}": member["password"] for member in household["jellyfin_users"]}
    assert all(secrets.values())
    places = {
        "compose.yml": host.file(f"{root}/compose.yml").content_string,
        ".env": host.file(f"{root}/.env").content_string,
        "docker inspect": containers.text,
        "the processes' command lines": host.check_output("ps -eo args"),
        "the processes' environments": host.check_output("cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'; true"),
        "the containers' logs": "".join(
            host.run(f"docker logs {name_of(name)} 2>&1").stdout for name in household.services
        ),
        "the journal": host.check_output("journalctl --no-pager --boot --output cat"),
    }
    found = [
        f"{what} in {where}" for what, secret in secrets.items() for where, text in places.items() if secret in text
    ]
    assert found == []
