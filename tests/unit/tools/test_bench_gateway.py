# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import subprocess
from pathlib import Path

import bench
import bench_gateway
import pytest

# smaps_rollup of Linux 6.12, trimmed.
ROLLUP = """55d0c8a00000-7ffd0a5fe000 ---p 00000000 00:00 0                          [rollup]
Rss:               21504 kB
Pss:               {pss:>5} kB
Pss_Anon:          12000 kB
Pss_File:           2336 kB
Shared_Clean:       7000 kB
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("15728640\n", 15.0),
        (ROLLUP.format(pss=14336), 14.0),
        (ROLLUP.format(pss=14336) + ROLLUP.format(pss=512), 14.5),
    ],
    ids=["memory cgroup", "one process", "and a child"],
)
def test_memory_counts_all_processes_of_unit(text: str, expected: float) -> None:
    assert bench_gateway.memory_mb(text) == expected


def test_memory_fails_without_processes() -> None:
    with pytest.raises(AssertionError, match="no process"):
        bench_gateway.memory_mb("")


@pytest.mark.parametrize("accounted", [True, False])
def test_memory_command_prefers_cgroup(tmp_path: Path, accounted: bool) -> None:
    """The shell command runs on generated files."""
    (tmp_path / "cgroup.procs").write_text("12\n13\n")
    for process in ("12", "13"):
        (tmp_path / "proc" / process).mkdir(parents=True)
        (tmp_path / "proc" / process / "smaps_rollup").write_text(ROLLUP.format(pss=1024))
    if accounted:
        (tmp_path / "memory.current").write_text("5242880\n")
    command = bench_gateway.MEMORY.format(group="").replace("/sys/fs/cgroup", str(tmp_path))
    command = command.replace("/proc/", f"{tmp_path}/proc/")
    text = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout
    assert bench_gateway.memory_mb(text) == (5.0 if accounted else 2.0)


def test_recovery_table_lists_recovery_entries_only(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    slow = "recovery: boot without endpoint for ten minutes"
    entries = [bench.Entry("recovery: tunnel killed", 3.5, "s", budget=10), bench.Entry(slow, 20, "s", budget=10)]
    bench.join(path, [bench.Entry("setup", 1.0, "s"), *entries])
    _head, killed, late = bench_gateway.recovery_table(path).splitlines()
    assert killed.split() == ["recovery:", "tunnel", "killed", "3.5", "s", "10"]
    assert late.startswith(f"{slow}  ") and late.endswith("over budget")


def test_health_checks_of_an_hour_have_a_budget_each() -> None:
    found = {entry.name: (entry.value, entry.within) for entry in bench_gateway.health_entries("2.713 24576 0.1234\n")}
    assert found == {
        "health checks of an hour, CPU": (2.71, True),
        "health check, memory": (24.0, True),
        "mediaserver status": (0.12, True),
    }
    assert not any(entry.within for entry in bench_gateway.health_entries("3.1 40000 0.6"))


def test_the_health_program_is_valid() -> None:
    compile(bench_gateway.HEALTH, "health", "exec")
