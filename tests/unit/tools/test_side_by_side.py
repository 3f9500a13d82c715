# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of a check run side by side: their output stays whole, and no failure is lost."""

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
    """What the parts themselves have written."""
    return [line for line in lines if not line.startswith("==> ")]


def test_parts_run_at_the_same_time_and_their_output_is_not_mixed(tmp_path: Path) -> None:
    # Each waits for a file that the other one makes.
    meet = "echo {0} begins; touch {0}; until [ -e {1} ]; do sleep 0.02; done; echo {0} ends >&2"
    status, lines = run(tmp_path, f"one: {meet.format('one', 'two')}", f"two: {meet.format('two', 'one')}")
    assert status == 0
    assert own(lines) == ["one begins", "one ends", "two begins", "two ends"]


def test_output_comes_in_the_order_of_the_lines_not_of_the_ends(tmp_path: Path) -> None:
    status, lines = run(
        tmp_path,
        "slow: echo early; until [ -e quick ]; do sleep 0.02; done; echo late",
        "quick: echo quick; touch quick",
        "last after quick: echo last",
    )
    assert status == 0
    assert own(lines) == ["early", "late", "quick", "last"]


def test_the_first_part_can_be_followed_while_it_runs(tmp_path: Path) -> None:
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
def test_any_failure_is_the_failure_of_all(tmp_path: Path, failing: str) -> None:
    commands = {name: "exit 3" if name == failing else "true" for name in ("one", "two", "three")}
    status, lines = run(tmp_path, *(f"{name}: {command}" for name, command in commands.items()))
    assert status == 1
    (said,) = (line for line in lines if "FAILED" in line)
    assert said.startswith(f"==> {failing} FAILED with status 3 after ")


def test_after_a_failure_what_runs_goes_on_and_nothing_starts(tmp_path: Path) -> None:
    status, lines = run(
        tmp_path,
        "long: until [ -e failed ]; do sleep 0.02; done; sleep 0.5; echo to the end",
        "bad: touch failed; kill -KILL $$",
        "after-bad after bad: echo never",
        "after-long after long: echo never",
    )
    assert status == 1
    assert own(lines) == ["to the end"]
    assert any(line.startswith("==> bad FAILED with status -9 after ") for line in lines)
    assert lines[-1] == "==> not started: after-bad, after-long"


def test_a_part_waits_for_all_that_it_is_after(tmp_path: Path) -> None:
    status, lines = run(
        tmp_path, "a: sleep 0.4; touch a", "b: touch b", "c after a, b: [ -e a ] && [ -e b ] && echo both"
    )
    assert (status, own(lines)) == (0, ["both"])


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["nothing"], "'nothing' is not a part"),
        (["two words: true"], "'two words: true' is not a part"),
        (["a: true", "a: false"], "two parts are called a"),
        (["a after b: true", "b: true"], "a is to run after b, which is not a part above it"),
        (["a after a: true"], "a is to run after a"),
    ],
)
def test_a_plan_that_cannot_be_run_is_refused_before_anything_runs(lines: list[str], words: str) -> None:
    done = subprocess.run(
        [sys.executable, PROGRAM], input="\n".join(lines), capture_output=True, text=True, check=False, timeout=WAIT_S
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_reaches_every_part_which_may_clean_up(tmp_path: Path, number: int) -> None:
    part = "trap 'sleep 0.3; echo {0} is clean; exit 1' INT TERM; touch {0}; while :; do sleep 0.05; done"
    # A shell starts what runs in its background with interrupts ignored.
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
        # Again and again, as an impatient person does, and a shell beside the terminal.
        for _again in range(3):
            process.send_signal(number)
        printed = process.stdout.read()
        assert process.wait(WAIT_S) == 128 + number
    assert own(printed.splitlines()) == ["one is clean", "two is clean"]
    assert printed.splitlines()[-1] == "==> not started: three"
    assert not (tmp_path / "three").exists()


def test_a_part_that_ignores_an_interrupt_is_ended_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_by_side, "GRACE_S", {signal.SIGINT: 0.2, signal.SIGTERM: 0.2, signal.SIGKILL: 10.0})
    (part,) = side_by_side.parse([f"deaf: trap '' INT TERM; sleep 60 & echo $! >{tmp_path}/child; wait; sleep 60"])
    part.start(tmp_path)
    try:
        child = tmp_path / "child"
        deadline = time.monotonic() + WAIT_S
        while not child.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert part.is_there()
    finally:
        side_by_side.stop([part])
    assert part.ended()
    assert part.status == -signal.SIGKILL
    assert not part.is_there(), "its child still runs"
