# SPDX-License-Identifier: GPL-3.0-or-later
"""Hard links and protected mount points, on real filesystems."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import FileProblem
from ansible_collections.household.mediaserver.plugins.module_utils._host.storage import (
    MountGuard,
    one_filesystem,
    try_link,
)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to drop to an account and set file flags")
UID = 4321


@pytest.fixture
def folders() -> Iterator[tuple[Path, Path]]:
    """Two folders that account UID may enter. It cannot enter pytest's own temporary folders."""
    top = Path(tempfile.mkdtemp(dir="/var/tmp"))
    top.chmod(0o755)
    for name in ("downloads", "media"):
        (top / name).mkdir()
        os.chown(top / name, UID, UID)
    yield top / "downloads", top / "media"
    subprocess.run(["rm", "-r", str(top)], check=True)


def test_link_probe_leaves_no_file(folders: tuple[Path, Path]) -> None:
    try_link(str(folders[0]), str(folders[1]), uid=UID, gid=UID)
    assert [list(folder.iterdir()) for folder in folders] == [[], []]


def test_two_filesystems_are_reported_with_their_variables(folders: tuple[Path, Path]) -> None:
    elsewhere = Path(tempfile.mkdtemp(dir="/dev/shm"))
    os.chown(elsewhere, UID, UID)
    try:
        with pytest.raises(FileProblem, match=r"mediaserver_downloads.*mediaserver_media.*different filesystems"):
            try_link(str(folders[0]), str(elsewhere), uid=UID, gid=UID)
        assert list(folders[0].iterdir()) == []
    finally:
        elsewhere.rmdir()


def test_one_filesystem_detects_two_filesystems(folders: tuple[Path, Path]) -> None:
    assert one_filesystem(str(folders[0]), str(folders[1])) is True
    assert one_filesystem(str(folders[0]), str(folders[1] / "not yet")) is None
    with pytest.raises(FileProblem, match=r"mediaserver_downloads.*different filesystems"):
        one_filesystem(str(folders[0]), "/dev/shm")


def test_link_is_made_as_the_account(folders: tuple[Path, Path]) -> None:
    os.chown(folders[1], 0, 0)
    with pytest.raises(FileProblem, match=f"account {UID} cannot link"):
        try_link(str(folders[0]), str(folders[1]), uid=UID, gid=UID)


def run(command: list[str]) -> tuple[int, str, str]:
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    return process.returncode, process.stdout, process.stderr


@pytest.fixture
def mount_point() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(dir="/var/tmp"))
    if run(["chattr", "+i", str(path)])[0] != 0:
        pytest.skip("this filesystem has no immutable flag")
    run(["chattr", "-i", str(path)])
    yield path
    run(["umount", str(path)])
    run(["chattr", "-i", str(path)])
    subprocess.run(["rm", "-r", str(path)], check=True)


def test_protected_mount_point_rejects_writes_without_the_mount(mount_point: Path) -> None:
    guard = MountGuard(str(mount_point), run)
    assert guard.is_protected() is False
    subprocess.run(["mount", "-t", "tmpfs", "none", str(mount_point)], check=True)
    guard.protect()
    assert guard.is_protected() is True
    (mount_point / "on the disk").touch()
    subprocess.run(["umount", str(mount_point)], check=True)
    with pytest.raises(PermissionError):
        (mount_point / "on the card").touch()


def test_files_below_a_mount_point_are_reported_and_kept(mount_point: Path) -> None:
    (mount_point / "film").write_text("mine")
    guard = MountGuard(str(mount_point), run)
    for step in (guard.protect, guard.is_protected):
        with pytest.raises(FileProblem, match=r"on the system's own disk, where .* holds files"):
            step()
    assert (mount_point / "film").read_text() == "mine"
    # A folder that was protected by hand, with its files, counts as protected: nothing more can be written.
    run(["chattr", "+i", str(mount_point)])
    assert guard.is_protected() is True


def test_reading_makes_no_folder_and_finds_files_without_lsattr(mount_point: Path) -> None:
    (mount_point / "film").write_text("mine")
    hidden = MountGuard(
        str(mount_point), lambda command: run([part.replace("lsattr", "lsattr-gone") for part in command])
    )
    with pytest.raises(FileProblem, match="holds files"):
        hidden.is_protected()
    absent = mount_point.with_name("not-there-yet")
    assert MountGuard(str(absent), run).is_protected() is False
    assert not absent.exists()


def test_missing_mount_point_is_not_protected() -> None:
    assert MountGuard("/var/tmp/nothing-here", run).is_protected() is False


def test_missing_chattr_is_reported_with_its_package() -> None:
    guard = MountGuard("/mnt", lambda _command: (127, "", "sh: 1: chattr: not found"))
    assert guard.is_protected() is False
    with pytest.raises(FileProblem, match="install e2fsprogs"):
        guard.protect()
