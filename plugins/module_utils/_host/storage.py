# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Checks of the data's filesystem: hard links between folders, and the protected folder below a mount point."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable

from .._core.errors import FileProblem

# A second mount of the root filesystem, in a mount namespace that ends with the command, shows the folder below a mount
# point. $1 is a folder to mount on, $2 the mount point, $3 the argument of chattr, empty to read only.
BELOW_SCRIPT = (
    'mount --bind / "$1" || exit; [ -z "$3" ] || mkdir -p "$1$2" || exit; '
    '[ -z "$(ls -A "$1$2")" ] || { echo "not empty"; [ -z "$3" ] || exit 9; }; '
    '[ -z "$3" ] || chattr "$3" "$1$2" || exit; lsattr -d "$1$2"'
)
NOT_EMPTY, FULL = 9, "not empty\n"
# The shell's exit status for a program that is not installed (POSIX.1-2017, 2.8.2).
NOT_INSTALLED = 127

DIFFERENT_FILESYSTEMS = (
    "{source} (mediaserver_downloads) and {target} (mediaserver_media) are on different filesystems, so "
    "finished downloads cannot be linked into the library; put both on one"
)

Run = Callable[[list[str]], tuple[int, str, str]]


def one_filesystem(source: str, target: str) -> bool | None:
    """Return True when both folders are on one filesystem, None when a folder does not exist yet.

    Raises FileProblem when they are on different filesystems.
    """
    try:
        same = os.stat(source).st_dev == os.stat(target).st_dev
    except OSError:
        return None
    if not same:
        raise FileProblem(DIFFERENT_FILESYSTEMS.format(source=source, target=target))
    return True


def try_link(source: str, target: str, *, uid: int, gid: int) -> None:
    """Make a hard link from one folder to another as an account, and remove it.

    Must run as root: a child process drops to the account. Raises FileProblem with the reason; leaves no file behind.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # the child must run none of the parent's code after this block
        number = 0
        try:
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
            _link(source, target)
        except OSError as error:
            number = error.errno or errno.EIO
        os.write(writer, number.to_bytes(4, "big"))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        number = int.from_bytes(pipe.read(4), "big")
    os.waitpid(child, 0)
    if number == errno.EXDEV:
        raise FileProblem(DIFFERENT_FILESYSTEMS.format(source=source, target=target))
    if number in (errno.EPERM, errno.EOPNOTSUPP):
        raise FileProblem(
            f"the filesystem of {source} does not support hard links ({os.strerror(number)}); "
            "format it with ext4, not exFAT or NTFS"
        )
    if number == errno.EROFS:
        raise FileProblem(
            f"{source} (mediaserver_downloads) or {target} (mediaserver_media) is mounted read-only; `findmnt --target "
            f"{source}` shows the mount, and `sudo dmesg` disk errors, after which the kernel remounts it read-only"
        )
    if number:
        raise FileProblem(
            f"account {uid} cannot link a file from {source} to {target} ({os.strerror(number)}); "
            "make it the owner of both folders"
        )


def _link(source: str, target: str) -> None:
    descriptor, path = tempfile.mkstemp(prefix=".mediaserver-probe-", dir=source)
    linked = os.path.join(target, os.path.basename(path))
    try:
        os.close(descriptor)
        os.link(path, linked)
        os.unlink(linked)
    finally:
        os.unlink(path)


class MountGuard:
    """The folder below a mount point, kept empty and immutable: nothing is written there while the disk is missing.

    ``run`` executes a command and returns exit status, output and errors.
    """

    def __init__(self, path: str, run: Run, make_folder: Callable[[], str] = tempfile.mkdtemp) -> None:
        self._path = path
        self._run = run
        self._make_folder = make_folder

    def is_protected(self) -> bool:
        """Return whether the folder is immutable. Raises FileProblem when it is not and holds files."""
        status, output, errors = self._below("")
        full, output = output.startswith(FULL), output.removeprefix(FULL)
        if status == 0 and "i" in output.split()[0]:
            return True
        if full:
            # Also here, so that check mode fails too.
            raise self._not_empty()
        if status == NOT_INSTALLED or (status != 0 and "No such file" in errors):
            return False
        if status != 0:
            raise FileProblem(f"the folder below {self._path} cannot be read: {errors.strip()}")
        return False

    def protect(self) -> None:
        """Make the folder and set its immutable flag. Raises FileProblem when it holds files or chattr fails."""
        status, _output, errors = self._below("+i")
        if status == NOT_EMPTY:
            raise self._not_empty()
        if status == NOT_INSTALLED:
            raise FileProblem(
                f"the folder below {self._path} cannot be protected, because chattr is missing; install e2fsprogs"
            )
        if status != 0:
            raise FileProblem(f"the folder below {self._path} cannot be protected: {errors.strip()}")

    def _not_empty(self) -> FileProblem:
        return FileProblem(
            f"the folder {self._path} on the system's own disk, where the media disk is to be mounted, holds files; "
            "move them to the media disk or elsewhere, then run the playbook again"
        )

    def _below(self, flag: str) -> tuple[int, str, str]:
        folder = self._make_folder()
        try:
            private = ["unshare", "--mount", "--propagation", "private", "sh", "-c", BELOW_SCRIPT, "sh"]
            return self._run([*private, folder, self._path, flag])
        finally:
            os.rmdir(folder)
