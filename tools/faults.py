# SPDX-License-Identifier: GPL-3.0-or-later
"""``make faults``: the long fault matrix, on a household of the lab.

    python tools/faults.py [options of pytest]

Runs the tests of tests/site with the marker ``faults``. The report is build/reports/faults.xml (JUnit).
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
INVENTORY = ROOT / "inventory" / "demo"
REPORT = ROOT / "build" / "reports" / "faults.xml"


def commands(more: list[str]) -> list[list[str]]:
    """Return the commands in order: start the lab, run the playbook, run the tests."""
    matrix = ["pytest", "tests/site/live", "--faults", "--import-mode=importlib", "-vv", "--durations=10"]
    return [
        [sys.executable, "tests/lab", "up"],
        ["ansible-playbook", "--inventory", str(INVENTORY), "playbooks/site.yml"],
        [*matrix, f"--ansible-inventory={INVENTORY}", f"--junit-xml={REPORT}", *more],
    ]


def main(more: list[str]) -> int:
    REPORT.unlink(missing_ok=True)
    for command in commands(more):
        status = subprocess.run(command, cwd=ROOT, check=False).returncode
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
