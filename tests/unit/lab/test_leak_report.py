# SPDX-License-Identifier: GPL-3.0-or-later
"""The leak test's report, also when a run repeats failed phases."""

from __future__ import annotations

from pathlib import Path

import pytest
import report
from report import Row

FIRST = [
    Row("reboot", "both", "icmp-device", 0, None, 7.0),
    Row("reboot", "both", "any", 3, None, 7.0),
    Row("reboot", "outer only", "any", 0, None, 8.0),
    Row("control", "no VPN", "icmp-device", 4, True, None),
]
AGAIN = [Row("reboot", "both", "icmp-device", 0, None, 6.0), Row("reboot", "both", "any", 0, None, 6.0)]


@pytest.fixture(autouse=True)
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(report, "PATH", tmp_path / "reports" / "leaks.json")
    return report.PATH


def test_merge_replaces_repeated_rows_only() -> None:
    assert report.merge(FIRST, AGAIN) == [*FIRST[2:], *AGAIN]
    assert report.merge(FIRST, []) == FIRST
    assert report.merge([], AGAIN) == AGAIN


def test_reads_written_rows(path: Path) -> None:
    assert report.read() == []
    report.add(FIRST, joined=False)
    assert path.exists()
    assert report.read() == FIRST


def test_joins_results_of_two_households() -> None:
    report.add(FIRST, joined=True)
    assert report.add(AGAIN, joined=True) == report.read() == [*FIRST[2:], *AGAIN]
    assert report.add(AGAIN, joined=False) == report.read() == AGAIN


def test_table_counts_packets_in_clear() -> None:
    lines = [line.split() for line in report.table(FIRST).splitlines()[1:]]
    assert [line[-4:] for line in lines] == [["1", "3", "0", "7.0"], ["0", "0", "0", "8.0"], ["1", "4", "0", "1/1"]]


def test_table_counts_permitted_packets_separately() -> None:
    permitted = Row("reboot", "inner only", "ui-outside", 5, None, 7.0, "Docker's proxy")
    (line,) = report.table([permitted]).splitlines()[1:]
    assert line.split()[-4:] == ["1", "0", "5", "7.0"]
