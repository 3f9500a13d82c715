# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts for the tests of host_info, as tables of file contents and command output."""

from __future__ import annotations

import fnmatch
import typing as t

from ansible_collections.household.mediaserver.plugins.module_utils._host.reader import Reader

OS_RELEASE = 'NAME="Debian GNU/Linux"\nID=debian\nVERSION_ID="13"\nVERSION_CODENAME=trixie\n'
PASSWD = "root:x:0:0:root:/root:/bin/bash\npi:x:1000:1000:,,,:/home/pi:/bin/bash\n"
GROUP = "root:x:0:\nvideo:x:44:pi\nrender:x:992:\nusers:x:100:pi\npi:x:1000:\n"
ROUTE_HEAD = (
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
    "end0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
    "wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
    "end0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n"
)
MOUNTINFO = (
    "25 1 179:2 / / rw,noatime shared:1 - ext4 /dev/mmcblk0p2 rw\n"
    "26 25 0:5 / /dev rw - devtmpfs udev rw\n"
    "40 25 8:1 / /mnt rw,noatime shared:9 - ext4 /dev/sda1 rw\n"
)
TCP_HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
FIRMWARE_CMDLINE = "coherent_pool=1M cgroup_disable=memory console=tty1 root=PARTUUID=6c586e13-02 rootwait"


def _no_command(*_arguments: t.Any, **_options: t.Any) -> tuple[int, str, str]:
    raise AssertionError("a fake host runs no command")


# The module's parameters when nothing is requested.
ASKED: dict[str, t.Any] = {
    **{
        name: []
        for name in ("paths", "packages", "ports", "sysctl", "kernel_modules", "probe", "marked", "folders", "resolve")
    },
    **dict.fromkeys(("timezone", "user", "group"), ""),
    "units": {},
}


class FakeReader(Reader):
    """A host that is a table of file contents. ``given`` are results of the other methods."""

    def __init__(self, files: dict[str, str], **given: t.Any) -> None:
        super().__init__(_no_command)
        self.files = files
        self.given = given

    def text(self, path: str) -> str:
        return self.files.get(path, "")

    def exists(self, path: str) -> bool:
        return any(name == path or name.startswith(path.rstrip("/") + "/") for name in self.files)

    def read_error(self, path: str) -> str:
        return str(self.given.get("read_errors", {}).get(path, ""))

    def is_folder(self, path: str) -> bool:
        return path not in self.files and any(name.startswith(path.rstrip("/") + "/") for name in self.files)

    def glob(self, pattern: str) -> list[str]:
        return sorted(name for name in self.files if fnmatch.fnmatchcase(name, pattern))

    def real(self, path: str) -> str:
        return str(self.given.get("links", {}).get(path, path))

    def link(self, path: str) -> str:
        return str(self.given.get("links", {}).get(path, ""))

    def writable(self, path: str) -> bool:
        return path not in self.given.get("read_only", ())

    def mode(self, path: str) -> str:
        return str(self.given.get("modes", {}).get(path, "0755"))

    def owned_by_root(self, path: str, *, folder: bool) -> bool:
        return self.exists(path) and self.is_folder(path) is folder and path not in self.given.get("of_others", ())

    def is_device(self, path: str) -> bool:
        return path in self.files and path.startswith("/dev/") and path != "/dev/dri/by-path"

    def usage(self, path: str) -> tuple[int, int]:
        return self.given.get("usage", {}).get(path, (30000, 20000))

    def kernel(self) -> tuple[str, str]:
        return self.given.get("kernel", ("6.12.47+rpt-rpi-v8", "aarch64"))

    def year(self) -> int:
        return 2026

    def synchronized(self) -> bool:
        return bool(self.given.get("synchronized", True))

    def source_address(self) -> str:
        return "192.168.1.5"

    def run(self, command: list[str]) -> str:
        return str(self.given.get("commands", {}).get(command[0], ""))

    def containers(self) -> list[dict[str, t.Any]]:
        return list(self.given.get("containers", []))

    def container(self, number: str) -> dict[str, t.Any]:
        return dict(self.given.get("details", {}).get(number, {}))

    def networks(self) -> list[dict[str, t.Any]]:
        return list(self.given.get("networks", []))

    def owner_of_sockets(self, inodes: set[str]) -> dict[str, str]:
        return {inode: self.given.get("owners", {}).get(inode, "") for inode in inodes}


def board(model: str, devices: list[str], memory_kb: int, **files: str) -> dict[str, str]:
    return {
        "/etc/os-release": OS_RELEASE,
        "/etc/passwd": PASSWD,
        "/etc/group": GROUP,
        "/proc/device-tree/model": model + "\0",
        "/proc/meminfo": f"MemTotal:       {memory_kb} kB\nMemFree: 1 kB\n",
        "/proc/net/route": ROUTE_HEAD,
        "/proc/self/mountinfo": MOUNTINFO,
        "/proc/cmdline": FIRMWARE_CMDLINE + "\n",
        "/boot/firmware/cmdline.txt": "console=tty1 root=PARTUUID=6c586e13-02 rootwait\n",
        "/sys/fs/cgroup/cgroup.controllers": "cpuset cpu io pids\n",
        "/run/systemd/system/": "",
        **dict.fromkeys(devices, ""),
        **files,
    }


OLD_VIDEO = [
    "/dev/video10",
    "/dev/video11",
    "/dev/video12",
    "/dev/vchiq",
    "/dev/vcsm-cma",
    "/dev/dma_heap/system",
]
PI3 = board("Raspberry Pi 3 Model B Plus Rev 1.3", OLD_VIDEO, 931_000)
PI4 = board("Raspberry Pi 4 Model B Rev 1.5", [*OLD_VIDEO, "/dev/dri/card0", "/dev/dri/renderD128"], 3_900_000)
PI5 = board(
    "Raspberry Pi 5 Model B Rev 1.0",
    ["/dev/video19", "/dev/media2", "/dev/dri/renderD128", "/dev/dri/by-path", "/dev/vcsm-cma"],
    8_200_000,
)
MINI_PC = {
    name: text
    for name, text in board("", ["/dev/dri/card1", "/dev/dri/renderD128"], 16_300_000).items()
    if name not in ("/proc/device-tree/model", "/boot/firmware/cmdline.txt")
} | {
    "/sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids\n",
    "/proc/cmdline": "root=/dev/sda2 ro quiet\n",
}
CONTAINER = {
    "/etc/os-release": OS_RELEASE,
    "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\n",
    "/etc/group": "root:x:0:\nvideo:x:44:\n",
    "/proc/cgroups": "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t3\t10\t1\nmemory\t5\t10\t1\n",
    "/sys/fs/cgroup/cgroup.controllers": "",
    "/proc/self/mountinfo": "700 650 0:50 / / rw,relatime - overlay overlay rw,lowerdir=/x\n",
}
