# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of host_info that show to whom files, folders, containers, networks and ports belong."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._host.info import measure
from ansible_collections.household.mediaserver.plugins.module_utils._host.parsers import local_addresses, nft_tables
from ansible_collections.household.mediaserver.plugins.module_utils._preflight.stack import check_ports
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._host import hosts

# From a Debian 13 machine, cut.
FIB_TRIE = """Main:
  +-- 0.0.0.0/0 3 0 4
     |-- 0.0.0.0
        /0 universe UNICAST
        |-- 192.168.1.0
           /24 link UNICAST
        |-- 192.168.1.5
           /32 host LOCAL
        |-- 192.168.1.255
           /32 link BROADCAST
     +-- 127.0.0.0/8 2 0 2
           |-- 127.0.0.0
              /8 host LOCAL
           |-- 127.0.0.1
              /32 host LOCAL
Local:
        |-- 192.168.1.5
           /32 host LOCAL
"""
SOCKET = {"/run/docker.sock": ""}
# Port 8096 (1FA0), state LISTEN, socket 4711; and the same by IPv6.
PROXY = "   0: 00000000:1FA0 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 4711 1 0 100 0 0 10 0\n"
LISTENING = {**SOCKET, "/proc/net/tcp": hosts.TCP_HEAD + PROXY}


def facts_of(files: dict[str, str], asked: dict[str, t.Any] | None = None, **more: t.Any) -> dict[str, t.Any]:
    return measure(hosts.FakeReader(files, **more), {**hosts.ASKED, **(asked or {})})


def test_returns_the_hosts_own_addresses() -> None:
    assert local_addresses(FIB_TRIE) == ["127.0.0.1", "192.168.1.5"]
    assert facts_of({"/proc/net/fib_trie": FIB_TRIE})["addresses"] == ["127.0.0.1", "192.168.1.5"]
    assert local_addresses("") == []


def test_returns_nft_tables_sorted() -> None:
    text = "table ip nat\ntable inet mediaserver_barrier\n"
    assert nft_tables(text) == ["inet mediaserver_barrier", "ip nat"]
    assert facts_of({}, commands={"nft": text})["nft_tables"] == ["inet mediaserver_barrier", "ip nat"]


def test_returns_interfaces_sorted() -> None:
    assert facts_of({"/sys/class/net/lo": "", "/sys/class/net/br-vpn": ""})["interfaces"] == ["br-vpn", "lo"]


def test_lists_existing_files_without_the_collections_mark() -> None:
    units = "/etc/systemd/system/"
    files = {
        f"{units}ours.service": "# Managed by household.mediaserver.\n[Unit]\n",
        f"{units}sysctl.conf": "# Kept by the role host of household.mediaserver: change host_sysctl instead.\n",
        f"{units}foreign.service": "[Unit]\nDescription=Mine\n",
        f"{units}late.service": "[Unit]\n" + "#" * 500 + "household.mediaserver",
    }
    names = ("ours.service", "sysctl.conf", "foreign.service", "late.service", "masked.service", "none.service")
    found = facts_of(files, {"marked": [units + name for name in names]}, links={f"{units}masked.service": "/dev/null"})
    assert found["unmarked"] == [f"{units}{name}" for name in ("foreign.service", "late.service", "masked.service")]


def test_returns_real_path_and_entries_of_folders() -> None:
    files = {"/opt/mediaserver/compose.yml": "", "/opt/mediaserver/.env": "", "/opt/mediaserver/lib/a/b.py": ""}
    found = facts_of(files, {"folders": ["/opt/mediaserver", "/none"]}, links={"/opt/mediaserver": "/srv/ms"})
    assert found["folder_entries"] == {
        "/opt/mediaserver": {"real": "/srv/ms", "entries": [".env", "compose.yml", "lib"]},
        "/none": {"real": "/none", "entries": []},
    }


def test_where_a_path_leads() -> None:
    found = facts_of(
        {"/mnt/films/a": "", "/mnt/link": ""}, {"resolve": ["/mnt/link", "/none"]}, links={"/mnt/link": "/etc"}
    )
    assert found["resolved"] == {"/mnt/link": "/etc", "/none": ""}


