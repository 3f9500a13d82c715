# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path

import bench
import pytest


def names(path: Path) -> dict[str, float]:
    return {entry["name"]: entry["value"] for entry in json.loads(path.read_text(encoding="utf-8"))}


def test_join_replaces_entries_of_same_name(tmp_path: Path) -> None:
    path = tmp_path / "reports" / "bench.json"
    bench.join(path, [bench.Entry("setup", 1.0, "s"), bench.Entry("reboot", 30, "s")])
    bench.join(path, [bench.Entry("setup", 2.0, "s"), bench.Entry("tasks", 20, "tasks")])
    assert names(path) == {"reboot": 30, "setup": 2.0, "tasks": 20}


def test_report_entry_has_all_keys(tmp_path: Path) -> None:
    bench.join(tmp_path / "bench.json", [bench.Entry("setup", 1.0, "s")])
    (entry,) = json.loads((tmp_path / "bench.json").read_text(encoding="utf-8"))
    assert list(entry) == ["name", "value", "unit", "baseline", "ratio", "budget", "least"]


@pytest.mark.parametrize(
    ("entry", "within"),
    [
        (bench.Entry("no budget", 99, "s"), True),
        (bench.Entry("ratio at its budget", 99, "s", "setup", 8.0, 8.0), True),
        (bench.Entry("ratio above it", 1, "s", "setup", 8.1, 8.0), False),
        (bench.Entry("value above it", 61, "s", budget=60), False),
        (bench.Entry("ratio at the least", 1, "s", "setup", 0.95, 0.95, least=True), True),
        (bench.Entry("ratio below it", 99, "s", "setup", 0.94, 0.95, least=True), False),
    ],
    ids=lambda value: value.name if isinstance(value, bench.Entry) else "",
)
def test_budget_limits_ratio_or_value(entry: bench.Entry, within: bool) -> None:
    assert entry.within is within
    verdict = "below budget" if entry.least else "over budget"
    assert bench.table([entry]).endswith(verdict) is not within
