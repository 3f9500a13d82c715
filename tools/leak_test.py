# SPDX-License-Identifier: GPL-3.0-or-later
"""``make leak-test``: the whole leak matrix, in two households of the lab at once.

    python tools/leak_test.py [--last-failed] [other options of pytest]

The first household has both barriers, and goes through everything else; in the second one each barrier stands alone.
The result is build/reports/leaks.json, which --last-failed keeps but for what it repeats, and a table.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / folder) for folder in ("leaks", "lab")]

import report  # noqa: E402  (the path above must be set first)
from phases import PHASES, VARIANTS  # noqa: E402

HOUSES = {
    1: ["--variants=both"],
    2: ["--variants=outer only,inner only", "-k", "nothing_leaves or without_barriers"],
}
CONTROLS = {("control", variant) for variant in ("both off, house 1", "both off, house 2", "no VPN, house 1")}
NOTHING_RAN = 5  # pytest's exit status


def begin(house: int, options: list[str], more: list[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pytest", "tests/leaks", "--import-mode=importlib", "-vv", "--matrix=full"]
    command += [f"--house={house}", "--joined", "-o", f"cache_dir=build/cache/pytest-house{house}", *options, *more]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def show(house: int, run: subprocess.Popen[str]) -> None:
    assert run.stdout is not None
    for line in run.stdout:
        print(f"house {house} | {line}", end="", flush=True)


def wanting(rows: Sequence[report.Row]) -> list[str]:
    """What the report of a whole matrix must not have, or lack, one line each."""
    cells = {(phase.name, variant) for phase in PHASES for variant in VARIANTS if phase.has(variant)}
    untried = sorted((cells | CONTROLS) - {(row.phase, row.variant) for row in rows})
    clear = [row for row in rows if row.seen is None and row.clear_packets and not row.let]
    unseen = [row for row in rows if row.seen is False]
    return [
        *(f"not tried: {phase}, {variant}" for phase, variant in untried),
        *(f"in clear: {row.clear_packets} of {row.probe} in {row.phase}, {row.variant}" for row in clear),
        *(f"not seen: {row.probe} in {row.phase}, {row.variant}" for row in unseen),
    ]


def main(more: list[str]) -> int:
    again = "--last-failed" in more or "--lf" in more
    if not again:
        report.PATH.unlink(missing_ok=True)
    subprocess.run([sys.executable, "tests/lab", "up", "--houses", str(len(HOUSES))], cwd=ROOT, check=True)
    runs = {house: begin(house, options, more) for house, options in HOUSES.items()}
    watchers = [threading.Thread(target=show, args=item) for item in runs.items()]
    for watcher in watchers:
        watcher.start()
    # An interrupt is theirs: they put the households right, and end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for watcher in watchers:
        watcher.join()
    # What was narrowed down need not have something for both, and never has everything.
    fine = (0, NOTHING_RAN) if more else (0,)
    failed = [house for house, run in runs.items() if run.wait() not in fine]
    rows = report.read()
    faults = wanting(rows) if again or not more else []
    print(report.table(rows), *faults, sep="\n")
    return 1 if failed or faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
