# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What the data's filesystem has to be able to do, tried rather than assumed."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable

from .._core.errors import FileProblem

# What lies below a mount point is seen through a second mount of the same filesystem, in a namespace of its own that
# ends with the command. $1 is a folder to mount on, $2 the mount point, $3 what to add to the flags, if anything.
BELOW = (
    'mount --bind / "$1" || exit; [ -z "$3" ] || mkdir -p "$1$2" || exit; '
    '[ -z "$(ls -A "$1$2")" ] || { echo "not empty"; [ -z "$3" ] || exit 9; }; '
    '[ -z "$3" ] || chattr "$3" "$1$2" || exit; lsattr -d "$1$2"'
)
NOT_EMPTY, FULL = 9, "not empty\n"
# The shell's own answer for a program that is not installed (POSIX, 2.8.2).
NOT_INSTALLED = 127

APART = (
    "{source} (mediaserver_downloads) and {target} (mediaserver_media) are on different filesystems, so "
    "finished downloads cannot be linked into the library; put both on one"
)

Run = Callable[[list[str]], tuple[int, str, str]]


def one_filesystem(source: str, target: str) -> bool | None:
    """Look only: None when a folder is not there yet. Raises FileProblem when they are on different filesystems."""
    try:
        same = os.stat(source).st_dev == os.stat(target).st_dev
    except OSError:
        return None
    if not same:
        raise FileProblem(APART.format(source=source, target=target))
    return True


def try_link(source: str, target: str, *, uid: int, gid: int) -> None:
    """Make a hard link from one folder to another as an account, and remove it again.

    Raises FileProblem that says why it cannot be done. Leaves nothing behind. Must run as root; the account is taken
    on in a child process.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # nothing of the parent's may run here: it reports and ends
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
    with os.fdopen(reader, "rb") as answer:
        number = int.from_bytes(answer.read(4), "big")
    os.waitpid(child, 0)
    if number == errno.EXDEV:
        raise FileProblem(APART.format(source=source, target=target))
    if number in (errno.EPERM, errno.EOPNOTSUPP):
        raise FileProblem(
            f"the filesystem of {source} knows no hard links ({os.strerror(number)}); "
            "format it with ext4, not exFAT or NTFS"
        )
    if number == errno.EROFS:
        raise FileProblem(
            f"{source} (mediaserver_downloads) or {target} (mediaserver_media) is mounted read-only; `findmnt --target "
            f"{source}` shows the mount and `sudo dmesg` an error of the disk, after which the kernel does that"
        )
    if number:
        raise FileProblem(
            f"account {uid} cannot link a file from {source} to {target} ({os.strerror(number)}); "
            "both must belong to it"
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
    """The folder below a mount point: empty and immutable, so that nothing is written there while the disk is away."""

    def __init__(self, path: str, run: Run, make_folder: Callable[[], str] = tempfile.mkdtemp) -> None:
        self._path = path
        self._run = run
        self._make_folder = make_folder

    def stands(self) -> bool:
        """Say whether the folder below is immutable. Raises FileProblem when files keep it from that."""
        status, output, errors = self._below("")
        full, output = output.startswith(FULL), output.removeprefix(FULL)
        if status == 0 and "i" in output.split()[0]:
            return True
        if full:
            # Here and not in set() alone, so that check mode refuses too.
            raise self._not_empty()
        if status == NOT_INSTALLED or (status != 0 and "No such file" in errors):
            return False
        if status != 0:
            raise FileProblem(f"what lies below {self._path} cannot be seen: {errors.strip()}")
        return False

    def set(self) -> None:
        """Make it so. Raises FileProblem when files lie below the mount point, which would vanish from sight."""
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
            f"files lie on the system's own disk below {self._path}, where the media disk is to be mounted; "
            "move them to the media disk or away, then run again"
        )

    def _below(self, flag: str) -> tuple[int, str, str]:
        folder = self._make_folder()
        try:
            private = ["unshare", "--mount", "--propagation", "private", "sh", "-c", BELOW, "sh"]
            return self._run([*private, folder, self._path, flag])
        finally:
            os.rmdir(folder)
