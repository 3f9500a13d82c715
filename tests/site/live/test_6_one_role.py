# SPDX-License-Identifier: GPL-3.0-or-later
"""A role that runs alone and stops a service for a moment: vpn-monitor pauses, and goes on afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import playbook
import pytest
from contract import Household

HOLD = "/run/mediaserver/hold"
# Settings that their services read at their start only.
NEEDS_A_STOP = {
    "transmission": {"transmission_settings": {"message-level": 5}},
    "jackett": {"jackett_settings": {"CacheTtl": 2000}},
}


def play(tmp_path: Path, *roles: str) -> Path:
    """A household's own playbook, which holds these roles and nothing else."""
    path = tmp_path / "own.yml"
    names = ", ".join(f"household.mediaserver.{role}" for role in roles)
    path.write_text(f"- {{hosts: mediaserver, become: true, gather_facts: false, roles: [{names}]}}\n")
    return path


def now(host: Any) -> str:
    return str(host.check_output("date '+%Y-%m-%d %H:%M:%S'"))


def journal(host: Any, since: str) -> str:
    return str(host.check_output(f"journalctl --no-pager --output cat --unit vpn-monitor --since '{since}'"))


def pauses(result: playbook.Run) -> list[list[str]]:
    """Return the commands that paused vpn-monitor.

    Not by the journal: a pause may be shorter than the time between two observations of vpn-monitor.
    """
    commands = [list(task.result.get("cmd") or [])[1:] for task in result.tasks]
    return [command for command in commands if "--hold" in command or command[:1] == ["hold"]]


def running(host: Any, service: str) -> bool:
    label = f"label=com.docker.compose.service={service}"
    return bool(host.check_output(f"docker ps --quiet --filter {label}"))


@pytest.mark.parametrize("way", ["tags", pytest.param("role", marks=pytest.mark.faults)])
@pytest.mark.parametrize("service", NEEDS_A_STOP)
def test_nobody_starts_what_a_role_has_stopped(
    host: Any, inventory: str, tmp_path: Path, service: str, way: str
) -> None:
    since = now(host)
    for wanted in (NEEDS_A_STOP[service], {}):
        extra = ("--extra-vars", json.dumps(wanted))
        if way == "tags":
            result = playbook.run(inventory, "--tags", service, *extra)
        else:
            result = playbook.run(inventory, *extra, playbook=play(tmp_path, service))
        assert result.ok, result.failures
        assert result.stats["changed"], "it was not stopped at all"
        assert pauses(result), "there was no pause"
        assert not host.file(HOLD).exists, "vpn-monitor waits on"
    assert f"start {service}" not in journal(host, since)
    assert running(host, service)


@pytest.mark.parametrize(
    "roles",
    [
        ("gateway",),
        pytest.param(("preflight", "gateway"), marks=pytest.mark.faults),
        pytest.param(("gateway", "transmission"), marks=pytest.mark.faults),
    ],
)
def test_the_pause_of_the_gateway_ends_with_it(
    host: Any, inventory: str, tmp_path: Path, roles: tuple[str, ...]
) -> None:
    result = playbook.run(inventory, playbook=play(tmp_path, *roles))
    assert result.ok, result.failures
    assert not host.file(HOLD).exists, "vpn-monitor waits on"


@pytest.mark.faults
def test_a_play_without_preflight_makes_no_container_again(host: Any, inventory: str, tmp_path: Path) -> None:
    # The stack needs what was measured: memory limits, graphics devices, WireGuard's module.
    roles = ("gateway", "stack", "transmission", "jackett", "jellyfin")
    result = playbook.run(inventory, playbook=play(tmp_path, *roles))
    assert result.ok, result.failures
    assert [task.name for task in result.changed] == []
    assert not host.file(HOLD).exists, "vpn-monitor waits on"


@pytest.fixture
def broken_jackett(host: Any, house: Household) -> Any:
    """Its configuration cannot be read: the role fails, between the roles gateway and stack."""
    file = f"{house['mediaserver_root']}/config/jackett/Jackett/ServerConfig.json"
    # It comes back by itself, should this test be cut off.
    back = f"if [ -d {file} ]; then rmdir {file} && mv {file}.kept {file}; fi"
    host.check_output(f"systemd-run --on-active=600 --unit give-jackett-back sh -c '{back}'")
    host.check_output(f"mv {file} {file}.kept && mkdir {file}")
    yield
    host.check_output(f"systemctl stop give-jackett-back.timer; {back}")


@pytest.mark.usefixtures("broken_jackett")
@pytest.mark.parametrize("way", ["whole", pytest.param("role", marks=pytest.mark.faults)])
def test_a_run_that_fails_ends_the_pause(host: Any, inventory: str, tmp_path: Path, way: str) -> None:
    chosen = playbook.SITE if way == "whole" else play(tmp_path, "jackett")
    result = playbook.run(inventory, playbook=chosen)
    assert not result.ok, "it did not fail"
    assert "ServerConfig.json" in result.failures
    assert pauses(result), "there was no pause that could end"
    assert not host.file(HOLD).exists, "vpn-monitor waits on"
