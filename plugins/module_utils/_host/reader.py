# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The part of the measurement that touches the system. What cannot be read is empty, never an error."""

from __future__ import annotations

import ctypes
import errno
import glob
import os
import socket
import stat
import time
import typing as t

from .._core.docker import DockerClient
from .._core.errors import DockerError

UNSYNCHRONISED_MICROSECONDS = 16_000_000
TIMED_OUT, NOT_FOUND = 124, 127
# After a boot Docker answers late: systemd holds its socket meanwhile.
DOCKER_START_S = 30.0


class Timex(ctypes.Structure):
    """The head of the kernel's struct timex; the rest is room for what it writes behind it."""

    _fields_ = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("rest", ctypes.c_char * 256),
    ]


class Reader:
    """Reads the real host; tests put a told one in its place. ``run_command`` is AnsibleModule's."""

    def __init__(self, run_command: t.Callable[..., tuple[int, str, str]]) -> None:
        self._run_command = run_command

    def text(self, path: str) -> str:
        try:
            with open(path, encoding="utf-8", errors="replace") as handle:
                return handle.read()
        except OSError:
            return ""

    def exists(self, path: str) -> bool:
        return os.path.exists(path)

    def trouble(self, path: str) -> str:
        """Why a folder that is there cannot be listed, such as a network share that is gone; empty when it can."""
        try:
            with os.scandir(path) as entries:
                next(entries, None)
        except (FileNotFoundError, NotADirectoryError):
            return ""
        except OSError as error:
            return os.strerror(error.errno or errno.EIO)
        return ""

    def is_folder(self, path: str) -> bool:
        return os.path.isdir(path)

    def glob(self, pattern: str) -> list[str]:
        return sorted(glob.glob(pattern))

    def real(self, path: str) -> str:
        return os.path.realpath(path)

    def link(self, path: str) -> str:
        """Where a symbolic link points, one step; empty when it is none."""
        try:
            return os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(path)))
        except OSError:
            return ""

    def writable(self, path: str) -> bool:
        return os.access(path, os.W_OK)

    def mode(self, path: str) -> str:
        try:
            return f"{stat.S_IMODE(os.stat(path).st_mode):04o}"
        except OSError:
            return ""

    def age(self, path: str) -> float | None:
        """Seconds since a file was written; None for one that is not there."""
        try:
            return time.time() - os.stat(path).st_mtime
        except OSError:
            return None

    def monotonic(self) -> float:
        return time.clock_gettime(time.CLOCK_MONOTONIC)

    def is_device(self, path: str) -> bool:
        try:
            return stat.S_ISCHR(os.stat(path).st_mode)
        except OSError:
            return False

    def usage(self, path: str) -> tuple[int, int]:
        try:
            space = os.statvfs(path)
        except OSError:
            return 0, 0
        return space.f_blocks * space.f_frsize // 2**20, space.f_bavail * space.f_frsize // 2**20

    def kernel(self) -> tuple[str, str]:
        system = os.uname()
        return system.release, system.machine

    def year(self) -> int:
        return time.gmtime().tm_year

    def synchronized(self) -> bool:
        """As timedatectl decides it: the kernel's own estimate of the clock's error."""
        clock = Timex()
        try:
            if ctypes.CDLL(None).adjtimex(ctypes.byref(clock)) >= 0:
                return bool(clock.maxerror < UNSYNCHRONISED_MICROSECONDS)
        except (AttributeError, OSError):
            pass
        return self.exists("/run/systemd/timesync/synchronized")

    def source_address(self) -> str:
        """The address that connections by the default route come from. Connecting UDP sends nothing."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(("192.0.2.1", 9))
                return str(probe.getsockname()[0])
            except OSError:
                return ""

    def run(self, command: list[str]) -> str:
        environment = {"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        # timeout(1) also says with a status of its own that there is no such command.
        status, output, _errors = self._run_command(
            ["timeout", "20", *command], environ_update=environment, errors="replace"
        )
        return output if status not in (TIMED_OUT, NOT_FOUND) else ""

    def containers(self) -> list[dict[str, t.Any]]:
        """All of Docker's containers, stopped ones included."""
        answer = self._docker("/containers/json", all=True)
        return answer if isinstance(answer, list) else []

    def container(self, number: str) -> dict[str, t.Any]:
        answer = self._docker(f"/containers/{number}/json")
        return answer if isinstance(answer, dict) else {}

    def networks(self) -> list[dict[str, t.Any]]:
        answer = self._docker("/networks")
        return answer if isinstance(answer, list) else []

    def _docker(self, path: str, **query: t.Any) -> t.Any:
        try:
            return DockerClient(timeout=DOCKER_START_S).get(path, **query)
        except DockerError:
            return None

    def owner_of_sockets(self, inodes: set[str]) -> dict[str, str]:
        """Socket inode to process name; needs root for the processes of others."""
        wanted = {f"socket:[{inode}]": inode for inode in inodes}
        found: dict[str, str] = {}
        for folder in glob.glob("/proc/[0-9]*/fd") if wanted else []:
            try:
                for entry in os.scandir(folder):
                    inode = wanted.get(os.readlink(entry.path))
                    if inode:
                        found[inode] = self.text(os.path.dirname(folder) + "/comm").strip()
            except OSError:
                continue
            if len(found) == len(wanted):
                break
        return found
