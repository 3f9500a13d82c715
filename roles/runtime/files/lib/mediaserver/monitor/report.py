# SPDX-License-Identifier: GPL-3.0-or-later
"""What vpn-monitor reports: lines in the journal when something changes, and the state file for programs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mediaserver import journal
from mediaserver._core import files
from mediaserver._core.errors import MediaserverError, reason
from mediaserver._core.names import STACK_UNIT, STATE_FILE
from mediaserver.monitor.decide import Decision
from mediaserver.monitor.hold import Hold
from mediaserver.monitor.observation import Observation
from mediaserver.monitor.problems import Code, Problem
from mediaserver.monitor.steps import Act, Step

VERSION = 2
# Added when vpn-monitor starts a container that a user may have stopped on purpose.
BY_HAND = f"to stop the stack by hand: sudo systemctl stop {STACK_UNIT}"
# The facts of a monitor that stops before its first observation.
NOTHING: dict[str, object] = {"peer": "", "endpoint": "", "forwarded_port": 0, "leak_attempts": None}


@dataclass
class Report:
    """Writes the log lines and the state file."""

    path: Path = STATE_FILE
    _reported: dict[str, object] = field(default_factory=dict)
    _steps: int = 0
    _last_step: dict[str, object] | None = None
    _hold: Hold | None = None
    _unwritten: bool = False

    def step(self, step: Step) -> None:
        self._steps += 1
        self._last_step = {"at": _stamp(), "act": str(step.act), "targets": list(step.targets), "why": step.why}
        stopped = step.act is Act.START or step.problem.code is Code.CONTAINER_STOPPED
        journal.notice(f"{step} ({BY_HAND})" if stopped else step)

    def hold(self, found: Hold | None) -> None:
        """Log once when a hold begins, ends, or is ignored."""
        if _reported_as(found) != _reported_as(self._hold):
            if found is None:
                journal.info("no hold any more")
            else:
                (journal.info if found.valid else journal.warning)(f"hold {found.why}")
        self._hold = found

    def stopped(self) -> None:
        """Log that vpn-monitor has stopped, and write it to the state file."""
        self._lost_sight("stopped", [])

    def blind(self, error: Exception) -> None:
        """Log that an observation failed, and why."""
        self._lost_sight("blind", [Problem(Code.BLIND, words(error))])

    def failure(self, error: Exception) -> None:
        journal.warning(f"that did not work, it is tried again: {words(error)}")

    def _lost_sight(self, state: str, problems: list[Problem]) -> None:
        """Keep the last facts, without the problems: they are unknown now."""
        self.update(state, problems, **{key: self._reported.get(key, value) for key, value in NOTHING.items()})

    def update(self, state: str, problems: Sequence[Problem], **facts: object) -> None:
        """Write the state file when anything in it has changed, and a line when the state or a problem has.

        One more line is an alarm: the outer barrier has dropped packets that the inner one should have dropped.
        """
        facts = {"problems": [problem.as_json() for problem in problems], **facts}
        shown = {"state": state, "problems": facts["problems"]}
        if shown != {key: self._reported.get(key) for key in shown}:
            words = "; ".join(problem.text for problem in problems)
            (journal.warning if problems else journal.info)(f"{state}{': ' if words else ''}{words}")
        if more := _risen(self._reported.get("leak_attempts"), facts["leak_attempts"]):
            journal.error(
                f"leak attempts: the outer barrier has dropped {more} more on their way past the inner one",
                stream=sys.stdout,
            )
        current = {"version": VERSION, "state": state, **facts, "steps": self._steps, "last_step": self._last_step}
        if self._unwritten or {**current, "since": None} != {**self._reported, "since": None}:
            same = self._reported.get("state") == state
            current["since"] = self._reported["since"] if same else _stamp()
            self._reported = current
            self._write(json.dumps(current, indent=2) + "\n")

    def _write(self, text: str) -> None:
        """A full disk must not stop the repairs."""
        try:
            files.write(self.path, text, mode=0o644)
            self._unwritten = False
        except OSError as error:
            if not self._unwritten:
                journal.warning(f"{self.path} cannot be written, it is tried again: {reason(error)}")
            self._unwritten = True


def _risen(before: object, now: object) -> int:
    """Return by how much a counter has risen; one that was reset has risen by what it shows."""
    if not isinstance(before, int) or not isinstance(now, int):
        return 0  # nothing to compare with: the first observation, or one without a barrier
    return now - before if now >= before else now


def state_of(observed: Observation, decision: Decision) -> str:
    """One word for the tunnel: held, online, offline, healing or waiting. It stays online while traffic passes."""
    if observed.held:
        return "held"
    if decision.tunnel_alive:
        return "online"
    if observed.online is False:
        return "offline"
    return "healing" if decision.problems else "waiting"


def words(error: Exception) -> str:
    """Return the text of an error, with its kind where it is not an expected one."""
    expected = isinstance(error, (MediaserverError, OSError, subprocess.SubprocessError))
    return reason(error) if expected else f"{type(error).__name__}: {error}"


def _reported_as(found: Hold | None) -> str:
    """Return what makes a hold news; the seconds that a valid one has left do not."""
    if found is None:
        return ""
    return "valid" if found.valid else found.why


def _stamp() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")