def container(name: str, project: str, state: str = "running", *ports: int) -> dict[str, t.Any]:
    labels = {"com.docker.compose.project": project, "com.docker.compose.service": "tv"} if project else {}
    return {
        "Id": f"{name}-id",
        "Names": [f"/{name}"],
        "State": state,
        "Labels": {**labels, "com.docker.compose.project.working_dir": f"/srv/{project}"} if project else None,
        "Ports": [{"Type": "tcp", "PublicPort": port, "PrivatePort": 1} for port in ports],
    }


def binds(port: str, protocol: str = "tcp") -> dict[str, t.Any]:
    given = {f"8096/{protocol}": [{"HostIp": "0.0.0.0", "HostPort": port}], "8920/tcp": None}
    return {"HostConfig": {"PortBindings": given}}


def test_returns_containers_and_networks_with_their_projects() -> None:
    found = facts_of(
        SOCKET,
        containers=[container("tv", "tv"), container("alone", "")],
        networks=[
            {
                "Id": "0123456789abcdef",
                "Name": "tv_default",
                "Driver": "bridge",
                "Labels": {"com.docker.compose.project": "tv"},
                "IPAM": {"Config": [{"Subnet": "172.18.0.0/16"}, {}]},
            },
            {"Id": "1", "Name": "host", "Driver": "host", "Labels": None, "IPAM": {"Config": None}},
        ],
        links={"/srv/tv": "/mnt/tv"},
    )
    assert found["docker_containers"] == [
        {"name": "alone", "project": "", "service": "", "folder": ""},
        {"name": "tv", "project": "tv", "service": "tv", "folder": "/mnt/tv"},
    ]
    assert found["docker_networks"] == [
        {"name": "host", "project": "", "bridge": "", "subnets": []},
        {"name": "tv_default", "project": "tv", "bridge": "br-0123456789ab", "subnets": ["172.18.0.0/16"]},
    ]


OURS, USERS = container("mediaserver-jellyfin-1", "mediaserver", "restarting"), container("plex", "", "running")
OUR_PORT = {"container": "mediaserver-jellyfin-1", "project": "mediaserver"}
USERS_PORT = {"container": "plex", "project": ""}


@pytest.mark.parametrize(
    ("rows", "details", "expected"),
    [
        # After a power cut during the first start, Docker's restart policy starts a container that exits at once.
        ([OURS], {"mediaserver-jellyfin-1-id": binds("8096")}, OUR_PORT),
        ([OURS, USERS], {"mediaserver-jellyfin-1-id": binds("8096"), "plex-id": binds("32400")}, OUR_PORT),
        ([USERS], {"plex-id": binds("8096")}, USERS_PORT),
        (
            [USERS, {**OURS, "State": "created"}],
            {"mediaserver-jellyfin-1-id": binds("8096"), "plex-id": binds("8096")},
            USERS_PORT,
        ),
        ([OURS], {"mediaserver-jellyfin-1-id": binds("8096", "udp")}, {"container": "", "project": ""}),
        ([OURS], {"mediaserver-jellyfin-1-id": binds("")}, {"container": "", "project": ""}),
        ([], {}, {"container": "", "project": ""}),
    ],
    ids=["ours restarts", "ours beside another", "another's", "ours never started", "UDP", "any port", "unknown"],
)
def test_port_of_docker_proxy_belongs_to_the_container_that_publishes_it(
    rows: list[dict[str, t.Any]], details: dict[str, t.Any], expected: dict[str, str]
) -> None:
    found = facts_of(LISTENING, {"ports": [8096]}, containers=rows, details=details, owners={"4711": "docker-proxy"})
    assert found["ports_listening"] == [{"port": 8096, "process": "docker-proxy", **expected}]
    port = {"variable": "mediaserver_ports.jellyfin", "host": 8096}
    refused = list(check_ports(found, {"preflight_services": [{"name": "jellyfin", "ports": [port]}]}))
    assert bool(refused) is (expected != OUR_PORT)


def test_port_held_by_a_program_has_no_container() -> None:
    found = facts_of(
        LISTENING,
        {"ports": [8096]},
        containers=[OURS],
        details={"mediaserver-jellyfin-1-id": binds("8096")},
        owners={"4711": "jellyfin"},
    )
    assert found["ports_listening"] == [{"port": 8096, "process": "jellyfin", "container": "", "project": ""}]
