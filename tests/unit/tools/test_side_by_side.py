# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of a check run in parallel: their outputs are not mixed, and every failure counts."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import side_by_side

PROGRAM = Path(side_by_side.__file__)
WAIT_S = 30


def run(tmp_path: Path, *lines: str) -> tuple[int, list[str]]:
    log = tmp_path / "log"
    done = subprocess.run(
        [sys.executable, PROGRAM, "--log", log],
        input="\n".join(lines),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_S,
    )
    assert done.stderr == ""
    assert log.read_text() == done.stdout
    return done.returncode, done.stdout.splitlines()


def own(lines: list[str]) -> list[str]:
    """Return the output of the parts, without the lines of side_by_side."""
    return [line for line in lines if not line.startswith("==> ")]


def test_runs_parts_in_parallel_without_mixing_output(tmp_path: Path) -> None:
    # Each waits for a file that the other one makes.
    meet = "echo {0} begins; touch {0}; until [ -e {1} ]; do sleep 0.02; done; echo {0} ends >&2"
    status, lines = run(tmp_path, f"one: {meet.format('one', 'two')}", f"two: {meet.format('two', 'one')}")
    assert status == 0
    assert own(lines) == ["one begins", "one ends", "two begins", "two ends"]


def test_prints_output_in_order_of_lines(tmp_path: Path) -> None:
    status, lines = run(
        tmp_path,
        "slow: echo early; until [ -e quick ]; do sleep 0.02; done; echo late",
        "quick: echo quick; touch quick",
        "last after quick: echo last",
    )
    assert status == 0
    assert own(lines) == ["early", "late", "quick", "last"]


def test_prints_first_part_while_it_runs(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("one: echo begun; until [ -e seen ]; do sleep 0.02; done\n")
        process.stdin.close()
        assert process.stdout.readline().startswith("==> one: ")
        assert process.stdout.readline() == "begun\n"
        (tmp_path / "seen").touch()
        assert process.wait(WAIT_S) == 0


@pytest.mark.parametrize("failing", ["one", "two", "three"])
def test_fails_when_any_part_fails(tmp_path: Path, failing: str) -> None:
    commands = {name: "exit 3" if name == failing else "true" for name in ("one", "two", "three")}
    status, lines = run(tmp_path, *(f"{name}: {command}" for name, command in commands.items()))
    assert status == 1
    (result,) = (line for line in lines if "FAILED" in line)
    assert result.startswith(f"==> {failing} FAILED with status 3 after ")


def test_after_failure_running_parts_continue_and_none_starts(tmp_path: Path) -> None:
    status, lines = run(
        tmp_path,
        "long: until [ -e failed ]; do sleep 0.02; done; sleep 0.5; echo complete",
        "bad: touch failed; kill -KILL $$",
        "after-bad after bad: echo never",
        "after-long after long: echo never",
    )
    assert status == 1
    assert own(lines) == ["complete"]
    assert any(line.startswith("==> bad FAILED with status -9 after ") for line in lines)
    assert lines[-1] == "==> not started: after-bad, after-long"


def test_part_waits_for_all_its_predecessors(tmp_path: Path) -> None:
    status, lines = run(
        tmp_path, "a: sleep 0.4; touch a", "b: touch b", "c after a, b: [ -e a ] && [ -e b ] && echo both"
    )
    assert (status, own(lines)) == (0, ["both"])


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["nothing"], "'nothing' is not a part"),
        (["two words: true"], "'two words: true' is not a part"),
        (["a: true", "a: false"], "two parts have the name a; give each part its own name"),
        (["a after b: true", "b: true"], "'a after b: true': b is not a part on an earlier line; move a below it"),
        (["a after a: true"], "a is not a part on an earlier line"),
    ],
)
def test_refuses_invalid_plan_before_start(lines: list[str], words: str) -> None:
    done = subprocess.run(
        [sys.executable, PROGRAM], input="\n".join(lines), capture_output=True, text=True, check=False, timeout=WAIT_S
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_reaches_every_part_and_allows_cleanup(tmp_path: Path, number: int) -> None:
    part = "trap 'sleep 0.3; echo {0} is clean; exit 1' INT TERM; touch {0}; while :; do sleep 0.05; done"
    # A shell starts background processes with SIGINT ignored.
    command = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", sys.executable, str(PROGRAM)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"one: {part.format('one')}\ntwo: {part.format('two')}\nthree after one: touch three\n")
        process.stdin.close()
        deadline = time.monotonic() + WAIT_S
        while not ((tmp_path / "one").exists() and (tmp_path / "two").exists()):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        # Repeated, because a user may press Ctrl-C several times.
        for _again in range(3):
            process.send_signal(number)
        printed = process.stdout.read()
        assert process.wait(WAIT_S) == 128 + number
    assert own(printed.splitlines()) == ["one is clean", "two is clean"]
    assert printed.splitlines()[-1] == "==> not started: three"
    assert not (tmp_path / "three").exists()


def test_kills_part_that_ignores_signals_with_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_by_side, "GRACE_S", {signal.SIGINT: 0.2, signal.SIGTERM: 0.2, signal.SIGKILL: 10.0})
    (part,) = side_by_side.parse([f"stubborn: trap '' INT TERM; sleep 60 & echo $! >{tmp_path}/child; wait; sleep 60"])
    part.start(tmp_path)
    try:
        child = tmp_path / "child"
        deadline = time.monotonic() + WAIT_S
        while not child.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert part.has_processes()
    finally:
        side_by_side.stop([part])
    assert part.ended()
    assert part.status == -signal.SIGKILL
    assert not part.has_processes(), "its child still runs"
