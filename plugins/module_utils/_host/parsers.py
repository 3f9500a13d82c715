# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Pure parsers for files and command output of a Linux host. A value that cannot be determined is empty."""

from __future__ import annotations

import ipaddress
import re
import shlex
import typing as t

OWN_ENGINES = ("docker-ce", "docker.io")
OWN_COMPOSE = ("docker-compose-plugin", "docker-compose")
# Debian's packages that contain /usr/bin/docker. docker-cli may be installed without the engine.
OWN_CLIENTS = ("docker-cli", "docker.io")
# Letters of dpkg-query(1), package-status: installed, triggers awaited, triggers pending; half-installed, unpacked,
# half-configured. A package with an outstanding trigger works, but its installation is not finished.
INSTALLED = "iWt"
UNFINISHED = "HUFWt"


def os_release(text: str) -> dict[str, str]:
    """Return ID, VERSION_ID and VERSION_CODENAME of /etc/os-release (os-release(5))."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, separator, value = line.strip().partition("=")
        if separator and not key.startswith("#"):
            found[key] = " ".join(shlex.split(value))
    return {
        "id": found.get("ID", ""),
        "version_id": found.get("VERSION_ID", ""),
        "codename": found.get("VERSION_CODENAME", ""),
    }


def memory_mb(meminfo: str) -> int:
    """Return the memory in MiB, from /proc/meminfo; 0 when unknown."""
    match = re.search(r"^MemTotal:\s+(\d+) kB", meminfo, re.MULTILINE)
    return int(match.group(1)) // 1024 if match else 0


def memory_cgroup(controllers: str | None, cgroups: str) -> bool:
    """Return whether the kernel can limit memory.

    ``controllers`` is the text of cgroup v2's cgroup.controllers, None where cgroup v1 is in use. ``cgroups`` is the
    text of /proc/cgroups.
    """
    if controllers is not None:
        return "memory" in controllers.split()
    return any(
        fields[0] == "memory" and fields[-1] == "1"
        for fields in (line.split() for line in cgroups.splitlines())
        if fields
    )


def _route_network(destination: str, mask: str) -> ipaddress.IPv4Network:
    """Parse addresses of /proc/net/route, which are hexadecimal in the byte order of the (little-endian) machine."""
    address = ipaddress.IPv4Address(bytes.fromhex(destination)[::-1])
    netmask = ipaddress.IPv4Address(bytes.fromhex(mask)[::-1])
    return ipaddress.IPv4Network(f"{address}/{netmask}", strict=False)


def routes(text: str) -> tuple[list[dict[str, str]], str]:
    """Return the networks of /proc/net/route other than the default route, and the default route's interface."""
    networks: list[dict[str, str]] = []
    defaults: list[tuple[int, str]] = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 8:
            continue
        network = _route_network(fields[1], fields[7])
        if network.prefixlen == 0:
            defaults.append((int(fields[6]), fields[0]))
        else:
            networks.append({"interface": fields[0], "cidr": str(network)})
    return networks, min(defaults)[1] if defaults else ""


def local_addresses(fib_trie: str) -> list[str]:
    """Return the host's own IPv4 addresses, from /proc/net/fib_trie: leaves with "/32 host LOCAL"."""
    found = re.findall(r"\|-- (\S+)\n\s+/32 host LOCAL$", fib_trie, re.MULTILINE)
    return sorted(set(found), key=ipaddress.IPv4Address)


def nft_tables(text: str) -> list[str]:
    """Return family and name of each table, from ``nft list tables``."""
    return sorted(line.strip().removeprefix("table ") for line in text.splitlines() if line.startswith("table "))


def accounts(text: str) -> dict[str, int]:
    """Return names and ids of /etc/passwd or /etc/group: both have the id in the third field."""
    found: dict[str, int] = {}
    for line in text.splitlines():
        fields = line.split(":")
        if len(fields) >= 4 and fields[2].isdigit():
            found[fields[0]] = int(fields[2])
    return found


def account(name: str, passwd: str, group: str) -> dict[str, t.Any]:
    """Return an account of /etc/passwd with its supplementary groups; empty when it does not exist."""
    groups = accounts(group)
    names = {gid: group_name for group_name, gid in groups.items()}
    for line in passwd.splitlines():
        fields = line.split(":")
        if len(fields) < 7 or fields[0] != name:
            continue
        members = (entry.split(":") for entry in group.splitlines() if entry.count(":") >= 3)
        return {
            "uid": int(fields[2]),
            "group": names.get(int(fields[3]), fields[3]),
            "home": fields[5],
            "shell": fields[6],
            "groups": sorted(entry[0] for entry in members if name in entry[3].split(",")),
        }
    return {}


def members(name: str, passwd: str, group: str) -> list[str]:
    """Return the accounts in a group: listed members, and accounts that have it as their primary group."""
    number = accounts(group).get(name)
    rows = (line.split(":") for line in group.splitlines())
    listed = {one for row in rows if len(row) >= 4 and row[0] == name for one in row[3].split(",") if one}
    own = {row[0] for row in (line.split(":") for line in passwd.splitlines()) if row[3:4] == [str(number)]}
    return sorted(listed | own)


