# SPDX-License-Identifier: GPL-3.0-or-later
"""Jellyfin migrates its database, which may take hours: nobody restarts it, and a run of the playbook waits."""

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


def wait_until(host: Any, word: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while (found := migration.says(host)) != word:
        assert time.monotonic() < deadline, f"after {PATIENCE_S} s it says {found!r}, not {word}"
        time.sleep(1)


def container(host: Any) -> tuple[str, str]:
    """Return since when it runs, and what Docker thinks of its health."""
    state = Containers.read(host)["jellyfin"]["State"]
    return state["StartedAt"], state["Health"]["Status"]


@pytest.fixture
def migrating(host: Any, house: Household) -> Iterator[None]:
    host.check_output("docker stop mediaserver-jellyfin-1")
    migration.lock(host, house)
    host.check_output("docker start mediaserver-jellyfin-1")
    wait_until(host, "Degraded")
    yield
    migration.unlock(host, house)
    wait_until(host, "Healthy")


@pytest.mark.usefixtures("migrating")
def test_a_long_one_is_left_alone_and_waited_for(host: Any, house: Household, inventory: str) -> None:
    since, _ = container(host)
    seen = set()
    with ThreadPoolExecutor() as beside:
        run = beside.submit(playbook.run, inventory)
        deadline = time.monotonic() + LONG_S
        while time.monotonic() < deadline:
            seen.add((migration.says(host), container(host)[0], run.done()))
            time.sleep(1)
        health = container(host)[1]
        migration.unlock(host, house)
        result = run.result()
    assert seen == {("Degraded", since, False)}, "it was restarted, or the run did not wait"
    assert health == "healthy", "Docker would have it restarted"
    assert result.ok, result.failures
    assert [task.name for task in result.changed] == []
    assert container(host)[0] == since
