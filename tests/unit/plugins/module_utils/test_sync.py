# SPDX-License-Identifier: GPL-3.0-or-later
"""The sync after a change: of the folder's own filesystem, else of all."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.sync import sync_filesystem


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    made: list[str] = []

    def syncfs(descriptor: int) -> int:
        made.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        return 0

    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace(syncfs=syncfs))
    monkeypatch.setattr(os, "sync", lambda: made.append("all"))
    return made


def test_the_folders_own_filesystem(calls: list[str], tmp_path: Path) -> None:
    sync_filesystem(str(tmp_path))
    assert calls == [str(tmp_path)]


@pytest.mark.parametrize("folder", [None, "", "/not/there"])
def test_all_where_there_is_no_folder(calls: list[str], folder: str | None) -> None:
    sync_filesystem(folder)
    assert calls == ["all"]


def test_all_where_the_call_fails(calls: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace(syncfs=lambda _: -1))
    sync_filesystem(str(tmp_path))
    assert calls == ["all"]


def test_the_real_call_works_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise AssertionError("syncfs(2) failed, and all filesystems were synced")

    monkeypatch.setattr(os, "sync", refuse)
    sync_filesystem(str(tmp_path))
