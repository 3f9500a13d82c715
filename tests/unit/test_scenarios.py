# SPDX-License-Identifier: GPL-3.0-or-later
"""`make test` runs every molecule scenario, and CI runs `make test`."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OWNER_OF_THE_LAB = "default"


def test_make_test_runs_every_scenario() -> None:
    command = (ROOT / "tools" / "test").read_text(encoding="utf-8")
    run = re.findall(r"--scenario-name (\S+)", command)
    there = {path.parent.name for path in ROOT.glob("molecule/*/molecule.yml")} - {OWNER_OF_THE_LAB}
    assert len(run) == len(set(run))
    assert set(run) == there


def test_ci_runs_make_test() -> None:
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
