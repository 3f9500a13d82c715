# SPDX-License-Identifier: GPL-3.0-or-later
"""Truncated and missing configuration files: no service is ever open without a password.

The access check of the lab runs during each test.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import access_check
import playbook
import pytest
import services
import topology
from contract import Containers, Household, name_of

FILES = {
    "transmission": "config/transmission/settings.json",
    "jackett": "config/jackett/Jackett/ServerConfig.json",
    "jellyfin": "config/jellyfin/config/system.xml",
}
PATIENCE_S = 90
CHECK_S = 20


@pytest.fixture
def access_checked(host: Any, lab_household: topology.LabHousehold) -> Iterator[None]:
    """Fail when a service was open at any time during the test."""
    # vpn-monitor would start a stopped service, whose files the test then removes.
    host.check_output("systemctl stop vpn-monitor")
    access_check.start(lab_household)
    yield
    host.check_output("systemctl start vpn-monitor")
    access_check.stop(lab_household)
    answers = access_check.answers(lab_household)
    assert {answer.service for answer in answers} == set(services.web_interfaces()), "a service was not checked"
    assert [answer for answer in answers if answer.open] == []


def wait_until_healthy(host: Any, names: list[str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while states := {
        name: state
        for name in names
        if (state := Containers.read(host)[name]["State"].get("Health", {}).get("Status")) != "healthy"
    }:
        assert time.monotonic() < deadline, f"after {PATIENCE_S} s: {states}"
        time.sleep(1)


def test_access_check_finds_unprotected_services(lab_household: topology.LabHousehold) -> None:
    with access_check.unprotected_services(lab_household) as address:
        answers = access_check.check(lab_household, address, CHECK_S)
    assert {answer.service for answer in answers if answer.open} == set(services.web_interfaces())


@pytest.mark.usefixtures("access_checked")
@pytest.mark.parametrize("service", FILES)
def test_truncated_file_is_restored_at_start(host: Any, household: Household, service: str) -> None:
    path = f"{household['mediaserver_root']}/{FILES[service]}"
    host.check_output(f"docker stop {name_of(service)}")
    before = host.file(path).content_string
    host.check_output(f"truncate --size {len(before.encode()) // 2} {path}")
    host.check_output(f"docker start {name_of(service)}")
    wait_until_healthy(host, [service])
    log = host.check_output(f"docker logs --tail 50 {name_of(service)} 2>&1")
    assert "the copy from its last good start is back" in log
    assert host.check_output(f"ls {path}.damaged-*").splitlines()


@pytest.mark.usefixtures("access_checked")
def test_missing_files_are_created_by_run(host: Any, household: Household, inventory: str) -> None:
    root = household["mediaserver_root"]
    names = " ".join(map(name_of, FILES))
    host.check_output(f"docker stop {names}")
    host.check_output(f"rm -rf {root}/config/transmission/settings.json* {root}/config/jackett/Jackett/ServerConfig*")
    host.check_output(f"find {root}/config/jellyfin -mindepth 1 -delete")
    host.check_output(f"docker start {names}")
    time.sleep(CHECK_S)
    for service in FILES:
        log = host.check_output(f"docker logs --tail 20 {name_of(service)} 2>&1")
        assert "Run the playbook again" in log, service
    result = playbook.run(inventory)
    assert result.ok, result.failures
    wait_until_healthy(host, list(FILES))
    again = playbook.run(inventory)
    assert again.ok, again.failures
    assert [task.name for task in again.changed] == []
