# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Measures a host without changing it: reads files and command output with a Reader and parses them."""

from __future__ import annotations

import os
import typing as t

from .._core import obstacles
from .._core.docker import DOCKER_SOCKET
from . import configuration, docker
from . import parsers as parse
from .reader import Reader
from .units import measure_units

PACKAGE_FORMAT = "${db:Status-Abbrev} ${Package} ${Version}\\n"
CMDLINE_FILES = ("/boot/firmware/cmdline.txt", "/boot/cmdline.txt")
PROXY = "docker-proxy"
# Every file that the roles write has MARK in its first MARK_WITHIN characters.
MARK, MARK_WITHIN = "household.mediaserver", 400
GPU_PATTERNS = (
    "/dev/dri/*",
    "/dev/video10",
    "/dev/video11",
    "/dev/video12",
    "/dev/video19",
    "/dev/vchiq",
    "/dev/vcsm-cma",
    "/dev/dma_heap/*",
    "/dev/media[0-9]*",
)


def _nearest(reader: Reader, path: str) -> str:
    while path not in ("", "/") and not reader.exists(path):
        path = os.path.dirname(path)
    return path or "/"


def _uuids(reader: Reader) -> dict[str, str]:
    """Return the UUID of each device. blkid is used only without udev's links, because it wakes sleeping disks."""
    links = reader.glob("/dev/disk/by-uuid/*")
    if links:
        return {reader.real(link): os.path.basename(link) for link in links}
    return parse.blkid(reader.run(["blkid"]))


def _filesystems(reader: Reader, paths: t.Iterable[str], uuids: dict[str, str]) -> dict[str, t.Any]:
    mountinfo = reader.text("/proc/self/mountinfo")
    found: dict[str, t.Any] = {}
    for path in paths:
        nearest = reader.real(_nearest(reader, path))
        mount = parse.mount_of(nearest, mountinfo)
        total, free = reader.usage(nearest)
        uuid = uuids.get(reader.real(mount["device"]), "") if mount["device"].startswith("/dev/") else ""
        found[path] = {"total_mb": total, "free_mb": free, "uuid": uuid, **mount}
    return found


