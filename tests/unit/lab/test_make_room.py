# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine runs one lab: households.make_room removes what the lab of another checkout has left behind."""

from __future__ import annotations

from pathlib import Path

import households
import kernel
import pytest
from engine import FOLDER, LabContainer, LabError

OURS = LabContainer("household-lab-internet", True, str(FOLDER))


@pytest.fixture
def removed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    monkeypatch.setattr(households, "remove", names.append)
    return names


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files of saved kernel settings that were restored; the machine that runs the test is not changed."""
    files: list[Path] = []
    monkeypatch.setattr(kernel, "restore", files.append)
    return files


def set_containers(monkeypatch: pytest.MonkeyPatch, *containers: LabContainer) -> None:
    monkeypatch.setattr(households, "lab_containers", lambda: list(containers))


def test_keeps_own_containers(monkeypatch: pytest.MonkeyPatch, removed: list[str], restored: list[Path]) -> None:
    set_containers(monkeypatch, OURS, OURS._replace(name="household-lab-registry", runs=False))
    households.make_room()
    assert removed == []
    assert restored == []


def test_removes_stopped_lab_of_other_checkout(
    monkeypatch: pytest.MonkeyPatch, removed: list[str], restored: list[Path], tmp_path: Path
) -> None:
    left = LabContainer("household-lab-house2-pi", False, str(tmp_path))
    earlier_version = LabContainer("household-lab-registry", True, "")
    set_containers(monkeypatch, OURS, left, earlier_version)
    households.make_room()
    assert removed == [left.name, earlier_version.name]
    assert restored == [tmp_path / "kernel.json"]


def test_removes_lab_of_deleted_checkout(monkeypatch: pytest.MonkeyPatch, removed: list[str], tmp_path: Path) -> None:
    set_containers(monkeypatch, LabContainer("household-lab-internet", True, str(tmp_path / "gone")))
    households.make_room()
    assert removed == ["household-lab-internet"]


def test_refuses_while_other_lab_runs(monkeypatch: pytest.MonkeyPatch, removed: list[str], tmp_path: Path) -> None:
    stopped = LabContainer("household-lab-registry", False, str(tmp_path))
    set_containers(monkeypatch, stopped, LabContainer("household-lab-internet", True, str(tmp_path)))
    with pytest.raises(LabError, match=rf"another lab is up, of {tmp_path}; .*in that checkout: python tests/lab down"):
        households.make_room()
    assert removed == []
