# SPDX-License-Identifier: GPL-3.0-or-later
"""After a reboot everything becomes healthy by itself, within the budget."""

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


def unhealthy(host: Any, household: Household) -> list[str]:
    """Return what is not healthy yet; the Pi may not be reachable."""
    try:
        containers = Containers.read(host)
        states = {
            name: containers[name]["State"].get("Health", {}).get("Status") for name in household["stack_services"]
        }
        found = [f"{name} is {state}" for name, state in states.items() if state != "healthy"]
        if ask(household, password=household["transmission_password"])[0] != 200:
            found.append("Transmission does not answer")
        if household_lab.address_seen_from_transmission(host) not in household_lab.PROVIDER_ADDRESSES:
            found.append("the tunnel does not work")
        # Docker reports a container as healthy during a migration too.
        if (health := migration.health(host)) != "Healthy":
            found.append(f"Jellyfin's health is {health!r}")
    except (OSError, RuntimeError, AssertionError) as error:
        return [str(error)]
    return found


@pytest.fixture(scope="module")
def seconds(host: Any, household: Household, lab_household: topology.LabHousehold) -> float:
    # As after a power cut during a migration.
    migration.lock(host, household)
    household_lab.reboot(lab_household)
    deadline = time.monotonic() + PATIENCE_S
    while problems := unhealthy(host, household):
        assert time.monotonic() < deadline, f"after {PATIENCE_S} s: {problems}"
        time.sleep(1)
    return float(host.check_output("ps -o etimes= -p 1").strip())


def test_everything_is_healthy_within_budget(seconds: float) -> None:
    bench.join(bench.REPORT, [bench.Entry("reboot to all healthy", seconds, "s", budget=BUDGET_S)])
    assert seconds <= BUDGET_S


def test_abandoned_migration_lock_is_removed_after_copy(host: Any, household: Household, seconds: float) -> None:
    log = host.check_output("journalctl --boot --unit docker --grep 'jellyfin-unlock: a migration' --output cat")
    assert host.file(log.rsplit(" ", 1)[-1]).exists, log


def test_run_after_reboot_changes_nothing(seconds: float, inventory: str) -> None:
    result = playbook.run(inventory)
    assert result.ok, result.failures
    assert [task.name for task in result.changed] == []
