# SPDX-License-Identifier: GPL-3.0-or-later
"""What reads a changed file runs with it afterwards, also after a run that was interrupted; nothing else restarts."""

from __future__ import annotations

import json
import time
from typing import Any

import playbook
import pytest
import rpc
from contract import Household
from drift import findings

KEEPER, MONITOR = "mediaserver-barrier-keeper.service", "vpn-monitor.service"
RESTARTED = {f"{unit} is restarted" for unit in (KEEPER, MONITOR)}
JOURNAL = "/etc/systemd/journald.conf.d/60-mediaserver.conf"
OTHER = "A8-other-password"


def run(inventory: str, *arguments: str, **extra: Any) -> playbook.Run:
    given = ["--extra-vars", json.dumps(extra)] if extra else []
    return playbook.run(inventory, *arguments, *given)


def processes(host: Any) -> dict[str, str]:
    return {unit: host.check_output(f"systemctl show --property=MainPID --value {unit}") for unit in (KEEPER, MONITOR)}


def programs(host: Any) -> set[str]:
    """The digests of the programs that run."""
    command = "tr '\\0' '\\n' </proc/%s/environ | sed -n 's/^MEDIASERVER_PROGRAM=//p'"
    return {host.check_output(command % pid) for pid in processes(host).values()}


def journal(host: Any, since: str) -> str:
    return str(host.check_output(f"journalctl --no-pager --output cat --unit vpn-monitor --since '{since}'"))


def now(host: Any) -> str:
    time.sleep(1)
    return str(host.check_output("date '+%Y-%m-%d %H:%M:%S'"))


@pytest.fixture
def converged(inventory: str) -> None:
    result = run(inventory)
    assert result.ok, result.failures


@pytest.mark.usefixtures("converged")
def test_a_run_restarts_what_an_interrupted_one_has_left_behind(host: Any, inventory: str) -> None:
    older = run(inventory, __gateway_program="older")
    assert older.ok, older.failures
    assert findings(older) >= RESTARTED
    assert programs(host) == {"older"}
    since = now(host)
    # The files change, and the run ends before anything is restarted: this hold is refused.
    interrupted = run(inventory, __mediaserver_hold=-1)
    assert not interrupted.ok
    assert "a hold of -1 s is refused" in interrupted.failures
    assert programs(host) == {"older"}, "something was restarted, so nothing is tried here"
    predicted = run(inventory, "--check")
    assert findings(predicted) == RESTARTED, predicted.failures
    completed = run(inventory)
    assert completed.ok, completed.failures
    assert findings(completed) == RESTARTED
    (program,) = programs(host)
    assert program != "older"
    assert "does not stand as written" not in journal(host, since), "vpn-monitor has missed the barrier"
    assert run(inventory).stats["changed"] == 0


@pytest.mark.faults
@pytest.mark.usefixtures("converged")
@pytest.mark.parametrize(
    ("unit", "file"),
    [("docker", "/etc/docker/daemon.json"), ("systemd-journald", JOURNAL)],
)
def test_a_service_that_is_older_than_its_file_is_restarted(host: Any, inventory: str, unit: str, file: str) -> None:
    def since() -> int:
        shown = host.check_output(f"systemctl show --property=ActiveEnterTimestampMonotonic --value {unit}")
        return int(shown)

    before = since()
    host.check_output(f"touch {file}")
    result = run(inventory)
    assert result.ok, result.failures
    assert since() > before
    assert result.stats["changed"] >= 1
    assert run(inventory).stats["changed"] == 0


@pytest.mark.faults
@pytest.mark.usefixtures("converged")
def test_systemd_reads_units_that_an_interrupted_run_has_written(host: Any, inventory: str) -> None:
    unit = "/etc/systemd/system/mediaserver.service"
    ask = "systemctl show --property=NeedDaemonReload --value mediaserver.service"
    host.check_output(f"touch {unit}")
    assert host.check_output(ask) == "yes"
    result = run(inventory)
    assert result.ok, result.failures
    assert host.check_output(ask) == "no"


@pytest.mark.usefixtures("converged")
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--tags", "transmission"], marks=pytest.mark.faults, id="role alone"),
        pytest.param([], id="whole run"),
    ],
)
def test_a_new_password_reaches_every_copy_and_restarts_nothing_of_the_gateway(
    host: Any, house: Household, inventory: str, arguments: list[str]
) -> None:
    path = f"{house['mediaserver_root']}/gateway/transmission.json"
    before, since = processes(host), now(host)
    try:
        result = run(inventory, *arguments, transmission_password=OTHER)
        assert result.ok, result.failures
        access = json.loads(host.check_output(f"cat {path}"))
        assert access["password"] == OTHER
        assert host.check_output(f"stat --format '%U %G %a' {path}") == "root root 600"
        assert access["user"] == house["transmission_user"]
        assert rpc.ask(house, password=access["password"])[0] == 200, "the copy does not open Transmission"
        assert rpc.ask(house, password=house["transmission_password"])[0] == 401, "the old password still opens it"
    finally:
        back = run(inventory, *arguments)
    assert back.ok, back.failures
    assert processes(host) == before
    assert "does not stand as written" not in journal(host, since)


def test_a_second_monitor_is_refused_and_help_starts_none(host: Any, house: Household) -> None:
    program, state = f"{house['mediaserver_root']}/scripts/vpn-monitor", "/run/mediaserver/vpn.json"
    before = processes(host)
    told = host.run(f"{program} --help")
    assert (told.rc, told.stdout.startswith("usage: vpn-monitor")) == (0, True)
    assert host.run(f"{program} --halp").rc == 2
    second = host.run(f"timeout 20 {program}")
    assert (second.rc, "another one runs already" in second.stderr) == (1, True)
    assert json.loads(host.check_output(f"cat {state}"))["state"] == "online"
    assert processes(host) == before
