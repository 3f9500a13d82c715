# SPDX-License-Identifier: GPL-3.0-or-later
"""During a database migration, which may take hours, Jellyfin is not restarted and a run waits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import migration
import playbook
import pytest
from contract import Containers, Household

# Longer than three of the container's health checks.
LONG_S = 45
PATIENCE_S = 60


def wait_for_health(host: Any, expected: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while (found := migration.health(host)) != expected:
        assert time.monotonic() < deadline, f"after {PATIENCE_S} s the health is {found!r}, not {expected}"
        time.sleep(1)


def container(host: Any) -> tuple[str, str]:
    """Return the container's start time and its health by Docker."""
    state = Containers.read(host)["jellyfin"]["State"]
    return state["StartedAt"], state["Health"]["Status"]


@pytest.fixture
def migrating(host: Any, household: Household) -> Iterator[None]:
    host.check_output("docker stop mediaserver-jellyfin-1")
    migration.lock(host, household)
    host.check_output("docker start mediaserver-jellyfin-1")
    wait_for_health(host, "Degraded")
    yield
    migration.unlock(host, household)
    wait_for_health(host, "Healthy")


@pytest.mark.usefixtures("migrating")
def test_run_waits_for_migration(host: Any, household: Household, inventory: str) -> None:
    since, _ = container(host)
    seen = set()
    with ThreadPoolExecutor() as pool:
        run = pool.submit(playbook.run, inventory)
        deadline = time.monotonic() + LONG_S
        while time.monotonic() < deadline:
            seen.add((migration.health(host), container(host)[0], run.done()))
            time.sleep(1)
        health = container(host)[1]
        migration.unlock(host, household)
        result = run.result()
    assert seen == {("Degraded", since, False)}, "it was restarted, or the run did not wait"
    assert health == "healthy", "Docker reports it as unhealthy"
    assert result.ok, result.failures
    assert [task.name for task in result.changed] == []
    assert container(host)[0] == since
