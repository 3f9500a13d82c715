# SPDX-License-Identifier: GPL-3.0-or-later
"""One lab on a machine: a container that another checkout made works with that checkout's files."""

from __future__ import annotations

from pathlib import Path

import houses
import kernel
import pytest
from engine import FOLDER, LabError, Standing

OURS = Standing("household-lab-internet", True, str(FOLDER))


@pytest.fixture
def removed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    monkeypatch.setattr(houses, "remove", names.append)
    return names


@pytest.fixture(autouse=True)
def put_back(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The notes of kernel settings that were put back; not on the machine that runs the test."""
    notes: list[Path] = []
    monkeypatch.setattr(kernel, "put_back", notes.append)
    return notes


def there_is(monkeypatch: pytest.MonkeyPatch, *containers: Standing) -> None:
    monkeypatch.setattr(houses, "standing", lambda: list(containers))


def test_what_is_ours_stays(monkeypatch: pytest.MonkeyPatch, removed: list[str], put_back: list[Path]) -> None:
    there_is(monkeypatch, OURS, OURS._replace(name="household-lab-registry", runs=False))
    houses.make_room()
    assert removed == []
    assert put_back == []


def test_what_another_checkout_left_behind_goes(
    monkeypatch: pytest.MonkeyPatch, removed: list[str], put_back: list[Path], tmp_path: Path
) -> None:
    left = Standing("household-lab-house2-pi", False, str(tmp_path))
    of_an_earlier_version = Standing("household-lab-registry", True, "")
    there_is(monkeypatch, OURS, left, of_an_earlier_version)
    houses.make_room()
    assert removed == [left.name, of_an_earlier_version.name]
    assert put_back == [tmp_path / "kernel.json"]


def test_a_lab_whose_checkout_is_gone_is_nobody_s(
    monkeypatch: pytest.MonkeyPatch, removed: list[str], tmp_path: Path
) -> None:
    there_is(monkeypatch, Standing("household-lab-internet", True, str(tmp_path / "gone")))
    houses.make_room()
    assert removed == ["household-lab-internet"]


def test_a_lab_that_runs_elsewhere_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, removed: list[str], tmp_path: Path
) -> None:
    stopped = Standing("household-lab-registry", False, str(tmp_path))
    there_is(monkeypatch, stopped, Standing("household-lab-internet", True, str(tmp_path)))
    with pytest.raises(LabError, match=rf"another lab is up, of {tmp_path}, .*in that checkout: python tests/lab down"):
        houses.make_room()
    assert removed == []
