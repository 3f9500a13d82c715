# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures an unchanged re-run of the site, as a multiple of ``ansible -m setup`` in the same measurement.

    python tools/bench.py [--inventory inventory/demo]

The household must be converged. The results replace those of the same names in build/reports/bench.json, and are
printed as a table.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import playbook

REPORT = playbook.ROOT / "build" / "reports" / "bench.json"
ROUNDS = 3
BUDGET_FAST = 7.0
BUDGET_PLAIN = 11.0
BUDGET_EXECUTIONS = 20


@dataclass(frozen=True)
class Entry:
    """One measurement. ``budget`` limits ``ratio``, or ``value`` without a ratio: at most, with ``least`` at least."""

    name: str
    value: float
    unit: str
    baseline: str | None = None
    ratio: float | None = None
    budget: float | None = None
    least: bool = False

    @property
    def within(self) -> bool:
        measured = self.value if self.ratio is None else self.ratio
        if self.budget is None:
            return True
        return measured >= self.budget if self.least else measured <= self.budget


class BenchError(Exception):
    """The measurement is not valid; the text gives the reason."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure an unchanged re-run of the site.")
    parser.add_argument("--inventory", default="inventory/demo")
    inventory = parser.parse_args().inventory
    try:
        entries = measure(inventory)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    join(REPORT, entries)
    print(table(entries))
    return 0 if all(entry.within for entry in entries) else 1


def measure(inventory: str) -> list[Entry]:
    """Alternate the three kinds of run, so that load of the machine affects all of them."""
    fast = fast_strategy()
    unchanged(inventory, None)  # the first run fills caches on the Pi
    times: dict[str, list[float]] = {"setup": [], "fast": [], "plain": []}
    for _round in range(ROUNDS):
        times["setup"].append(setup(inventory))
        times["fast"].append(unchanged(inventory, fast).seconds)
        times["plain"].append(unchanged(inventory, None).seconds)
    with tempfile.TemporaryDirectory() as folder:
        counted, executions = playbook.count_remote_executions(inventory, Path(folder))
    median = {name: round(statistics.median(values), 2) for name, values in times.items()}
    return [
        Entry("setup", median["setup"], "s"),
        *(
            Entry(name, median[key], "s", "setup", round(median[key] / median["setup"], 1), budget)
            for name, key, budget in (
                ("site re-run, fast strategy", "fast", BUDGET_FAST),
                ("site re-run, plain", "plain", BUDGET_PLAIN),
            )
        ),
        Entry("site re-run, tasks", len(counted.tasks), "tasks"),
        Entry("site re-run, tasks that ran", sum(not task.skipped for task in counted.tasks), "tasks"),
        Entry("site re-run, remote executions", executions, "executions", budget=BUDGET_EXECUTIONS),
    ]


def fast_strategy() -> dict[str, str]:
    """Return the environment variables that select Mitogen's strategy plugin."""
    found = importlib.util.find_spec("ansible_mitogen")
    if found is None or found.origin is None:
        raise BenchError("Mitogen is not installed in this Python; run this through tools/run, after make tools")
    plugins = Path(found.origin).parent / "plugins" / "strategy"
    return {"ANSIBLE_STRATEGY_PLUGINS": str(plugins), "ANSIBLE_STRATEGY": "mitogen_linear"}


def unchanged(inventory: str, env: Mapping[str, str] | None) -> playbook.Run:
    result = playbook.run(inventory, env=env)
    if not result.ok:
        raise BenchError(f"site.yml failed:\n{result.failures}")
    if result.stats["changed"]:
        names = ", ".join(task.name for task in result.changed)
        raise BenchError(f"the household is not converged: {names} changed; run site.yml first, then measure again")
    return result


def setup(inventory: str) -> float:
    command = ["ansible", "mediaserver", "--inventory", inventory, "--module-name", "ansible.builtin.setup"]
    return timed(
        lambda: subprocess.run(
            command, env=playbook.environment(), cwd=playbook.ROOT, check=True, stdout=subprocess.DEVNULL
        )
    )


def timed(action: Callable[[], object]) -> float:
    started = time.monotonic()
    action()
    return time.monotonic() - started


def read(path: Path) -> list[Entry]:
    """Return the entries of the report; none without a report."""
    return [Entry(**row) for row in json.loads(path.read_text(encoding="utf-8"))] if path.exists() else []


def join(path: Path, entries: list[Entry], *, without: Collection[str] = ()) -> None:
    """Write ``entries`` to the report. Entries of the same names and of ``without`` are removed, others stay."""
    ours = {entry.name for entry in entries}.union(without)
    joined = [old for old in read(path) if old.name not in ours] + entries
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(entry) for entry in joined], indent=2) + "\n", encoding="utf-8")


def table(entries: list[Entry]) -> str:
    width = max([34, *(len(entry.name) for entry in entries)])
    lines = [f"{'what':<{width}} {'value':>8} {'unit':<11} {'ratio':>11} {'budget':>7}"]
    for entry in entries:
        ratio = "" if entry.ratio is None else f"{entry.ratio:g}"
        budget = "" if entry.budget is None else f"{entry.budget:g}"
        verdict = "" if entry.within else "  below budget" if entry.least else "  over budget"
        lines.append(f"{entry.name:<{width}} {entry.value:>8g} {entry.unit:<11} {ratio:>11} {budget:>7}{verdict}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
