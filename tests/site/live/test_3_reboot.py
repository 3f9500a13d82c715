# SPDX-License-Identifier: GPL-3.0-or-later
"""The Pi is switched off and on: everything is healthy again without help, within the budget."""

from __future__ import annotations

import time
from typing import Any

import bench
import household_lab
import migration
import playbook
import pytest
import topology
from contract import Containers, Household
from rpc import ask

BUDGET_S = 60
PATIENCE_S = 180


def unhealthy(host: Any, house: Household) -> list[str]:
    """Name what is not as it should be yet; the Pi may not even be there."""
    try:
        containers = Containers.read(host)
        states = {name: containers[name]["State"].get("Health", {}).get("Status") for name in house["stack_services"]}
        found = [f"{name} is {state}" for name, state in states.items() if state != "healthy"]
        if ask(house, password=house["transmission_password"])[0] != 200:
            found.append("Transmission does not answer")
        if household_lab.address_seen_from_transmission(host) not in household_lab.PROVIDER_ADDRESSES:
            found.append("the tunnel does not carry")
        # Docker counts a migration as health, too.
        if (word := migration.says(host)) != "Healthy":
            found.append(f"Jellyfin says {word!r}")
    except (OSError, RuntimeError, AssertionError) as error:
        return [str(error)]
    return found


@pytest.fixture(scope="module")
def seconds(host: Any, house: Household, lab_house: topology.House) -> float:
    # As a power cut in the middle of a migration leaves it.
    migration.lock(host, house)
    household_lab.reboot(lab_house)
    deadline = time.monotonic() + PATIENCE_S
    while problems := unhealthy(host, house):
        assert time.monotonic() < deadline, f"after {PATIENCE_S} s: {problems}"
        time.sleep(1)
    return float(host.check_output("ps -o etimes= -p 1").strip())


def test_all_is_healthy_without_help(seconds: float) -> None:
    bench.join(bench.REPORT, [bench.Entry("reboot to all healthy", seconds, "s", budget=BUDGET_S)])
    assert seconds <= BUDGET_S


def test_the_lock_of_a_migration_that_was_cut_off_is_gone_and_a_copy_is_there(
    host: Any, house: Household, seconds: float
) -> None:
    said = host.check_output("journalctl --boot --unit docker --grep 'jellyfin-unlock: a migration' --output cat")
    assert host.file(said.rsplit(" ", 1)[-1]).exists, said


def test_nothing_was_lost_by_the_reboot(seconds: float, inventory: str) -> None:
    result = playbook.run(inventory)
    assert result.ok, result.failures
    assert [task.name for task in result.changed] == []
