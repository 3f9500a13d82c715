# SPDX-License-Identifier: GPL-3.0-or-later
"""What the simulated Pi changes on the machine itself is put back."""

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


def test_what_was_changed_is_put_back(tmp_path: Path, proc: Path) -> None:
    kernel.note(tmp_path / "noted", proc)
    (proc / "vm/dirty_ratio").write_text("0\n")
    (proc / "vm/dirty_bytes").write_text("1000\n")
    kernel.put_back(tmp_path / "noted", proc)
    assert (proc / "vm/dirty_ratio").read_text() == "20"


def test_a_second_note_does_not_take_the_labs_values_for_the_machines(tmp_path: Path, proc: Path) -> None:
    kernel.note(tmp_path / "noted", proc)
    (proc / "fs/inotify/max_user_watches").write_text("99\n")
    kernel.note(tmp_path / "noted", proc)
    kernel.put_back(tmp_path / "noted", proc)
    assert (proc / "fs/inotify/max_user_watches").read_text() == "20"


def test_without_a_note_nothing_is_touched(tmp_path: Path, proc: Path) -> None:
    kernel.put_back(tmp_path / "none", proc)
    assert (proc / "vm/dirty_ratio").read_text() == "20\n"
