# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests, probes and phases that docs/threat-model.md names exist."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest
from capture_analysis import JELLYFIN_OUTSIDE, UI_OUTSIDE
from probes import PROBES

ROOT = Path(__file__).resolve().parents[3]
LEAKS = ROOT / "tests" / "leaks"
DOCUMENT = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
FILES = {str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py")}
PHASES = set(re.findall(r'Phase\(\s*"([^"]+)"', (LEAKS / "phases.py").read_text(encoding="utf-8")))
VARIANTS = {"both", "outer only", "inner only"}
# Answers to the client outside of the LAN, which the prober does not send.
OUTSIDE_PROBES = {UI_OUTSIDE, JELLYFIN_OUTSIDE}
PROGRAMS = {"vpn-verify": "roles/runtime/files/scripts/vpn-verify", "demo": "tools/demo.py"}
# Rows of the tables; the last cell names what proves the row.
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in DOCUMENT.splitlines()
    if line.startswith("| ") and not line.startswith(("| ---", "| against"))
]


def exists(name: str) -> bool:
    """Return whether a name in backticks is a test, a probe, a pattern of probes, or a program."""
    if name in PROGRAMS:
        return (ROOT / PROGRAMS[name]).is_file()
    if name.endswith(".py"):
        return name in FILES or any(file.endswith(f"/{name}") for file in FILES) or (ROOT / name).is_file()
    return any(fnmatch(probe, name) for probe in PROBES.keys() | OUTSIDE_PROBES)


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_proof_of_each_row_exists(row: list[str]) -> None:
    shown = row[-1]
    named, quoted = re.findall("`([^`]+)`", shown), re.findall('"([^"]+)"', shown)
    assert [name for name in named if not exists(name)] == []
    assert [name for name in quoted if name not in PHASES | VARIANTS] == []
    assert named or quoted, "the row names no test, probe or phase"


def test_proofs_outside_of_tables_exist() -> None:
    rest = "\n".join(line for line in DOCUMENT.splitlines() if not line.startswith("|"))
    named = [name for name in re.findall("`([^`\n]+)`", rest) if name.startswith("test_") or name.endswith("-*")]
    assert len(named) > 3
    assert [name for name in named if not exists(name)] == []


def test_reads_every_row() -> None:
    assert {len(row) for row in ROWS} == {3}
    assert len(ROWS) > 20


def test_every_probe_is_named_by_a_row() -> None:
    patterns = [name for row in ROWS for name in re.findall("`([^`]+)`", row[-1])]
    assert {probe for probe in PROBES if not any(fnmatch(probe, pattern) for pattern in patterns)} == set()


@pytest.mark.parametrize("name", ["test_gone.py", "tests/site/first/test_gone.py", "carrier-*", "ui-missing"])
def test_missing_name_is_found(name: str) -> None:
    assert not exists(name)
