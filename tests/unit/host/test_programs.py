# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that are older than their files are restarted, the keeper of the barrier before vpn-monitor."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from mediaserver._core.errors import GatewayError
from mediaserver.programs import Programs

KEEPER, MONITOR = "mediaserver-barrier-keeper.service", "vpn-monitor.service"
RESTARTED = [f"{KEEPER} is restarted", f"{MONITOR} is restarted"]


@dataclass
class Systemd:
    """Two services, each with the digest of its process (None: it does not run) and of its unit."""

    folder: Path
    processes: dict[str, str | None] = field(default_factory=lambda: {KEEPER: "new", MONITOR: "new"})
    configured: str = "new"
    needs_reload: bool = False
    failing: str = ""
    done: list[str] = field(default_factory=list)

    def __call__(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        assert command[0] == "systemctl"
        if command[1] != "show":
            self.done.append(" ".join(command[1:]))
        failed = bool(self.failing) and self.failing in command
        return subprocess.CompletedProcess(command, int(failed), self._told(command), "no such unit" if failed else "")

    def _told(self, command: Sequence[str]) -> str:
        if command[1] != "show":
            return ""
        if "--property=Environment" in command:
            return f"LANG=C MEDIASERVER_PROGRAM={self.configured}\n"
        blocks = []
        for number, name in enumerate(command[3:], 1):
            program = self.processes[name]
            if program is not None:
                (self.folder / str(number)).mkdir(exist_ok=True)
                variable = f"MEDIASERVER_PROGRAM={program}\0" if program else ""
                (self.folder / str(number) / "environ").write_text(f"LANG=C\0{variable}PATH=/bin\0")
            state = "inactive" if program is None else "active"
            pid = 0 if program is None else number
            reload = "yes" if self.needs_reload else "no"
            blocks.append(f"Id={name}\nActiveState={state}\nMainPID={pid}\nNeedDaemonReload={reload}\n")
        return "\n".join(blocks)


@pytest.fixture
def systemd(tmp_path: Path) -> Systemd:
    return Systemd(tmp_path)


def programs(systemd: Systemd) -> Programs:
    return Programs(KEEPER, MONITOR, systemd, systemd.folder)


def renew_all(systemd: Systemd, wanted: str = "new", *, anyway: bool = False) -> list[str]:
    found = programs(systemd)
    return [line for unit in (KEEPER, MONITOR) for line in found.renew(unit, wanted, anyway=anyway)]


def test_what_runs_as_installed_is_left_alone(systemd: Systemd) -> None:
    assert programs(systemd).plan("new") == []
    assert renew_all(systemd) == []
    assert systemd.done == []


@pytest.mark.parametrize("older", ["old", ""], ids=["of another version", "of one that names none"])
def test_what_is_older_than_its_files_is_restarted_in_order(systemd: Systemd, older: str) -> None:
    systemd.processes = {KEEPER: older, MONITOR: older}
    assert programs(systemd).plan("new") == RESTARTED
    assert renew_all(systemd) == RESTARTED
    assert systemd.done == [f"restart {KEEPER}", f"restart {MONITOR}"]


def test_only_what_is_old_is_restarted(systemd: Systemd) -> None:
    systemd.processes[MONITOR] = "old"
    assert renew_all(systemd) == [f"{MONITOR} is restarted"]
    assert systemd.done == [f"restart {MONITOR}"]


def test_systemd_reads_a_new_unit_before_it_is_restarted(systemd: Systemd) -> None:
    systemd.processes[KEEPER], systemd.needs_reload = "old", True
    renew_all(systemd)
    assert systemd.done == ["daemon-reload", f"restart {KEEPER}"]


def test_by_hand_what_systemd_would_start_now_is_compared(systemd: Systemd) -> None:
    assert programs(systemd).plan(None) == []
    systemd.configured = "newer"
    assert programs(systemd).plan(None) == RESTARTED


def test_files_that_were_edited_restart_what_runs(systemd: Systemd) -> None:
    systemd.processes[MONITOR] = None
    assert programs(systemd).plan("new", anyway=True) == RESTARTED[:1]
    assert renew_all(systemd, anyway=True) == RESTARTED[:1]


def test_a_keeper_that_does_not_run_is_started_and_a_stopped_monitor_is_not(systemd: Systemd) -> None:
    systemd.processes = {KEEPER: None, MONITOR: None}
    assert programs(systemd).plan("new") == [f"{KEEPER} is started"]
    assert renew_all(systemd) == [f"{KEEPER} is started"]


def test_a_restart_that_fails_is_named(systemd: Systemd) -> None:
    systemd.processes[KEEPER], systemd.failing = "old", "restart"
    with pytest.raises(GatewayError, match=f"systemctl restart {KEEPER} failed: no such unit"):
        renew_all(systemd)
