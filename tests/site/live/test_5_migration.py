# SPDX-License-Identifier: GPL-3.0-or-later
"""Jellyfin migrates its database, which may take hours: nobody restarts it, and a run of the playbook waits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import playbook
import pytest
from contract import Containers, Household

# Longer than three of the container's health checks.
LONG_S = 45
PATIENCE_S = 60
SQL = 'python3 -c "import sqlite3,sys;d=sqlite3.connect(sys.argv[1]);d.execute(sys.argv[2]);d.commit()"'


class Migration:
    """Holds the lock that Jellyfin's own migrations hold: a row in Entity Framework's table."""

    def __init__(self, host: Any, house: Household) -> None:
        self._host = host
        self._database = f"{house['mediaserver_root']}/config/jellyfin/data/jellyfin.db"

    def begin(self) -> None:
        self._host.check_output("docker stop jellyfin")
        self._tell("INSERT INTO __EFMigrationsLock VALUES (1, '2026-01-01 00:00:00')")
        self._host.check_output("docker start jellyfin")

    def end(self) -> None:
        self._tell("DELETE FROM __EFMigrationsLock")

    def _tell(self, statement: str) -> None:
        self._host.check_output(f"{SQL} %s %s", self._database, statement)

    def says(self) -> str:
        """What the server itself says of its health; empty without an answer."""
        return str(self._host.run("docker exec jellyfin curl --silent http://127.0.0.1:8096/health").stdout)

    def container(self) -> tuple[str, str]:
        """Return since when the container runs, and what Docker thinks of its health."""
        state = Containers.read(self._host)["jellyfin"]["State"]
        return state["StartedAt"], state["Health"]["Status"]

    def wait_until(self, word: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while (found := self.says()) != word:
            assert time.monotonic() < deadline, f"after {PATIENCE_S} s it says {found!r}, not {word}"
            time.sleep(1)


@pytest.fixture
def migration(host: Any, house: Household) -> Iterator[Migration]:
    found = Migration(host, house)
    found.begin()
    yield found
    found.end()
    found.wait_until("Healthy")


def test_a_long_one_is_left_alone_and_waited_for(migration: Migration, inventory: str) -> None:
    migration.wait_until("Degraded")
    since, _ = migration.container()
    with ThreadPoolExecutor() as beside:
        run = beside.submit(playbook.run, inventory)
        deadline = time.monotonic() + LONG_S
        seen = set()
        while time.monotonic() < deadline:
            seen.add((migration.says(), migration.container()[0], run.done()))
            time.sleep(1)
        health = migration.container()[1]
        migration.end()
        result = run.result()
    assert seen == {("Degraded", since, False)}, "it was restarted, or the run did not wait"
    assert health == "healthy", "Docker would have it restarted"
    assert result.ok, result.failures
    assert [task.name for task in result.changed] == []
    assert migration.container()[0] == since
