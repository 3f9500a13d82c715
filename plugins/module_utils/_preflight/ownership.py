# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Preflight checks for files, containers, networks and accounts that have a name of this collection but are the user's.

Everything that the roles would overwrite, remove or share is rejected by its name before anything changes.
"""

from __future__ import annotations

import ipaddress
import typing as t

from .._core.names import INNER_TABLE, JELLYFIN_BRIDGE, OUTER_TABLE, OVERRIDES, PROJECT, VPN_BRIDGE
from .._services import ways
from .problem import (
    Facts,
    Problem,
    Settings,
    problem,
)

# The compose project, and the temporary project in which Jellyfin's first-run wizard is completed.
PROJECTS = (PROJECT, "mediaserver-claim")
CONTAINER_PREFIX = "mediaserver-"
# Names in the compose file.
NETWORKS = ("mediaserver_vpn", "mediaserver_jellyfin")
BRIDGES = (VPN_BRIDGE, JELLYFIN_BRIDGE)
TABLES = (f"inet {OUTER_TABLE}", f"inet {INNER_TABLE}")
# Entries that do not show another owner: of a mount point, and compose overrides that a user may prepare.
HARMLESS = ("lost+found", *OVERRIDES)
SHOWN = 5


def _names(found: t.Iterable[str]) -> str:
    names = list(found)
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _entries(facts: Facts, folder: t.Any) -> list[str]:
    found = (facts.get("folder_entries", {}).get(str(folder)) or {}).get("entries", [])
    return [name for name in found if name not in HARMLESS]


def is_installed(facts: Facts, settings: Settings) -> bool:
    """Return whether the project folder is this collection's, complete or not.

    The roles create ``gateway`` right after the folder itself, and the programs in ``lib`` before compose.yml.
    """
    found = set(_entries(facts, settings.get("mediaserver_root")))
    return "gateway" in found and ("compose.yml" not in found or "lib" in found)


def check_folders(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    if is_installed(facts, settings):
        return
    root, state = settings.get("mediaserver_root"), settings.get("mediaserver_state")
    if found := _entries(facts, root):
        yield problem(
            "mediaserver_root",
            f"{root} exists and was not created by this collection: it contains {_names(found)}",
            "move that folder away, or set mediaserver_root to another folder",
        )
    found = _entries(facts, state)
    if found and "vpn" not in found:
        yield problem(
            "mediaserver_state",
            f"{state} exists and was not created by this collection: it contains {_names(found)}",
            "move that folder away, or set mediaserver_state to another folder",
        )


def check_files(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    del settings
    for path in facts.get("unmarked", []):
        yield problem(
            path,
            "the file exists and was not written by this collection, which needs the name",
            "rename it; or remove it and the program that uses it",
        )


def check_containers(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    root = settings.get("mediaserver_root")
    if root is None:
        return
    own = (facts.get("folder_entries", {}).get(str(root)) or {}).get("real") or str(root)
    foreign: dict[str, list[str]] = {}
    for one in facts.get("docker_containers", []):
        if one["project"] == PROJECT and one["folder"] != own:
            foreign.setdefault(one["folder"] or "an unknown folder", []).append(one["name"])
        elif one["name"].startswith(CONTAINER_PREFIX) and one["project"] not in PROJECTS:
            yield problem(
                f"container {one['name']}",
                f"its name begins with {CONTAINER_PREFIX}, but it is not a container of this collection",
                f"rename it: docker rename {one['name']} NEW_NAME",
            )
    for folder, names in foreign.items():
        yield problem(
            f"compose project {PROJECT}",
            f"another project of this name has containers ({_names(names)}) and is in {folder}, not in {own}",
            "rename that project (`name:` in its compose file); or, if it is this collection's, set"
            f" mediaserver_root to {folder}",
        )


def check_networks(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    if settings.get("mediaserver_root") is None:
        return
    networks = facts.get("docker_networks", [])
    names, bridges = _own_networks(settings)
    for one in networks:
        if one["project"] == PROJECT:
            continue
        if one["name"] in names:
            yield problem(
                f"Docker network {one['name']}",
                "a network of this name exists and is not this collection's",
                f"remove the containers that use it, then the network: docker network rm {one['name']}",
            )
        elif one["bridge"] in bridges:
            yield problem(
                f"bridge {one['bridge']}",
                f"it is the interface of the Docker network {one['name']}",
                "rename that network's interface (com.docker.network.bridge.name)",
            )
        yield from _overlaps(one, settings)
    if is_installed(facts, settings):
        return
    known = [one["bridge"] for one in networks]
    for bridge in bridges:
        if bridge in facts.get("interfaces", []) and bridge not in known:
            yield problem(
                f"bridge {bridge}",
                "an interface of this name exists and is not this collection's",
                f"rename it, or remove it: ip link delete {bridge}",
            )


def _own_networks(settings: Settings) -> tuple[list[str], list[str]]:
    """Return the networks and bridges of the compose file; each own service outside the VPN has its own."""
    own = [one["name"] for one in settings.get("preflight_services") or () if one["own"] and one["namespace"] == "lan"]
    networks = [f"{PROJECT}_{ways.network(name)}" for name in own]
    return [*NETWORKS, *networks], [*BRIDGES, *(ways.bridge(name) for name in own)]


def _overlaps(network: dict[str, t.Any], settings: Settings) -> t.Iterator[Problem]:
    try:
        own = ipaddress.ip_network(str(settings["gateway_subnet"]))
    except (KeyError, ValueError):
        return  # check_subnets reports it
    for text in network["subnets"]:
        other = ipaddress.ip_network(text, strict=False)
        if own.version == other.version and own.overlaps(other):
            yield problem(
                "gateway_subnet",
                f"{own} overlaps {other} of the Docker network {network['name']}",
                "choose a private network that is not in use",
            )


def check_account(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    home, found = settings.get("mediaserver_state"), facts.get("account") or {}
    if home is None or not found or found["home"] == home or is_installed(facts, settings):
        return
    yield problem(
        "mediaserver_user",
        f"an account {settings.get('mediaserver_user')} exists with home {found['home']} and shell {found['shell']},"
        " and was not created by this collection",
        "choose another name for mediaserver_user, and a free uid for mediaserver_uid",
    )


def check_tables(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    if settings.get("mediaserver_root") is None or is_installed(facts, settings):
        return
    for table in TABLES:
        if table in facts.get("nft_tables", []):
            yield problem(
                f"nft table {table}",
                "a table of this name is loaded and is not this collection's",
                f"rename it in the program that loads it, then remove it: nft delete table {table}",
            )


def check_bind_address(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    addresses = facts.get("addresses", [])
    try:
        wanted = ipaddress.IPv4Address(str(settings["mediaserver_bind_address"]))
    except (KeyError, ValueError):
        return  # check_lan reports it
    if wanted.is_unspecified or wanted.is_loopback or not addresses or str(wanted) in addresses:
        return
    others = [one for one in addresses if not ipaddress.IPv4Address(one).is_loopback]
    yield problem(
        "mediaserver_bind_address",
        f"{wanted} is not an address of this host, which has {', '.join(others) or 'none'}",
        "use one of these addresses, or 0.0.0.0 for all",
    )


CHECKS = (
    check_bind_address,
    check_folders,
    check_files,
    check_containers,
    check_networks,
    check_account,
    check_tables,
)
