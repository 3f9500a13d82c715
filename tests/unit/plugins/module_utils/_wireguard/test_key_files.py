# SPDX-License-Identifier: GPL-3.0-or-later
"""Key files on a real filesystem."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from unittest.mock import Mock

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core import secret_file
from ansible_collections.household.mediaserver.plugins.module_utils._core.account import UNKNOWN_ID
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import KeyFileError
from ansible_collections.household.mediaserver.plugins.module_utils._core.secret_file import Owner, SecretFile
from ansible_collections.household.mediaserver.plugins.module_utils._wireguard import key_files
from ansible_collections.household.mediaserver.plugins.module_utils._wireguard.keys import KeyFileChange

UNMANAGED = Owner()


def step(path: Path, text: str, *, owner: Owner = UNMANAGED, mode: int = 0o600, aside: bool = True) -> KeyFileChange:
    old = key_files.read(str(path))
    return KeyFileChange(str(path), old, text, mode, owner, shown="new", was="old", aside=aside and old is not None)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_read_returns_content_mode_and_owner(tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert key_files.read(str(path)) is None
    assert key_files.read(str(tmp_path / "no" / "folder" / "key")) is None
    path.write_text("text\n")
    path.chmod(0o640)
    assert key_files.read(str(path)) == SecretFile("text\n", 0o640, os.getuid(), os.getgid())


def test_read_rejects_links_and_special_files(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("key")
    os.mkfifo(tmp_path / "pipe")
    for name, message in (("link", "symbolic link"), ("pipe", "not a plain file"), (".", "not a plain file")):
        with pytest.raises(KeyFileError, match=message):
            key_files.read(str(tmp_path / name))
    with pytest.raises(KeyFileError, match="not an absolute path"):
        key_files.read("key")


def test_read_accepts_binary_content(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff\x00" * 5000)
    assert key_files.read(str(tmp_path / "key")) is not None


def test_new_file_is_complete_and_private(tmp_path: Path) -> None:
    path = tmp_path / "key"
    old_umask = os.umask(0)
    try:
        assert key_files.apply(step(path, "new\n")) is None
    finally:
        os.umask(old_umask)
    assert path.read_text() == "new\n"
    assert mode(path) == 0o600
    assert os.listdir(tmp_path) == ["key"]


def test_replaced_secret_is_kept_in_another_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("first\n")
    path.chmod(0o644)
    assert key_files.apply(step(path, "second\n")) == f"{path}.replaced.1"
    assert key_files.apply(step(path, "third\n")) == f"{path}.replaced.2"
    assert [(tmp_path / name).read_text() for name in ("key.replaced.1", "key.replaced.2", "key")] == [
        "first\n",
        "second\n",
        "third\n",
    ]
    assert {mode(entry) for entry in tmp_path.iterdir()} == {0o600}


def test_attribute_change_keeps_the_inode(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("same\n")
    path.chmod(0o644)
    number = path.stat().st_ino
    assert key_files.apply(step(path, "same\n", mode=0o640)) is None
    assert (mode(path), path.stat().st_ino) == (0o640, number)


@pytest.mark.skipif(os.getuid() != 0, reason="only root may change a file's owner")
def test_owner_is_set_or_kept(tmp_path: Path) -> None:
    path = tmp_path / "key"
    key_files.apply(step(path, "one\n", owner=Owner(1234, 2345)))
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 2345)
    key_files.apply(step(path, "two\n"))
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 2345)


def test_failed_write_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key"
    path.write_text("old\n")
    path.chmod(0o640)
    made = step(path, "new\n")
    monkeypatch.setattr(os, "fsync", Mock(side_effect=OSError(5, "Input/output error")))
    with pytest.raises(KeyFileError, match=r"Input/output error. What was there is still there"):
        key_files.apply(made)
    assert (path.read_text(), mode(path)) == ("old\n", 0o640)
    assert os.listdir(tmp_path) == ["key"]


def test_permanent_lock_is_reported_after_a_timeout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret_file, "PATIENCE_S", 0.05)
    path = str(tmp_path / "key")
    with (
        secret_file.alone([path]),
        pytest.raises(KeyFileError, match=r"another run has kept .* locked"),
        secret_file.alone([path]),
    ):
        pass
    with secret_file.alone([path]):
        assert os.listdir(tmp_path) == []


def test_missing_folder_is_not_locked(tmp_path: Path) -> None:
    with secret_file.alone([str(tmp_path / "missing" / "key"), "relative"]):
        assert os.listdir(tmp_path) == []


def test_missing_folder_or_account_is_found_before_writing(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match=r"directory .*/missing does not exist"):
        key_files.check_possible((step(tmp_path / "missing" / "key", "x"),))
    with pytest.raises(KeyFileError, match=r"owner or group .* does not exist"):
        key_files.check_possible((step(tmp_path / "key", "x", owner=Owner.of("no-such-account", None)),))


def test_owner_is_looked_up_by_name_and_number() -> None:
    assert Owner.of("root", "root") == Owner(0, 0)
    assert Owner.of("2000", None) == Owner(2000, None)
    assert Owner.of(None, "no-such-group") == Owner(None, UNKNOWN_ID)