def _ports(reader: Reader, wanted: set[int], rows: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    sockets = {
        **parse.listening(reader.text("/proc/net/tcp6")),
        **parse.listening(reader.text("/proc/net/tcp")),
    }
    sockets = {port: inode for port, inode in sockets.items() if not wanted or port in wanted}
    owners = reader.owner_of_sockets(set(sockets.values()))
    containers = parse.published(rows)
    unnamed = {port for port, inode in sockets.items() if owners.get(inode) == PROXY and port not in containers}
    if unnamed:
        containers |= docker.publishers(unnamed, rows, reader.container)
    ports = sorted(set(sockets) | {port for port in containers if not wanted or port in wanted})
    no_container = {"container": "", "project": ""}
    return [
        {"port": port, "process": owners.get(sockets.get(port, ""), ""), **containers.get(port, no_container)}
        for port in ports
    ]


def _entries(reader: Reader, folder: str) -> list[str]:
    """Return the names of a folder's entries, hidden ones included."""
    start = len(folder.rstrip("/")) + 1
    found = (path for pattern in ("/*", "/.*") for path in reader.glob(folder.rstrip("/") + pattern))
    return sorted({path[start:].partition("/")[0] for path in found} - {""})


def _ownership(reader: Reader, params: dict[str, t.Any], rows: list[dict[str, t.Any]]) -> dict[str, t.Any]:
    """Return facts that show whether files, folders, networks and containers belong to this collection."""
    head = "/sys/class/net/"
    networks = reader.networks() if reader.exists(DOCKER_SOCKET) else []
    return {
        "addresses": parse.local_addresses(reader.text("/proc/net/fib_trie")),
        "interfaces": sorted({path[len(head) :].partition("/")[0] for path in reader.glob(head + "*")}),
        "nft_tables": parse.nft_tables(reader.run(["nft", "list", "tables"])),
        "unmarked": [
            path
            for path in params["marked"]
            if (reader.exists(path) or reader.link(path)) and MARK not in reader.text(path)[:MARK_WITHIN]
        ],
        "folder_entries": {
            path: {"real": reader.real(path), "entries": _entries(reader, path)} for path in params["folders"]
        },
        "resolved": {path: reader.real(path) if reader.exists(path) else "" for path in params["resolve"]},
        "docker_containers": docker.containers(rows, reader.real),
        "docker_networks": docker.networks(networks),
    }


def _modules(reader: Reader, names: list[str], release: str) -> dict[str, str]:
    loaded = {line.split()[0] for line in reader.text("/proc/modules").splitlines() if line}
    loaded |= {name.replace("-", "_") for name in names if reader.exists("/sys/module/" + name.replace("-", "_"))}
    folder = f"/lib/modules/{release}"
    built_in, dep = reader.text(f"{folder}/modules.builtin"), reader.text(f"{folder}/modules.dep")
    return parse.module_states(names, loaded, built_in, dep)


def _timezone(reader: Reader, wanted: str) -> dict[str, t.Any]:
    zones = "/usr/share/zoneinfo/"
    current = reader.link("/etc/localtime")
    requested = configuration.requested_zone(reader, wanted)["timezone_asked"]
    known = requested == "zone" if requested else None
    return {
        "timezone": current[len(zones) :] if current.startswith(zones) else "",
        "timezone_file": reader.text("/etc/timezone"),
        "timezones_known": known,
    }


def _sysctl(reader: Reader, names: t.Iterable[str]) -> dict[str, t.Any]:
    paths = {name: "/proc/sys/" + name.replace(".", "/") for name in names}
    present = {name: path for name, path in paths.items() if reader.exists(path)}
    return {
        "sysctl": {name: " ".join(reader.text(path).split()) for name, path in present.items()},
        "sysctl_fixed": sorted(name for name in paths if name not in present or not reader.writable(paths[name])),
    }


def _dpkg_journal(reader: Reader) -> bool:
    """Return whether dpkg was interrupted. apt fails while such a file exists (apt-pkg, debSystem::CheckUpdates)."""
    return any(os.path.basename(path).isdigit() for path in reader.glob("/var/lib/dpkg/updates/*"))


def _docker_switched_off(reader: Reader, *switches: str) -> list[str]:
    """Return which of these settings daemon.json and dockerd's command line switch off.

    No other key of daemon.json is returned: it may hold a proxy's password.
    """
    pid = reader.text(obstacles.DOCKER_PID).strip()
    command_line = reader.text(f"/proc/{pid}/cmdline") if pid.isdigit() else ""
    return obstacles.docker_switched_off(reader.text(obstacles.DAEMON_JSON), command_line, switches)


def measure(reader: Reader, params: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return the fact ``mediaserver_host``. ``params`` are the options of the module host_info."""
    release, machine = reader.kernel()
    passwd, group = reader.text("/etc/passwd"), reader.text("/etc/group")
    groups = parse.accounts(group)
    status = reader.run(["dpkg-query", "-W", "-f", PACKAGE_FORMAT])
    installed, unfinished = parse.packages(status), parse.unfinished_packages(status)
    lists = bool(reader.glob("/var/lib/apt/lists/*_Packages*"))
    networks, default_interface = parse.routes(reader.text("/proc/net/route"))
    modules = _modules(reader, ["wireguard", *params["kernel_modules"]], release)
    uuids = _uuids(reader)
    cmdline_file = next((path for path in CMDLINE_FILES if reader.exists(path)), "")
    rows = reader.containers() if reader.exists(DOCKER_SOCKET) else []
    controllers = "/sys/fs/cgroup/cgroup.controllers"
    unified = reader.text(controllers) if reader.exists(controllers) else None
    return {
        "architecture": reader.run(["dpkg", "--print-architecture"]).strip(),
        "os": parse.os_release(reader.text("/etc/os-release")),
        "kernel": release,
        "machine": machine,
        "model": reader.text("/proc/device-tree/model").strip("\0\n "),
        "systemd": reader.exists("/run/systemd/system"),
        "memory_mb": parse.memory_mb(reader.text("/proc/meminfo")),
        "memory_cgroup": parse.memory_cgroup(unified, reader.text("/proc/cgroups")),
        "kernel_cmdline": reader.text("/proc/cmdline").strip(),
        "cmdline_file": cmdline_file,
        "cmdline_mode": reader.mode(cmdline_file) if cmdline_file else "",
        "cmdline": reader.text(cmdline_file) if cmdline_file else "",
        "filesystems": _filesystems(reader, params["paths"], uuids),
        "read_only_mounts": parse.read_only_mounts(params["paths"], reader.text("/proc/self/mountinfo")),
        "unreadable": {path: reason for path in params["paths"] if (reason := reader.read_error(path))},
        "block_uuids": sorted(set(uuids.values())),
        "clock": {"synchronized": reader.synchronized(), "year": reader.year()},
        "networks": networks,
        "default_interface": default_interface,
        "default_address": reader.source_address() if default_interface else "",
        "routing_captured": obstacles.captured(reader.text("/proc/net/route"), reader.run),
        "docker_switched_off": _docker_switched_off(reader, *obstacles.DOCKER_SWITCHES),
        "docker_proxy_off": _docker_switched_off(reader, obstacles.DOCKER_PROXY),
        "users": parse.accounts(passwd),
        "groups": groups,
        "group_members": parse.members(params["group"], passwd, group) if params["group"] else [],
        "account": parse.account(params["user"], passwd, group),
        "gpu": {
            "devices": [path for pattern in GPU_PATTERNS for path in reader.glob(pattern) if reader.is_device(path)],
            "gids": [groups[name] for name in ("video", "render") if name in groups],
        },
        "docker": parse.docker(
            installed, reader.exists("/usr/bin/docker") or reader.exists("/snap/bin/docker"), unfinished
        ),
        "ports_listening": _ports(reader, set(params["ports"]), rows),
        "packages": {name: installed[name] for name in params["packages"] if name in installed},
        "packages_unfinished": sorted(unfinished),
        "dpkg_journal": _dpkg_journal(reader),
        "apt_lists": lists,
        "apt_ready": "python3-apt" in installed and lists,
        "existing": [path for path in params["probe"] if reader.exists(path)],
        **_ownership(reader, params, rows),
        "kernel_modules": modules,
        "wireguard_module": modules["wireguard"] != "missing",
        "reboot_required": reader.exists("/run/reboot-required"),
        **_sysctl(reader, params["sysctl"]),
        "units": measure_units(reader, params.get("units") or {}),
        **_timezone(reader, params["timezone"]),
        **configuration.measure(reader, params),
    }
