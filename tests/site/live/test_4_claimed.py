# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations that were cut off or have vanished: no service is anybody's for a moment.

A visitor on the LAN tries all the while.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import playbook
import pytest
import topology
import visitors
from contract import Containers, Household, name_of

FILES = {
    "transmission": "config/transmission/settings.json",
    "jackett": "config/jackett/Jackett/ServerConfig.json",
    "jellyfin": "config/jellyfin/config/system.xml",
}
PATIENCE_S = 90
VISIT_S = 20


@pytest.fixture
def visited(host: Any, lab_house: topology.House) -> Iterator[None]:
    """Whoever is open at any time during the test fails it."""
    # It would start again at once what is stopped, and files would be taken from under a service that runs.
    host.check_output("systemctl stop vpn-monitor")
    visitors.begin(lab_house)
    yield
    host.check_output("systemctl start vpn-monitor")
    visitors.end(lab_house)
    visits = visitors.visits(lab_house)
    assert {visit.service for visit in visits} == set(FILES), "not every service was visited"
    assert [visit for visit in visits if visit.open] == []


def wait_until_healthy(host: Any, names: list[str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while states := {
        name: state
        for name in names
        if (state := Containers.read(host)[name]["State"].get("Health", {}).get("Status")) != "healthy"
    }:
        assert time.monotonic() < deadline, f"after {PATIENCE_S} s: {states}"
        time.sleep(1)


def test_the_visitor_would_have_noticed(lab_house: topology.House) -> None:
    with visitors.unclaimed(lab_house) as address:
        visits = visitors.visit(lab_house, address, VISIT_S)
    assert {visit.service for visit in visits if visit.open} == set(FILES)


@pytest.mark.usefixtures("visited")
@pytest.mark.parametrize("service", FILES)
def test_a_file_that_was_cut_off_comes_back_by_itself(host: Any, house: Household, service: str) -> None:
    path = f"{house['mediaserver_root']}/{FILES[service]}"
    host.check_output(f"docker stop {name_of(service)}")
    before = host.file(path).content_string
    host.check_output(f"truncate --size {len(before.encode()) // 2} {path}")
    host.check_output(f"docker start {name_of(service)}")
    wait_until_healthy(host, [service])
    said = host.check_output(f"docker logs --tail 50 {name_of(service)} 2>&1")
    assert "the copy from its last good start is back" in said
    assert host.check_output(f"ls {path}.damaged-*").splitlines()


@pytest.mark.usefixtures("visited")
def test_what_has_vanished_is_made_again_by_a_run(host: Any, house: Household, inventory: str) -> None:
    root = house["mediaserver_root"]
    names = " ".join(map(name_of, FILES))
    host.check_output(f"docker stop {names}")
    host.check_output(f"rm -rf {root}/config/transmission/settings.json* {root}/config/jackett/Jackett/ServerConfig*")
    host.check_output(f"find {root}/config/jellyfin -mindepth 1 -delete")
    host.check_output(f"docker start {names}")
    time.sleep(VISIT_S)
    for service in FILES:
        said = host.check_output(f"docker logs --tail 20 {name_of(service)} 2>&1")
        assert "Run the playbook again" in said, service
    result = playbook.run(inventory)
    assert result.ok, result.failures
    wait_until_healthy(host, list(FILES))
    again = playbook.run(inventory)
    assert again.ok, again.failures
    assert [task.name for task in again.changed] == []
