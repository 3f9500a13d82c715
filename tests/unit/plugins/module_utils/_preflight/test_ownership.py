# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of this collection that the user already uses are rejected; the collection's own objects are accepted."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._preflight.checks import find_problems
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._preflight.household import (
    FACTS,
    SETTINGS,
)

ROOT, STATE = "/opt/mediaserver", "/var/lib/mediaserver"
# The project folder after the role gateway's first task, and a complete project.
BEGUN = ["gateway"]
COMPLETE = [".env", "compose.yml", "config", "entrypoints", "gateway", "lib", "scripts", "secrets"]
ACCOUNT = {"uid": 2000, "group": "mediaserver", "home": STATE, "shell": "/usr/sbin/nologin", "groups": []}


def folders(root: list[str], state: list[str] | None = None, real: str = ROOT) -> dict[str, t.Any]:
    return {
        "folder_entries": {
            ROOT: {"real": real, "entries": root},
            STATE: {"real": STATE, "entries": state or []},
        }
    }


def container(name: str, project: str = "", folder: str = "") -> dict[str, str]:
    return {"name": name, "project": project, "service": name.split("-")[-2] if project else "", "folder": folder}


def network(name: str, project: str = "", bridge: str = "br-0123456789ab", *subnets: str) -> dict[str, t.Any]:
    return {"name": name, "project": project, "bridge": bridge, "subnets": list(subnets or ["172.18.0.0/16"])}


OWN_CONTAINERS = [
    container(f"mediaserver-{service}-1", "mediaserver", ROOT) for service in ("vpn", "wireguard", "jellyfin")
]
OWN_NETWORKS = [
    network("bridge", "", "docker0", "172.17.0.0/16"),
    network("mediaserver_vpn", "mediaserver", "br-vpn", "172.31.254.0/24"),
    network("mediaserver_jellyfin", "mediaserver", "br-jellyfin"),
    # A network of an earlier version, without containers.
    network("mediaserver_house", "mediaserver"),
]
# Facts of a host that is set up.
OWN: dict[str, t.Any] = {
    **folders(COMPLETE, ["vpn"]),
    "addresses": ["127.0.0.1", "172.17.0.1", "172.31.254.1", "192.168.1.5"],
    "interfaces": ["br-jellyfin", "br-vpn", "docker0", "end0", "lo"],
    "nft_tables": ["inet mediaserver_barrier", "ip nat"],
    "unmarked": [],
    "docker_containers": OWN_CONTAINERS,
    "docker_networks": OWN_NETWORKS,
    "account": ACCOUNT,
    "users": {"root": 0, "mediaserver": 2000},
    "groups": {"root": 0, "mediaserver": 2000},
}
# Facts of the same host before the first run.
BLANK: dict[str, t.Any] = {
    **OWN,
    **folders([]),
    "addresses": ["127.0.0.1", "192.168.1.5"],
    "interfaces": ["end0", "lo"],
    "nft_tables": ["ip nat"],
    "docker_containers": [],
    "docker_networks": OWN_NETWORKS[:1],
    "account": {},
    "users": {"root": 0},
    "groups": {"root": 0},
}


def found(host: dict[str, t.Any], facts: dict[str, t.Any], settings: dict[str, t.Any]) -> list[dict[str, str]]:
    return find_problems({**copy.deepcopy(FACTS), **host, **facts}, {**copy.deepcopy(SETTINGS), **settings})


