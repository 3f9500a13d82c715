# SPDX-License-Identifier: GPL-3.0-or-later
"""``make leak-test``: the whole leak matrix, on two households of the lab at the same time.

    python tools/leak_test.py [--last-failed] [other options of pytest]

The first household runs the variant with both barriers and all other tests, the second one the variants with a single
barrier. The result is build/reports/leaks.json and a table. --last-failed keeps the rows that it does not repeat.
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

HOUSEHOLDS = {
    1: ["--variants=both"],
    # Ways between own services and the VPN namespace must not open more than themselves, whichever barrier is left.
    2: ["--variants=outer only,inner only", "-k", "nothing_leaves or without_barriers", "--own-services"],
}
CONTROLS = {
    ("control", variant) for variant in ("both off, household 1", "both off, household 2", "no VPN, household 1")
}
NOTHING_RAN = 5  # pytest's exit status


def begin(household: int, options: list[str], more: list[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pytest", "tests/leaks", "--import-mode=importlib", "-vv", "--matrix=full"]
    command += [
        f"--household={household}",
        "--joined",
        "--last-failed-no-failures=none",  # --last-failed repeats nothing of a household without failures
        "-o",
        f"cache_dir=build/cache/pytest-household{household}",
        *options,
        *more,
    ]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def show(household: int, run: subprocess.Popen[str]) -> None:
    assert run.stdout is not None
    for line in run.stdout:
        print(f"household {household} | {line}", end="", flush=True)


def faults(rows: Sequence[report.Row]) -> list[str]:
    """Return what is wrong in the report of a whole matrix, one line each: missing cells, leaks, unseen probes."""
    cells = {(phase.name, variant) for phase in PHASES for variant in VARIANTS if phase.has(variant)}
    not_run = sorted((cells | CONTROLS) - {(row.phase, row.variant) for row in rows})
    clear = [row for row in rows if row.seen is None and row.clear_packets and not row.permitted]
    unseen = [row for row in rows if row.seen is False]
    return [
        *(f"not run: {phase}, {variant}" for phase, variant in not_run),
        *(f"in clear: {row.clear_packets} of {row.probe} in {row.phase}, {row.variant}" for row in clear),
        *(f"not seen: {row.probe} in {row.phase}, {row.variant}" for row in unseen),
    ]


def main(more: list[str]) -> int:
    again = "--last-failed" in more or "--lf" in more
    if not again:
        report.PATH.unlink(missing_ok=True)
    subprocess.run([sys.executable, "tests/lab", "up", "--households", str(len(HOUSEHOLDS))], cwd=ROOT, check=True)
    runs = {household: begin(household, options, more) for household, options in HOUSEHOLDS.items()}
    watchers = [threading.Thread(target=show, args=item) for item in runs.items()]
    for watcher in watchers:
        watcher.start()
    # The pytest processes handle an interrupt: they restore the households and end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for watcher in watchers:
        watcher.join()
    # With options, pytest may select no test of a household, and the report may lack cells.
    fine = (0, NOTHING_RAN) if more else (0,)
    failed = [household for household, run in runs.items() if run.wait() not in fine]
    rows = report.read()
    wrong = faults(rows) if again or not more else []
    print(report.table(rows), *wrong, sep="\n")
    return 1 if failed or wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
