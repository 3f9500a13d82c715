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
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "leaks")]

import report  # noqa: E402  (the path above must be set first)

HOUSES = {1: ["--variants=both"], 2: ["--variants=outer only,inner only", "-k", "nothing_leaves"]}
NOTHING_RAN = 5  # pytest's exit status


def begin(house: int, options: list[str], more: list[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pytest", "tests/leaks", "--import-mode=importlib", "-vv", "--matrix=full"]
    command += [f"--house={house}", "--joined", "-o", f"cache_dir=build/cache/pytest-house{house}", *options, *more]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def show(house: int, run: subprocess.Popen[str]) -> None:
    assert run.stdout is not None
    for line in run.stdout:
        print(f"house {house} | {line}", end="", flush=True)


def main(more: list[str]) -> int:
    if "--last-failed" not in more and "--lf" not in more:
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
    failed = [house for house, run in runs.items() if run.wait() not in (0, NOTHING_RAN)]
    print(report.table(report.read()))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
