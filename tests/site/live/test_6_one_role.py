# SPDX-License-Identifier: GPL-3.0-or-later
"""A role that runs alone and restarts its service pauses vpn-monitor, and ends the pause."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import journal
import playbook
import pytest
from contract import Household

HOLD = "/run/mediaserver/hold"
# Settings that the services read at their start only.
NEEDS_RESTART = {
    "transmission": {"transmission_settings": {"message-level": 5}},
    "jackett": {"jackett_settings": {"CacheTtl": 2000}},
}


def play(tmp_path: Path, *roles: str) -> Path:
    """Write a playbook with these roles only."""
    path = tmp_path / "own.yml"
    names = ", ".join(f"household.mediaserver.{role}" for role in roles)
    path.write_text(f"- {{hosts: mediaserver, become: true, gather_facts: false, roles: [{names}]}}\n")
    return path


def pauses(result: playbook.Run) -> list[list[str]]:
    """Return the commands that paused vpn-monitor.

    Not by the journal: the pause may be shorter than the interval between two observations of vpn-monitor.
    """
    commands = [list(task.result.get("cmd") or [])[1:] for task in result.tasks]
    return [command for command in commands if "--hold" in command or command[:1] == ["hold"]]


def running(host: Any, service: str) -> bool:
    label = f"label=com.docker.compose.service={service}"
    return bool(host.check_output(f"docker ps --quiet --filter {label}"))


@pytest.mark.parametrize("way", ["tags", pytest.param("role", marks=pytest.mark.faults)])
@pytest.mark.parametrize("service", NEEDS_RESTART)
def test_monitor_does_not_start_service_stopped_by_role(
    host: Any, inventory: str, tmp_path: Path, service: str, way: str
) -> None:
    begin = journal.now(host)
    for wanted in (NEEDS_RESTART[service], {}):
        extra = ("--extra-vars", json.dumps(wanted))
        if way == "tags":
            result = playbook.run(inventory, "--tags", service, *extra)
        else:
            result = playbook.run(inventory, *extra, playbook=play(tmp_path, service))
        assert result.ok, result.failures
        assert result.stats["changed"], "the service was not restarted"
        assert pauses(result), "the run has not paused vpn-monitor"
        assert not host.file(HOLD).exists, "vpn-monitor is still paused"
    assert f"start {service}" not in journal.since(host, begin)
    assert running(host, service)


@pytest.mark.parametrize(
    "roles",
    [
        ("gateway",),
        pytest.param(("preflight", "gateway"), marks=pytest.mark.faults),
        pytest.param(("gateway", "transmission"), marks=pytest.mark.faults),
    ],
)
def test_role_gateway_ends_its_pause(host: Any, inventory: str, tmp_path: Path, roles: tuple[str, ...]) -> None:
    result = playbook.run(inventory, playbook=play(tmp_path, *roles))
    assert result.ok, result.failures
    assert not host.file(HOLD).exists, "vpn-monitor is still paused"


@pytest.mark.faults
def test_play_without_preflight_recreates_no_container(host: Any, inventory: str, tmp_path: Path) -> None:
    # The role stack needs preflight's measurements: memory limits, graphics devices, WireGuard's module.
    roles = ("gateway", "stack", "transmission", "jackett", "jellyfin")
    result = playbook.run(inventory, playbook=play(tmp_path, *roles))
    assert result.ok, result.failures
    assert [task.name for task in result.changed] == []
    assert not host.file(HOLD).exists, "vpn-monitor is still paused"


@pytest.fixture
def broken_jackett(host: Any, household: Household) -> Any:
    """Jackett's configuration cannot be read, so its role fails, between the roles gateway and stack."""
    file = f"{household['mediaserver_root']}/config/jackett/Jackett/ServerConfig.json"
    # A timer restores it, should this test be aborted.
    restore = f"if [ -d {file} ]; then rmdir {file} && mv {file}.kept {file}; fi"
    host.check_output(f"systemd-run --on-active=600 --unit restore-jackett sh -c '{restore}'")
    host.check_output(f"mv {file} {file}.kept && mkdir {file}")
    yield
    host.check_output(f"systemctl stop restore-jackett.timer; {restore}")


@pytest.mark.usefixtures("broken_jackett")
@pytest.mark.parametrize("way", ["whole", pytest.param("role", marks=pytest.mark.faults)])
def test_failed_run_ends_pause(host: Any, inventory: str, tmp_path: Path, way: str) -> None:
    chosen = playbook.SITE if way == "whole" else play(tmp_path, "jackett")
    result = playbook.run(inventory, playbook=chosen)
    assert not result.ok, "it did not fail"
    assert "ServerConfig.json" in result.failures
    assert pauses(result), "the run has not paused vpn-monitor"
    assert not host.file(HOLD).exists, "vpn-monitor is still paused"
