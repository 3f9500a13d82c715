# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Reads the system for host_info. A value that cannot be read is empty; nothing raises."""

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
# After a boot, systemd holds Docker's socket until dockerd has started and answers.
DOCKER_START_S = 30.0


class Timex(ctypes.Structure):
    """The first fields of struct timex (adjtimex(2)); ``rest`` reserves space for the others."""

    _fields_ = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("rest", ctypes.c_char * 256),
    ]


class Reader:
    """Reads the real host; tests replace it. ``run_command`` is AnsibleModule's."""

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

    def read_error(self, path: str) -> str:
        """Return why an existing folder cannot be listed, such as a lost network share; empty when it can."""
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
        """Return the target of a symbolic link, one step; empty when the path is not a link."""
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

    def owned_by_root(self, path: str, *, folder: bool) -> bool:
        """Say whether the path is a folder, or else a file, of root and its group. A link is neither."""
        try:
            found = os.lstat(path)
        except OSError:
            return False
        return (found.st_uid, found.st_gid) == (0, 0) and (stat.S_ISDIR if folder else stat.S_ISREG)(found.st_mode)

    def age(self, path: str) -> float | None:
        """Return seconds since a file was written, by its mtime; None when it does not exist."""
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
        """Return size and free space of a path's filesystem in MiB."""
        try:
            space = os.statvfs(path)
        except OSError:
            return 0, 0
        return space.f_blocks * space.f_frsize // 2**20, space.f_bavail * space.f_frsize // 2**20

    def kernel(self) -> tuple[str, str]:
        """Return release and architecture of the kernel."""
        system = os.uname()
        return system.release, system.machine

    def year(self) -> int:
        return time.gmtime().tm_year

    def synchronized(self) -> bool:
        """Return whether the clock is synchronised, by timedatectl's rule: the kernel's estimate of the error."""
        clock = Timex()
        try:
            if ctypes.CDLL(None).adjtimex(ctypes.byref(clock)) >= 0:
                return bool(clock.maxerror < UNSYNCHRONISED_MICROSECONDS)
        except (AttributeError, OSError):
            pass
        return self.exists("/run/systemd/timesync/synchronized")

    def source_address(self) -> str:
        """Return the source address of connections by the default route. connect() of a UDP socket sends nothing."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(("192.0.2.1", 9))
                return str(probe.getsockname()[0])
            except OSError:
                return ""

    def run(self, command: list[str]) -> str:
        """Return a command's standard output, whatever its exit status; empty after 20 s or without the program."""
        environment = {"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        # timeout(1) exits with NOT_FOUND when the command does not exist.
        status, output, _errors = self._run_command(
            ["timeout", "20", *command], environ_update=environment, errors="replace"
        )
        return output if status not in (TIMED_OUT, NOT_FOUND) else ""

    def containers(self) -> list[dict[str, t.Any]]:
        """Return Docker's list of all containers, stopped ones included."""
        response = self._docker("/containers/json", all=True)
        return response if isinstance(response, list) else []

    def container(self, container_id: str) -> dict[str, t.Any]:
        response = self._docker(f"/containers/{container_id}/json")
        return response if isinstance(response, dict) else {}

    def networks(self) -> list[dict[str, t.Any]]:
        response = self._docker("/networks")
        return response if isinstance(response, list) else []

    def _docker(self, path: str, **query: t.Any) -> t.Any:
        try:
            return DockerClient(timeout=DOCKER_START_S).get(path, **query)
        except DockerError:
            return None

    def owner_of_sockets(self, inodes: set[str]) -> dict[str, str]:
        """Return the process name of each socket inode. Needs root for processes of other accounts."""
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
