# SPDX-License-Identifier: GPL-3.0-or-later
"""A file replaced in one step: the old or the new one, whole, whatever goes wrong."""

from __future__ import annotations

import errno
import os
import resource
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core import files


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def full_disk() -> Iterator[None]:
    """No file may grow beyond two bytes; what is written then fails as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("umask", [0, 0o022, 0o777], ids=oct)
def test_content_and_mode_are_as_asked_for(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "file"
    for content in (b"old, and longer", b"new", b""):
        before = os.umask(umask)
        try:
            files.replace(str(path), content, mode=0o2640)
        finally:
            os.umask(before)
        assert (path.read_bytes(), mode(path)) == (content, 0o2640)
    assert os.listdir(tmp_path) == ["file"]


def test_file_below_a_folder_is_replaced_without_following_links(tmp_path: Path) -> None:
    folder, other = tmp_path / "folder", tmp_path / "other"
    (folder / "a").mkdir(parents=True)
    other.mkdir()
    for text in ("old, and longer", "new"):
        files.write_below(folder, "a/file", text, mode=0o640)
        assert ((folder / "a" / "file").read_text(), mode(folder / "a" / "file")) == (text, 0o640)
    assert os.listdir(folder / "a") == ["file"]
    (folder / "link").symlink_to(other)
    (tmp_path / "way").symlink_to(folder)
    for place, path in ((folder, "link/file"), (folder, "none/file"), (tmp_path / "way", "a/file")):
        with pytest.raises(OSError, match=r"."):
            files.write_below(place, path, "x", mode=0o600)
    assert os.listdir(other) == []
    (folder / "a" / "taken").mkdir()
    with pytest.raises(OSError, match=r"."):
        files.write_below(folder, "a/taken", "x", mode=0o600)
    assert sorted(os.listdir(folder / "a")) == ["file", "taken"]


def test_file_below_a_folder_stays_on_a_full_disk(tmp_path: Path) -> None:
    files.write_below(tmp_path, "file", "old", mode=0o600)
    with full_disk(), pytest.raises(OSError, match=r"."):
        files.write_below(tmp_path, "file", "new and longer", mode=0o600)
    assert (os.listdir(tmp_path), (tmp_path / "file").read_text()) == (["file"], "old")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_set_id_bits_survive_the_owner(tmp_path: Path) -> None:
    path = tmp_path / "file"
    files.replace(str(path), b"x", mode=0o6755, owner=(2000, 2001))
    status = path.stat()
    assert (status.st_uid, status.st_gid, mode(path)) == (2000, 2001, 0o6755)


def test_symbolic_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("target")
    link.symlink_to(target)
    files.replace(str(link), b"new", mode=0o600)
    assert (link.is_symlink(), link.read_text(), target.read_text()) == (False, "new", "target")


def test_another_name_of_the_old_file_keeps_the_old_content(tmp_path: Path) -> None:
    path, other = tmp_path / "file", tmp_path / "other"
    path.write_text("old")
    other.hardlink_to(path)
    files.replace(str(path), b"new", mode=0o600)
    assert (path.read_text(), other.read_text()) == ("new", "old")


def test_in_between_the_new_file_is_whole_and_the_old_one_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with files.replacing(str(path), b"new", mode=0o640):
        (made,) = set(tmp_path.iterdir()) - {path}
        assert (path.read_text(), made.read_bytes(), mode(made)) == ("old", b"new", 0o640)
    assert path.read_text() == "new"


def test_a_body_that_raises_leaves_all_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with (
        pytest.raises(KeyboardInterrupt),
        files.replacing(str(path), b"new", mode=0o640),
    ):
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


STEPS = {"owner": "fchown", "mode": "fchmod", "to the disk": "fsync", "into its place": "replace"}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS.keys())
def test_a_step_that_fails_leaves_all_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def refuse(*_arguments: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, step, refuse)
        with pytest.raises(OSError, match="Input/output error"):
            files.replace(str(path), b"new", mode=0o600, owner=(os.getuid(), os.getgid()))
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_full_disk_leaves_all_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with full_disk(), pytest.raises(OSError, match="File too large"):
        files.replace(str(path), b"new", mode=0o600)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_in_the_way_is_an_error_and_stays(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(IsADirectoryError):
        files.replace(str(tmp_path / "file"), b"new", mode=0o600)
    assert (tmp_path / "file").is_dir()
    assert os.listdir(tmp_path) == ["file"]


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        files.replace(str(tmp_path / "missing" / "file"), b"new", mode=0o600)


def test_a_reader_sees_the_old_or_the_new_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    contents = [bytes([letter]) * 70_000 for letter in b"ab"]
    files.replace(str(path), contents[0], mode=0o600)
    done = threading.Event()
    seen: list[bytes] = []

    def read() -> None:
        while not done.is_set():
            seen.append(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(50):
        files.replace(str(path), contents[turn % 2], mode=0o600)
    done.set()
    reader.join()
    assert seen != []
    assert all(content in contents for content in seen)


def test_file_and_folder_reach_the_disk_in_this_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a power cut the name must not be there without the content."""
    path, steps = tmp_path / "file", []
    real_sync, real_replace = os.fsync, os.replace

    def sync(descriptor: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "content")
        real_sync(descriptor)

    def move(source: str, target: str) -> None:
        steps.append("name")
        real_replace(source, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "replace", move)
    files.replace(str(path), b"new", mode=0o600)
    assert steps == ["content", "name", "folder"]


def test_a_temporary_file_is_private_and_goes(tmp_path: Path) -> None:
    with files.temporary(b"secret", folder=str(tmp_path)) as (file, name):
        file.close()
        assert (Path(name).read_bytes(), mode(Path(name))) == (b"secret", 0o600)
    assert os.listdir(tmp_path) == []


def test_a_temporary_file_that_was_closed_can_be_executed(tmp_path: Path) -> None:
    with files.temporary(f"#!{sys.executable}\nprint('ran')\n".encode(), folder=str(tmp_path)) as (file, name):
        file.close()
        Path(name).chmod(0o700)
        assert subprocess.run([name], capture_output=True, text=True, check=True).stdout == "ran\n"
