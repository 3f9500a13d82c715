# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel settings that the simulated Pi changes on the machine are restored."""

from __future__ import annotations

from pathlib import Path

import kernel
import pytest


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    for name in kernel.SHARED:
        path = tmp_path / "proc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("0\n" if name.endswith("bytes") else "20\n")
    return tmp_path / "proc"


def test_restores_changed_setting(tmp_path: Path, proc: Path) -> None:
    kernel.save(tmp_path / "saved", proc)
    (proc / "vm/dirty_ratio").write_text("0\n")
    (proc / "vm/dirty_bytes").write_text("1000\n")
    kernel.restore(tmp_path / "saved", proc)
    assert (proc / "vm/dirty_ratio").read_text() == "20"


def test_second_save_keeps_first_values(tmp_path: Path, proc: Path) -> None:
    kernel.save(tmp_path / "saved", proc)
    (proc / "fs/inotify/max_user_watches").write_text("99\n")
    kernel.save(tmp_path / "saved", proc)
    kernel.restore(tmp_path / "saved", proc)
    assert (proc / "fs/inotify/max_user_watches").read_text() == "20"


def test_restore_without_saved_values_changes_nothing(tmp_path: Path, proc: Path) -> None:
    kernel.restore(tmp_path / "none", proc)
    assert (proc / "vm/dirty_ratio").read_text() == "20\n"
