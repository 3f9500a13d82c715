# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/threat-model.md says of each defence what shows it: that must be there, under the name that it gives."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest
from probes import PROBES

ROOT = Path(__file__).resolve().parents[3]
LEAKS = ROOT / "tests" / "leaks"
DOCUMENT = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
FILES = {str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py")}
PHASES = set(re.findall(r'Phase\(\s*"([^"]+)"', (LEAKS / "phases.py").read_text(encoding="utf-8")))
VARIANTS = {"both", "outer only", "inner only"}
# The stranger of the leak test knocks from outside, so he is no probe of the table.
KNOCKS = set(re.findall(r'seen\["([a-z-]+)"\]', (LEAKS / "sightings.py").read_text(encoding="utf-8")))
PROGRAMS = {"vpn-verify": "roles/runtime/files/scripts/vpn-verify", "demo": "tools/demo.py"}
# Their last cell names what shows it.
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in DOCUMENT.splitlines()
    if line.startswith("| ") and not line.startswith(("| ---", "| against"))
]


def is_there(name: str) -> bool:
    """Whether what stands in backticks is a test, a probe, a pattern of probes, or a program that looks."""
    if name in PROGRAMS:
        return (ROOT / PROGRAMS[name]).is_file()
    if name.endswith(".py"):
        return name in FILES or any(file.endswith(f"/{name}") for file in FILES) or (ROOT / name).is_file()
    return any(fnmatch(probe, name) for probe in PROBES.keys() | KNOCKS)


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_what_shows_a_defence_is_there(row: list[str]) -> None:
    shown = row[-1]
    named, quoted = re.findall("`([^`]+)`", shown), re.findall('"([^"]+)"', shown)
    assert [name for name in named if not is_there(name)] == []
    assert [name for name in quoted if name not in PHASES | VARIANTS] == []
    assert named or quoted, "nothing is named that could be looked up"


def test_what_shows_the_rest_is_there() -> None:
    rest = "\n".join(line for line in DOCUMENT.splitlines() if not line.startswith("|"))
    named = [name for name in re.findall("`([^`\n]+)`", rest) if name.startswith("test_") or name.endswith("-*")]
    assert len(named) > 3
    assert [name for name in named if not is_there(name)] == []


def test_every_row_was_read() -> None:
    assert {len(row) for row in ROWS} == {3}
    assert len(ROWS) > 20


def test_every_probe_is_named_by_some_row() -> None:
    patterns = [name for row in ROWS for name in re.findall("`([^`]+)`", row[-1])]
    assert {probe for probe in PROBES if not any(fnmatch(probe, pattern) for pattern in patterns)} == set()


@pytest.mark.parametrize("name", ["test_gone.py", "tests/site/first/test_gone.py", "carrier-*", "ui-nobody"])
def test_what_is_not_there_is_noticed(name: str) -> None:
    assert not is_there(name)
