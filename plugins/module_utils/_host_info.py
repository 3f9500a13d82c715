# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Measures a host without changing it: what the reader reads, the parsers make sense of."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.household.mediaserver.plugins.module_utils import _host_parsers as parse
from ansible_collections.household.mediaserver.plugins.module_utils._host_reader import DOCKER_SOCKET, Reader
from ansible_collections.household.mediaserver.plugins.module_utils._host_units import measure_units

PACKAGE_FORMAT = "${db:Status-Abbrev} ${Package} ${Version}\\n"
CMDLINE_FILES = ("/boot/firmware/cmdline.txt", "/boot/cmdline.txt")
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
    """Device to UUID. blkid only where udev keeps no links, because it wakes sleeping disks."""
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


def _ports(reader: Reader, wanted: set[int]) -> list[dict[str, t.Any]]:
    sockets = {
        **parse.listening(reader.text("/proc/net/tcp6")),
        **parse.listening(reader.text("/proc/net/tcp")),
    }
    sockets = {port: inode for port, inode in sockets.items() if not wanted or port in wanted}
    owners = reader.owner_of_sockets(set(sockets.values()))
    containers = parse.published(reader.containers()) if reader.exists(DOCKER_SOCKET) else {}
    ports = sorted(set(sockets) | {port for port in containers if not wanted or port in wanted})
    nobody = {"container": "", "project": ""}
    return [
        {"port": port, "process": owners.get(sockets.get(port, ""), ""), **containers.get(port, nobody)}
        for port in ports
    ]


def _modules(reader: Reader, names: list[str], release: str) -> dict[str, str]:
    loaded = {line.split()[0] for line in reader.text("/proc/modules").splitlines() if line}
    loaded |= {name.replace("-", "_") for name in names if reader.exists("/sys/module/" + name.replace("-", "_"))}
    folder = f"/lib/modules/{release}"
    built_in, dep = reader.text(f"{folder}/modules.builtin"), reader.text(f"{folder}/modules.dep")
    return parse.module_states(names, loaded, built_in, dep)


def _timezone(reader: Reader, wanted: str) -> dict[str, t.Any]:
    zones = "/usr/share/zoneinfo/"
    current = reader.link("/etc/localtime")
    known = reader.exists(zones + wanted) if wanted and reader.exists(zones) else None
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


def measure(reader: Reader, params: dict[str, t.Any]) -> dict[str, t.Any]:
    """Everything the roles ask about a host, in one go."""
    release, machine = reader.kernel()
    passwd, group = reader.text("/etc/passwd"), reader.text("/etc/group")
    groups = parse.accounts(group)
    asked = sorted({*parse.OWN_ENGINES, *parse.OWN_COMPOSE, "python3-apt", *params["packages"]})
    installed = parse.packages(reader.run(["dpkg-query", "-W", "-f", PACKAGE_FORMAT, *asked]))
    networks, default_interface = parse.routes(reader.text("/proc/net/route"))
    modules = _modules(reader, ["wireguard", *params["kernel_modules"]], release)
    uuids = _uuids(reader)
    cmdline_file = next((path for path in CMDLINE_FILES if reader.exists(path)), "")
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
        "block_uuids": sorted(set(uuids.values())),
        "clock": {"synchronized": reader.synchronized(), "year": reader.year()},
        "networks": networks,
        "default_interface": default_interface,
        "default_address": reader.source_address() if default_interface else "",
        "users": parse.accounts(passwd),
        "groups": groups,
        "account": parse.account(params["user"], passwd, group),
        "gpu": {
            "devices": [path for pattern in GPU_PATTERNS for path in reader.glob(pattern) if reader.is_device(path)],
            "gids": [groups[name] for name in ("video", "render") if name in groups],
        },
        "docker": parse.docker(installed, reader.exists("/usr/bin/docker") or reader.exists("/snap/bin/docker")),
        "ports_listening": _ports(reader, set(params["ports"])),
        "packages": {name: installed[name] for name in params["packages"] if name in installed},
        "apt_ready": "python3-apt" in installed and bool(reader.glob("/var/lib/apt/lists/*_Packages*")),
        "existing": [path for path in params["probe"] if reader.exists(path)],
        "kernel_modules": modules,
        "wireguard_module": modules["wireguard"] != "missing",
        "reboot_required": reader.exists("/run/reboot-required"),
        **_sysctl(reader, params["sysctl"]),
        "units": measure_units(reader, params.get("units") or {}),
        **_timezone(reader, params["timezone"]),
    }
