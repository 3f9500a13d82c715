# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/test with doubles of its programs: exit status, last line, and removal of the lab."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
WAIT_S = 60
# Records the call and its arguments, prints the result of its tests, and fails if a file fail-NAME exists.
DOUBLE = """#!/bin/sh
echo "{name} $*" >>"$DOUBLES/calls"
if [ -e "$DOUBLES/slow-{name}" ]; then
    # Short steps: a child of dash loses a signal that arrives before it has executed its program.
    trap 'exit 1' INT TERM
    : >"$DOUBLES/begun"
    while :; do sleep 0.05; done
fi
echo "{tests} in 0.10s"
[ ! -e "$DOUBLES/fail-{name}" ] || exit 3
"""
PYTHON = """#!/bin/sh
case $1 in
tools/side_by_side.py) exec '{python}' "$@" ;;
tests/lab) shift; verb=$1; shift; exec "lab-$verb" "$@" ;;
*) exec "$(basename "$1")" ;;
esac
"""
MOLECULE = """#!/bin/sh
for last; do :; done
echo "$last for $HOUSEHOLD in ${MOLECULE_EPHEMERAL_DIRECTORY##*/}" >>"$DOUBLES/households"
exec "molecule-$last" "$@"
"""
PARTS = {
    "check": "20 passed, 1 skipped, 2 warnings",
    "lab-up": "(no tests)",
    "lab-down": "(no tests)",
    "sanity.py": "(no tests)",
    "daemons.py": "(no tests)",
    "pytest": "3 passed",
    "molecule-modules": "4 passed",
    "molecule-site": "5 passed in 9.00s\n1 failed, 6 passed",
    "molecule-live": "7 passed",
}


class Suite:
    """A folder with tools/test, in which every program that it calls is a double."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "tools").mkdir()
        for name in ("test", "side_by_side.py"):
            shutil.copy(ROOT / "tools" / name, folder / "tools" / name)
        programs = folder / "bin"
        programs.mkdir()
        texts = {name: DOUBLE.replace("{name}", name).replace("{tests}", tests) for name, tests in PARTS.items()}
        texts |= {"python": PYTHON.replace("{python}", sys.executable), "molecule": MOLECULE}
        for name, text in texts.items():
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        (folder / "tools" / "check").symlink_to(programs / "check")
        self.environment = {
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "DOUBLES": str(folder),
            "MOLECULE_EPHEMERAL_DIRECTORY": str(folder / "build" / "molecule"),
        }

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            # A shell that starts the tests in the background has them ignore SIGINT, and with them each child.
            ["env", "--default-signal=INT", "tools/test"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self) -> tuple[int, list[str]]:
        with self.start() as process:
            printed = process.communicate(timeout=WAIT_S)[0]
        return process.returncode, printed.splitlines()

    @property
    def calls(self) -> list[str]:
        return [line.split()[0] for line in (self.folder / "calls").read_text().splitlines()]


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return Suite(tmp_path)


def test_last_line_sums_all_pytest_runs(suite: Suite) -> None:
    status, lines = suite.run()
    assert status == 0, lines
    assert lines[-1] == "45 passed, 1 failed, 1 skipped"
    assert sorted(suite.calls) == sorted(PARTS)
    assert suite.calls[-2:] == ["molecule-live", "lab-down"], "molecule-live runs alone, and the lab is removed last"
    # The lab's removal and the last line are printed, and not in the log.
    assert (suite.folder / "build" / "test.log").read_text().splitlines() == lines[:-2]


def test_each_household_has_own_inventory_and_molecule_state(suite: Suite) -> None:
    assert suite.run()[0] == 0
    found = set((suite.folder / "households").read_text().splitlines())
    assert found == {"modules for demo2 in demo2", "site for demo in demo", "live for demo in demo"}
    assert "lab-up --households 2" in (suite.folder / "calls").read_text()


@pytest.mark.parametrize("failing", list(PARTS))
def test_any_failure_fails_and_removes_lab(suite: Suite, failing: str) -> None:
    (suite.folder / f"fail-{failing}").touch()
    status, lines = suite.run()
    assert status == 1
    assert lines[-1] == "make test failed; its output is in build/test.log"
    assert suite.calls[-1] == "lab-down"
    assert ("molecule-live" in suite.calls) == (failing in ("molecule-live", "lab-down"))


@pytest.mark.parametrize("slow", ["check", "lab-up", "molecule-live"])
@pytest.mark.parametrize("whole_group", [True, False], ids=["from the terminal", "to the shell alone"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_ends_parts_and_removes_lab(
    suite: Suite, slow: str, whole_group: bool, number: signal.Signals
) -> None:
    (suite.folder / f"slow-{slow}").touch()
    with suite.start() as process:
        deadline = time.monotonic() + WAIT_S
        while not (suite.folder / "begun").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        (os.killpg if whole_group else os.kill)(process.pid, number)
        printed = process.communicate(timeout=WAIT_S)[0].splitlines()
    assert process.returncode == 128 + number
    assert suite.calls[-1] == "lab-down"
    assert printed[-1] == "make test failed; its output is in build/test.log"
    if slow != "molecule-live":
        assert "molecule-live" not in suite.calls
