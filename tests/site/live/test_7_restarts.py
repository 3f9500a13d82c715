# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs are restarted when their files have changed, also after an interrupted run; no others are restarted."""

from __future__ import annotations

import json
from typing import Any

import journal
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
    """Return the digests with which the running programs were started."""
    command = "tr '\\0' '\\n' </proc/%s/environ | sed -n 's/^MEDIASERVER_PROGRAM=//p'"
    return {host.check_output(command % pid) for pid in processes(host).values()}


@pytest.fixture
def converged(inventory: str) -> None:
    result = run(inventory)
    assert result.ok, result.failures


@pytest.mark.usefixtures("converged")
def test_run_restarts_programs_after_interrupted_run(host: Any, inventory: str) -> None:
    older = run(inventory, __gateway_program="older")
    assert older.ok, older.failures
    assert findings(older) >= RESTARTED
    assert programs(host) == {"older"}
    begin = journal.now(host)
    # The files change, and the run fails before any restart, because this hold is refused.
    interrupted = run(inventory, __mediaserver_hold=-1)
    assert not interrupted.ok
    assert "a hold of -1 s is refused" in interrupted.failures
    assert programs(host) == {"older"}, "a program was restarted; the test proves nothing"
    predicted = run(inventory, "--check")
    assert findings(predicted) == RESTARTED, predicted.failures
    completed = run(inventory)
    assert completed.ok, completed.failures
    assert findings(completed) == RESTARTED
    (program,) = programs(host)
    assert program != "older"
    assert "the outer barrier differs from its file" not in journal.since(host, begin), (
        "vpn-monitor has found the barrier missing"
    )
    assert run(inventory).stats["changed"] == 0


@pytest.mark.faults
@pytest.mark.usefixtures("converged")
@pytest.mark.parametrize(
    ("unit", "file"),
    [("docker", "/etc/docker/daemon.json"), ("systemd-journald", JOURNAL)],
)
def test_restarts_service_older_than_its_file(host: Any, inventory: str, unit: str, file: str) -> None:
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
def test_reloads_systemd_after_interrupted_run(host: Any, inventory: str) -> None:
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
def test_new_password_is_written_to_all_copies_without_restart(
    host: Any, household: Household, inventory: str, arguments: list[str]
) -> None:
    path = f"{household['mediaserver_root']}/gateway/transmission.json"
    before, begin = processes(host), journal.now(host)
    try:
        result = run(inventory, *arguments, transmission_password=OTHER)
        assert result.ok, result.failures
        access = json.loads(host.check_output(f"cat {path}"))
        assert access["password"] == OTHER
        assert host.check_output(f"stat --format '%U %G %a' {path}") == "root root 600"
        assert access["user"] == household["transmission_user"]
        assert rpc.ask(household, password=access["password"])[0] == 200, "the copied password is not accepted"
        assert rpc.ask(household, password=household["transmission_password"])[0] == 401, (
            "the old password is still accepted"
        )
    finally:
        back = run(inventory, *arguments)
    assert back.ok, back.failures
    assert processes(host) == before
    assert "the outer barrier differs from its file" not in journal.since(host, begin)


def test_second_monitor_is_refused_and_help_starts_none(host: Any, household: Household) -> None:
    program, state = f"{household['mediaserver_root']}/scripts/vpn-monitor", "/run/mediaserver/vpn.json"
    before = processes(host)
    usage = host.run(f"{program} --help")
    assert (usage.rc, usage.stdout.startswith("usage: vpn-monitor")) == (0, True)
    assert host.run(f"{program} --halp").rc == 2
    second = host.run(f"timeout 20 {program}")
    assert (second.rc, "another one runs already" in second.stderr) == (1, True)
    assert json.loads(host.check_output(f"cat {state}"))["state"] == "online"
    assert processes(host) == before
