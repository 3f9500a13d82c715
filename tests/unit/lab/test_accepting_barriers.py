# SPDX-License-Identifier: GPL-3.0-or-later
"""The leak test disables a barrier by a program that loads a table without rules."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import barriers
import playbook
import pytest

Load = Callable[[str], ModuleType]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    def changed(barrier: str) -> ModuleType:
        file = tmp_path / "changed_barrier.py"
        program = (playbook.ROOT / "roles" / barriers.BARRIER).read_text(encoding="utf-8")
        file.write_text(barriers.accepting(program, [barrier]), encoding="utf-8")
        spec = importlib.util.spec_from_file_location(file.stem, file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, file.stem, module)  # dataclasses look for their module
        spec.loader.exec_module(module)
        return module

    return changed


@pytest.mark.parametrize("owned", [False, True])
def test_disabled_outer_barrier_counts_and_accepts_everything(load: Load, owned: bool) -> None:
    table = load("outer").render_outer(SimpleNamespace(), owned=owned)
    assert f"table {barriers.OUTER} {{" in table
    assert "counter leak_attempts_out" in table
    assert ("owner, persist" in table) is owned
    assert "chain" not in table


def test_disabled_inner_barrier_counts_and_accepts_everything(load: Load) -> None:
    table = load("inner").render_inner(SimpleNamespace())
    assert f"table {barriers.INNER} {{" in table
    assert "counter leak_attempts_out" in table
    assert "chain" not in table


def test_other_barrier_stays(load: Load) -> None:
    with pytest.raises(AttributeError):
        load("inner").render_outer(SimpleNamespace())
