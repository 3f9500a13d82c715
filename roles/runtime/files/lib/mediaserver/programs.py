# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarts the programs of this host that are older than their files.

Their units set an environment variable to a digest of all program files and units (roles/gateway/vars). A process keeps
the value that it was started with, so an interrupted run of the playbook is noticed by the next one, which finds the
files in place and the processes old.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mediaserver._core.errors import GatewayError

VARIABLE = "MEDIASERVER_PROGRAM"
TIMEOUT_S = 60
Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True)
class Unit:
    """A service as systemd has it, and the digest that its process was started with; empty without one."""

    name: str
    active: bool
    needs_reload: bool
    program: str


def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command. Raises GatewayError when it does not end."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise GatewayError(f"{' '.join(command)} has not ended within {TIMEOUT_S} s") from error


@dataclass(frozen=True)
class Programs:
    """The long-running programs: ``keeper`` is restarted before ``monitor``, which watches its table."""

    keeper: str
    monitor: str
    run: Run = run
    processes: Path = Path("/proc")

    def plan(self, wanted: str | None, *, anyway: bool = False) -> list[str]:
        """Name what is not running, or is not the installed program, in the words that ``renew`` uses.

        ``wanted`` is the digest of the installed programs; by default what systemd would start now. ``anyway`` counts
        every running program as old.
        """
        found = self._units()
        return [self._words(unit) for unit in found if self._is_old(unit, wanted, anyway)]

    def renew(self, name: str, wanted: str, *, anyway: bool = False) -> list[str]:
        """Restart one unit when it is old; return what was done. Raises GatewayError."""
        unit = next(one for one in self._units() if one.name == name)
        if not self._is_old(unit, wanted, anyway):
            return []
        if unit.needs_reload:
            self._do("systemctl", "daemon-reload")
        self._do("systemctl", "restart", name)
        return [self._words(unit)]

    def _is_old(self, unit: Unit, wanted: str | None, anyway: bool) -> bool:
        if not unit.active:
            # The role stack starts vpn-monitor; the keeper has to run at any time.
            return unit.name == self.keeper
        return anyway or unit.program != (self._configured(unit.name) if wanted is None else wanted)

    @staticmethod
    def _words(unit: Unit) -> str:
        return f"{unit.name} is {'restarted' if unit.active else 'started'}"

    def _units(self) -> list[Unit]:
        asked = ("Id", "ActiveState", "MainPID", "NeedDaemonReload")
        shown = self._do("systemctl", "show", f"--property={','.join(asked)}", self.keeper, self.monitor)
        found = []
        for block in shown.strip().split("\n\n"):
            has = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
            active = has.get("ActiveState") in ("active", "activating", "reloading")
            program = self._program(has.get("MainPID", "0"))
            found.append(Unit(has.get("Id", ""), active, has.get("NeedDaemonReload") == "yes", program))
        return found

    def _configured(self, name: str) -> str:
        return _value(self._do("systemctl", "show", "--property=Environment", "--value", name).split())

    def _program(self, pid: str) -> str:
        try:
            text = (self.processes / pid / "environ").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return _value(text.split("\0"))

    def _do(self, *command: str) -> str:
        done = self.run(command)
        if done.returncode != 0:
            raise GatewayError(f"{' '.join(command)} failed: {done.stderr.strip()}")
        return done.stdout


def _value(assignments: Sequence[str]) -> str:
    return next((one.split("=", 1)[1] for one in assignments if one.startswith(f"{VARIABLE}=")), "")
