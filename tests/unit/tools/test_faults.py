# SPDX-License-Identifier: GPL-3.0-or-later
"""Every test of tests/site/live runs in ``make faults`` or in ``make test``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import faults
import pytest

ROOT = Path(__file__).resolve().parents[3]


def collected(*options: str) -> set[str]:
    command = [sys.executable, "-m", "pytest", "tests/site/live", "--import-mode=importlib", "--collect-only"]
    found = subprocess.run(
        [*command, "-p", "no:cacheprovider", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return {line for line in found.stdout.splitlines() if "::" in line}


def test_each_live_test_is_in_exactly_one_suite() -> None:
    short, long = collected(), collected("--faults")
    assert not short & long
    assert any("test_3_reboot.py" in name for name in short)
    assert any("test_9_members.py" in name for name in long)
    files = {path.name for path in (ROOT / "tests/site/live").glob("test_*.py")}
    assert {name.split("::")[0].rsplit("/", 1)[-1] for name in short | long} == files


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_failed_command_ends_run_with_its_status(monkeypatch: pytest.MonkeyPatch, failing: int) -> None:
    begun: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        begun.append(command)
        return subprocess.CompletedProcess(command, 3 if len(begun) == failing + 1 else 0)

    monkeypatch.setattr(subprocess, "run", run)
    assert faults.main([]) == 3
    assert len(begun) == failing + 1