def packages(text: str) -> dict[str, str]:
    """Return installed packages from `dpkg-query -W -f '${db:Status-Abbrev} ${Package} ${Version}\\n'`.

    The first letter is the wanted state ("h" for hold), the second the current state, the third an error flag.
    """
    return {name: version for state, name, version in _package_rows(text) if state[1] in INSTALLED and version}


def unfinished_packages(text: str) -> dict[str, str]:
    """Return packages whose installation was interrupted, from the same output; the version may be empty."""
    return {name: version for state, name, version in _package_rows(text) if state[1] in UNFINISHED or state[2:] == "R"}


def _package_rows(text: str) -> t.Iterator[tuple[str, str, str]]:
    for line in text.splitlines():
        state, *fields = line.split()
        if len(state) >= 2 and fields:
            yield state, fields[0], fields[1] if len(fields) > 1 else ""


def upstream_version(version: str) -> str:
    """Return the upstream number of a Debian version: 28.0.1 for 5:28.0.1-1~debian.13~trixie."""
    match = re.match(r"(?:\d+:)?(\d+(?:\.\d+)*)", version)
    return match.group(1) if match else ""


def docker(
    installed: dict[str, str], unpackaged: bool, unfinished: t.Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return packages and versions of the engine and the compose plugin.

    ``package`` is ``other`` for a docker program from neither Debian nor Docker. A package whose installation was
    interrupted counts as installed, because the run completes it.
    """
    known = {**(unfinished or {}), **installed}
    other = unpackaged and not any(name in known for name in OWN_CLIENTS)
    engine = next((name for name in OWN_ENGINES if name in known), "other" if other else "")
    compose = next((name for name in OWN_COMPOSE if name in known), "")
    return {
        "package": engine,
        "version": upstream_version(known.get(engine, "")),
        "compose_package": compose,
        "compose_version": upstream_version(known.get(compose, "")),
    }


def _unescape(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), text)


def mount_of(path: str, mountinfo: str) -> dict[str, str]:
    """Return the mount that holds a path, from /proc/self/mountinfo: of the longest matches the last one listed."""
    best: dict[str, str] = {"mount": "", "fstype": "", "device": ""}
    for line in mountinfo.splitlines():
        fields = line.split()
        if "-" not in fields[6:]:
            continue
        mount = _unescape(fields[4])
        inside = path == mount or path.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best["mount"]):
            rest = fields.index("-", 6)
            best = {"mount": mount, "fstype": fields[rest + 1], "device": _unescape(fields[rest + 2])}
    return best


def read_only_mounts(paths: t.Iterable[str], mountinfo: str) -> list[str]:
    """Return the read-only mount points at, above or below one of the paths, in the order of mountinfo."""
    asked = [path for path in paths if path != "/"]
    found: list[str] = []
    for line in mountinfo.splitlines():
        fields = line.split()
        if "-" not in fields[6:]:
            continue
        mount, options = _unescape(fields[4]), [*fields[5].split(","), *fields[-1].split(",")]
        near = any(f"{path}/".startswith(mount.rstrip("/") + "/") or mount.startswith(f"{path}/") for path in asked)
        found = [other for other in found if other != mount]  # a later mount hides an earlier one
        if near and "ro" in options:
            found.append(mount)
    return found


def listening(text: str) -> dict[int, str]:
    """Return ports in state LISTEN with their socket inodes, from /proc/net/tcp or tcp6."""
    found: dict[int, str] = {}
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == "0A":
            found[int(fields[1].rpartition(":")[2], 16)] = fields[9]
    return found


def published(containers: t.Iterable[dict[str, t.Any]]) -> dict[int, dict[str, str]]:
    """Return container and project of each published TCP port, from Docker's list of containers."""
    found: dict[int, dict[str, str]] = {}
    for container in containers:
        name = (container.get("Names") or [""])[0].lstrip("/")
        project = (container.get("Labels") or {}).get("com.docker.compose.project", "")
        for port in container.get("Ports") or []:
            if port.get("Type") == "tcp" and port.get("PublicPort"):
                found[int(port["PublicPort"])] = {"container": name, "project": project}
    return found


def module_states(names: t.Iterable[str], loaded: set[str], built_in: str, dep: str) -> dict[str, str]:
    """Return ``loaded``, ``built-in``, ``available`` (can be loaded) or ``missing`` for each kernel module.

    ``built_in`` is the text of modules.builtin, ``dep`` that of modules.dep (depmod(8)).
    """

    def listed(text: str) -> set[str]:
        stems = (line.split(":")[0].rpartition("/")[2].split(".ko")[0] for line in text.splitlines())
        return {stem.replace("-", "_") for stem in stems}

    built, available = listed(built_in), listed(dep)
    states: dict[str, str] = {}
    for name in names:
        key = name.replace("-", "_")
        states[name] = (
            "built-in"
            if key in built
            else "loaded"
            if key in loaded
            else "available"
            if key in available
            else "missing"
        )
    return states


def blkid(text: str) -> dict[str, str]:
    """Return the UUID of each device, from the output of `blkid` without options."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        device, _separator, tags = line.partition(": ")
        match = re.search(r'(?:^|\s)UUID="([^"]+)"', tags)
        if match:
            found[device] = match.group(1)
    return found
