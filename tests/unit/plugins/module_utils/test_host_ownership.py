# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What host_info measures to show whose files, folders, containers, networks and ports are."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._host.info import measure
from ansible_collections.household.mediaserver.plugins.module_utils._host.parsers import local_addresses, nft_tables
from ansible_collections.household.mediaserver.plugins.module_utils._preflight.stack import check_ports
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils import host_fixtures as hosts
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils.test_preflight import with_services

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


def told(files: dict[str, str], asked: dict[str, t.Any] | None = None, **more: t.Any) -> dict[str, t.Any]:
    return measure(hosts.ToldReader(files, **more), {**hosts.ASKED, **(asked or {})})


def test_the_hosts_own_addresses() -> None:
    assert local_addresses(FIB_TRIE) == ["127.0.0.1", "192.168.1.5"]
    assert told({"/proc/net/fib_trie": FIB_TRIE})["addresses"] == ["127.0.0.1", "192.168.1.5"]
    assert local_addresses("") == []


def test_tables_of_nft() -> None:
    text = "table ip nat\ntable inet mediaserver_barrier\n"
    assert nft_tables(text) == ["inet mediaserver_barrier", "ip nat"]
    assert told({}, commands={"nft": text})["nft_tables"] == ["inet mediaserver_barrier", "ip nat"]


def test_interfaces() -> None:
    assert told({"/sys/class/net/lo": "", "/sys/class/net/br-vpn": ""})["interfaces"] == ["br-vpn", "lo"]


def test_files_without_the_collections_mark() -> None:
    units = "/etc/systemd/system/"
    files = {
        f"{units}ours.service": "# Managed by household.mediaserver.\n[Unit]\n",
        f"{units}sysctl.conf": "# Kept by the role host of household.mediaserver: change host_sysctl instead.\n",
        f"{units}foreign.service": "[Unit]\nDescription=Mine\n",
        f"{units}late.service": "[Unit]\n" + "#" * 500 + "household.mediaserver",
    }
    names = ("ours.service", "sysctl.conf", "foreign.service", "late.service", "masked.service", "none.service")
    found = told(files, {"marked": [units + name for name in names]}, links={f"{units}masked.service": "/dev/null"})
    assert found["unmarked"] == [f"{units}{name}" for name in ("foreign.service", "late.service", "masked.service")]


def test_what_is_in_a_folder() -> None:
    files = {"/opt/mediaserver/compose.yml": "", "/opt/mediaserver/.env": "", "/opt/mediaserver/lib/a/b.py": ""}
    found = told(files, {"folders": ["/opt/mediaserver", "/none"]}, links={"/opt/mediaserver": "/srv/ms"})
    assert found["folder_entries"] == {
        "/opt/mediaserver": {"real": "/srv/ms", "entries": [".env", "compose.yml", "lib"]},
        "/none": {"real": "/none", "entries": []},
    }


def test_where_a_path_leads() -> None:
    found = told(
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


def test_containers_and_networks_with_their_projects() -> None:
    found = told(
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
        # After a power cut during the first start: Docker's restart policy starts a container that ends at once.
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
def test_a_port_of_dockers_proxy_belongs_to_the_container_that_publishes_it(
    rows: list[dict[str, t.Any]], details: dict[str, t.Any], expected: dict[str, str]
) -> None:
    found = told(LISTENING, {"ports": [8096]}, containers=rows, details=details, owners={"4711": "docker-proxy"})
    assert found["ports_listening"] == [{"port": 8096, "process": "docker-proxy", **expected}]
    refused = list(check_ports(found, with_services({"mediaserver_ports": {"jellyfin": 8096}})))
    assert bool(refused) is (expected != OUR_PORT)


def test_what_a_program_holds_is_no_containers_port() -> None:
    found = told(
        LISTENING,
        {"ports": [8096]},
        containers=[OURS],
        details={"mediaserver-jellyfin-1-id": binds("8096")},
        owners={"4711": "jellyfin"},
    )
    assert found["ports_listening"] == [{"port": 8096, "process": "jellyfin", "container": "", "project": ""}]