FOREIGN = [
    (
        "a folder of the user's",
        BLANK,
        folders(["compose.yml", "config"]),
        {},
        "mediaserver_root",
        "compose.yml, config",
    ),
    (
        "a project of the user's with a gateway",
        BLANK,
        folders(["compose.yml", "gateway"]),
        {},
        "mediaserver_root",
        "was not created by this collection",
    ),
    ("many files", BLANK, folders(list("abcdefgh")), {}, "mediaserver_root", "it contains a, b, c, d, e and 3 more"),
    ("state of another program", BLANK, folders([], ["db"]), {}, "mediaserver_state", f"{STATE} exists"),
    (
        "a unit",
        OWN,
        {"unmarked": ["/etc/systemd/system/mediaserver.service"]},
        {},
        "/etc/systemd/system/mediaserver.service",
        "was not written by this collection",
    ),
    (
        "a container with the name of one of ours",
        BLANK,
        {"docker_containers": [container("mediaserver-jellyfin-1")]},
        {},
        "container mediaserver-jellyfin-1",
        "it is not a container of this collection",
    ),
    (
        "a container beside ours",
        OWN,
        {"docker_containers": [*OWN_CONTAINERS, container("mediaserver-backup", "")]},
        {},
        "container mediaserver-backup",
        "its name begins with mediaserver-",
    ),
    (
        "a compose project of our name",
        BLANK,
        {
            "docker_containers": [
                container("mediaserver-plex-1", "mediaserver", "/home/pi/mediaserver"),
                container("mediaserver-sonarr-1", "mediaserver", "/home/pi/mediaserver"),
            ]
        },
        {},
        "compose project mediaserver",
        "(mediaserver-plex-1, mediaserver-sonarr-1) and is in /home/pi/mediaserver, not in /opt/mediaserver",
    ),
    (
        "a project without a folder",
        BLANK,
        {"docker_containers": [container("mediaserver-plex-1", "mediaserver")]},
        {},
        "compose project mediaserver",
        "an unknown folder",
    ),
    (
        "a network with the name of ours",
        BLANK,
        {"docker_networks": [network("mediaserver_jellyfin")]},
        {},
        "Docker network mediaserver_jellyfin",
        "is not this collection's",
    ),
    (
        "a network with the bridge of ours",
        BLANK,
        {"docker_networks": [network("corporate", "", "br-vpn")], "interfaces": ["br-vpn"]},
        {},
        "bridge br-vpn",
        "the interface of the Docker network corporate",
    ),
    (
        "a network with the bridge of Jellyfin's",
        BLANK,
        {"docker_networks": [network("tv", "", "br-jellyfin")], "interfaces": ["br-jellyfin"]},
        {},
        "bridge br-jellyfin",
        "the interface of the Docker network tv",
    ),
    (
        "a bridge with the name of Jellyfin's",
        BLANK,
        {"interfaces": ["br-jellyfin", "lo"]},
        {},
        "bridge br-jellyfin",
        "is not this collection's",
    ),
    (
        "a bridge of the user's",
        BLANK,
        {"interfaces": ["br-vpn", "lo"]},
        {},
        "bridge br-vpn",
        "is not this collection's",
    ),
    (
        "a network with the addresses of ours",
        OWN,
        {"docker_networks": [*OWN_NETWORKS, network("old", "", "br-1", "fd00::/64", "172.31.0.0/16")]},
        {},
        "gateway_subnet",
        "172.31.254.0/24 overlaps 172.31.0.0/16 of the Docker network old",
    ),
    (
        "a person's account",
        BLANK,
        {
            "account": {**ACCOUNT, "home": "/home/mediaserver", "shell": "/bin/bash"},
            "users": {"root": 0, "mediaserver": 2000},
        },
        {},
        "mediaserver_user",
        "home /home/mediaserver and shell /bin/bash",
    ),
    (
        "a table of our name",
        BLANK,
        {"nft_tables": ["inet mediaserver_barrier"]},
        {},
        "nft table inet mediaserver_barrier",
        "is not this collection's",
    ),
    (
        "an expired lease",
        BLANK,
        {},
        {"mediaserver_bind_address": "192.168.1.77"},
        "mediaserver_bind_address",
        "192.168.1.77 is not an address of this host, which has 192.168.1.5",
    ),
    (
        "a typing error on a host that is set up",
        OWN,
        {},
        {"mediaserver_bind_address": "192.168.1.50"},
        "mediaserver_bind_address",
        "172.17.0.1, 172.31.254.1, 192.168.1.5",
    ),
    (
        "a multicast group",
        OWN,
        {},
        {"mediaserver_bind_address": "224.0.0.1"},
        "mediaserver_bind_address",
        "is not an address of this host",
    ),
]


@pytest.mark.parametrize(
    ("host", "facts", "settings", "variable", "words"), [pytest.param(*row[1:], id=row[0]) for row in FOREIGN]
)
def test_foreign_object_with_a_name_of_the_collection_is_rejected(
    host: dict[str, t.Any], facts: dict[str, t.Any], settings: dict[str, t.Any], variable: str, words: str
) -> None:
    (problem,) = found(host, facts, settings)
    assert (problem["level"], problem["variable"]) == ("problem", variable)
    assert words in problem["problem"]
    assert problem["remedy"]


USERS_OWN = [container("jellyfin"), container("transmission"), container("vpn"), container("media-jellyfin-1", "media")]
ACCEPTED = [
    ("a blank host", BLANK, {}, {}),
    ("a folder with a disk of its own", BLANK, folders(["compose.override.yml", "lost+found"], ["lost+found"]), {}),
    ("a household", OWN, {}, {}),
    (
        "containers of an earlier version",
        OWN,
        {"docker_containers": [container("jellyfin", "", ""), *(dict(one, name="vpn") for one in OWN_CONTAINERS)]},
        {},
    ),
    ("the user's own containers on a blank host", BLANK, {"docker_containers": USERS_OWN}, {}),
    ("the user's own containers beside ours", OWN, {"docker_containers": [*OWN_CONTAINERS, *USERS_OWN]}, {}),
    (
        "the container of a wizard that was cut off",
        OWN,
        {"docker_containers": [container("mediaserver-claim-jellyfin-1", "mediaserver-claim")]},
        {},
    ),
    (
        "a project folder behind a link",
        {**OWN, **folders(COMPLETE, ["vpn"], real="/srv/mediaserver")},
        {"docker_containers": [container("mediaserver-vpn-1", "mediaserver", "/srv/mediaserver")]},
        {},
    ),
    ("a first run that was cut off", BLANK, {**folders(BEGUN), "nft_tables": ["inet mediaserver_barrier"]}, {}),
    (
        "a first start that was cut off",
        BLANK,
        {**folders([*BEGUN, "lib", "scripts"]), "interfaces": ["br-vpn"], "account": ACCOUNT},
        {},
    ),
    ("an account of ours on its own", BLANK, {"account": ACCOUNT, "users": {"mediaserver": 2000}}, {}),
    ("a Docker that does not run", OWN, {"docker_containers": [], "docker_networks": []}, {}),
    ("another home for our account", OWN, {"account": {**ACCOUNT, "home": "/var/lib/old"}}, {}),
    ("every address", OWN, {}, {"mediaserver_bind_address": "0.0.0.0"}),
    ("loopback", OWN, {}, {"mediaserver_bind_address": "127.0.0.1"}),
    ("the host's own address", OWN, {}, {"mediaserver_bind_address": "192.168.1.5"}),
    ("addresses that were not measured", OWN, {"addresses": []}, {"mediaserver_bind_address": "192.168.1.9"}),
]


@pytest.mark.parametrize(("host", "facts", "settings"), [pytest.param(*row[1:], id=row[0]) for row in ACCEPTED])
def test_own_and_unrelated_objects_are_accepted(
    host: dict[str, t.Any], facts: dict[str, t.Any], settings: dict[str, t.Any]
) -> None:
    assert found(host, facts, settings) == []
