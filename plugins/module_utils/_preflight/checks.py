# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Checks whether a household can be set up on a host. Pure: compares measured facts and variables, returns problems.

Each check yields all problems that it finds. It skips missing variables (their role is not part of the run) and empty
facts (they could not be measured).
"""

from __future__ import annotations

import re
import typing as t

from . import (
    docker_services,
    forms,
    host,
    jellyfin,
    names,
    network,
    notifications,
    obstacles,
    own_services,
    ownership,
    relied,
    services,
    stack,
    storage,
    tunnel,
)
from .problem import (
    Checks,
    Facts,
    Problem,
    Settings,
    problem,
    warning,
)

SAFE_PATH = re.compile(r"/[A-Za-z0-9._/@+-]+")
NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
ARCHITECTURES = ("arm64", "amd64")
DEBIAN = "13"
BROKEN_COMPOSE = {"5.2.0": "it recreates containers incorrectly"}


def version(text: str) -> tuple[int, ...]:
    """Return the numbers of a version, for comparison."""
    return tuple(int(part) for part in re.findall(r"\d+", text))


def check_system(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    architecture, machine = facts.get("architecture", ""), facts.get("machine", "")
    if architecture and architecture not in ARCHITECTURES:
        mixed = f" although its kernel is 64-bit ({machine})" if machine in ("aarch64", "x86_64") else ""
        yield problem(
            "architecture",
            f"the userland is {architecture}{mixed}; the services exist only for arm64 and amd64",
            "write the 64-bit image of Raspberry Pi OS or Debian 13 to the card",
        )
    system = facts.get("os", {})
    name, release = system.get("id", ""), system.get("version_id", "")
    if (name, release) != ("debian", DEBIAN) and architecture in ("", *ARCHITECTURES):
        yield problem(
            "os",
            f"found {name or 'an unknown system'} {release or '(no release)'}, not Debian {DEBIAN}",
            f"install Raspberry Pi OS or Debian {DEBIAN} (trixie)",
        )
    least = settings.get("preflight_min_memory_mb", 0)
    if 0 < facts.get("memory_mb", 0) < least:
        yield problem(
            "memory_mb",
            f"the host has {facts['memory_mb']} MB of memory, {least} are needed",
            "use a Pi with more memory; or lower preflight_min_memory_mb, but the kernel may then kill services",
        )


def check_clock(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    clock = facts.get("clock", {})
    year, least = clock.get("year", 0), settings.get("preflight_min_year", 0)
    if year and year < least:
        yield problem(
            "clock.year",
            f"the clock shows {year}, before this release ({least}), so TLS certificates would not be valid",
            "synchronise it with a time server (see timedatectl), or set it by hand",
        )
    elif clock.get("synchronized") is False:
        yield warning(
            "clock.synchronized",
            "the clock is plausible, but not synchronised with a time server",
            "nothing, if the host is offline; otherwise check timedatectl",
        )


def check_disks(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    uuid = str(settings.get("storage_uuid") or "").lower()
    if settings.get("preflight_installed"):
        return
    data = settings.get("mediaserver_data", "")
    filesystems = facts.get("filesystems", {})
    for path, limit in (("/", "preflight_min_free_root_mb"), (data, "preflight_min_free_data_mb")):
        space, least = filesystems.get(path, {}), settings.get(limit, 0)
        later = path == data and uuid and str(space.get("uuid", "")).lower() != uuid
        if space.get("total_mb") and not later and space["free_mb"] < least:
            yield problem(
                limit if path == "/" else "mediaserver_data",
                f"{space['free_mb']} MB are free at {path}, {least} are needed ({limit})",
                "free space, use a larger disk, or lower the limit",
            )


def check_docker(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    docker = facts.get("docker", {})
    package, engine = docker.get("package", ""), docker.get("version", "")
    compose = docker.get("compose_version", "")
    if package == "other":
        yield problem(
            "docker.package",
            "the docker program is neither from Debian's nor from Docker's own packages",
            "remove it (podman-docker, a snap or a manual installation), or install docker.io or docker-ce",
        )
    least = settings.get("preflight_min_docker", "0")
    if engine and version(engine) < version(least):
        yield problem(
            "docker.version",
            f"{package} {engine} is installed, {least} or later is needed",
            f"upgrade {package}; or remove it, and the role docker installs Debian's docker.io",
        )
    if compose in BROKEN_COMPOSE:
        yield problem(
            "docker.compose_version",
            f"{docker.get('compose_package')} {compose} is installed: {BROKEN_COMPOSE[compose]}",
            "upgrade it to 5.2.1 or later",
        )
    elif compose and version(compose) < version(settings.get("preflight_min_compose", "0")):
        yield problem(
            "docker.compose_version",
            f"{docker.get('compose_package')} {compose} is installed, "
            f"{settings['preflight_min_compose']} or later is needed",
            "upgrade it; or remove it, and the role docker installs Debian's",
        )
    elif package == "docker-ce" and not compose:
        yield problem(
            "docker.compose_package",
            "docker-ce is installed without its compose plugin",
            "install docker-compose-plugin from the same source",
        )


def check_accounts(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    for kind, number, name_variable, number_variable in (
        ("users", "uid", "mediaserver_user", "mediaserver_uid"),
        ("groups", "gid", "mediaserver_group", "mediaserver_gid"),
    ):
        name, wanted = settings.get(name_variable), settings.get(number_variable)
        if name is None or wanted is None:
            continue
        existing = facts.get(kind, {})
        if not NAME.fullmatch(str(name)) or name == "root":
            yield problem(name_variable, f"{name!r} is not a usable name", "use lower-case letters, digits, - and _")
            continue
        if not 0 < int(wanted) < 60000:
            yield problem(number_variable, f"{wanted} is not a usable {number}", "use a number from 1 to 59999")
            continue
        for other in sorted(other for other, taken in existing.items() if taken == int(wanted) and other != name):
            yield problem(
                number_variable,
                f"{number} {wanted} already belongs to {other}",
                f"choose a free {number}",
            )
        if existing.get(name, int(wanted)) != int(wanted):
            yield problem(
                number_variable,
                f"{name} exists with {number} {existing[name]}, not {wanted}",
                f"set {number_variable}: {existing[name]}; or move the account's files, then remove it",
            )


def check_paths(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    folders = (
        "mediaserver_root",
        "mediaserver_state",
        "mediaserver_data",
        "mediaserver_media",
        "mediaserver_downloads",
        "jellyfin_cache",
    )
    given = {name: str(settings[name]) for name in folders if name in settings}
    for name, path in given.items():
        if not SAFE_PATH.fullmatch(path) or "/." in path or "//" in path or path.endswith("/"):
            yield problem(
                name,
                f"{path!r} is not usable as a path",
                "use an absolute path other than /, without spaces, parts that begin with a dot, or a trailing slash"
                + ("; ~ is not expanded, so write the whole path of the home folder" if "~" in path else ""),
            )
    data = given.get("mediaserver_data", "")
    for name in ("mediaserver_media", "mediaserver_downloads"):
        if data and name in given and not given[name].startswith(data + "/"):
            yield problem(
                name,
                f"{given[name]} is not below mediaserver_data ({data}), but both must be on one filesystem",
                f"choose a folder below {data}",
            )


CHECKS: Checks = (
    names.check_names,
    check_system,
    check_clock,
    host.check_boot_line,
    host.check_media_disk,
    check_disks,
    storage.check_mounts,
    host.check_room_for_jellyfin,
    check_docker,
    host.check_docker_file,
    obstacles.check_docker_settings,
    obstacles.check_routing,
    check_accounts,
    storage.check_household_members,
    check_paths,
    host.check_time_zone,
    network.check_lan,
    network.check_subnets,
    stack.check_selection,
    stack.check_ports,
    own_services.check_own_services,
    *ownership.CHECKS,
    tunnel.check_tunnel,
    tunnel.check_tunnel_in_lan,
    services.check_credentials,
    forms.check_forms,
    forms.check_timeouts,
    forms.check_peer_port,
    forms.check_conflicting_peer_port,
    services.check_transmission,
    services.check_jackett,
    services.check_jellyfin,
    relied.check_jellyfin_folders,
    relied.check_null_settings,
    relied.check_texts,
    relied.check_blackhole,
    relied.check_bind_address,
    jellyfin.check_cache,
    jellyfin.check_https,
    services.check_libraries,
    services.check_members,
    notifications.check_notify,
    docker_services.check_docker_services,
)


def find_problems(facts: Facts, settings: Settings) -> list[Problem]:
    """Return the findings of all checks, in the order of CHECKS."""
    return [finding for check in CHECKS for finding in check(facts, settings)]
