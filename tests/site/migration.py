# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of Jellyfin's database migrations: a row in Entity Framework's table."""

from __future__ import annotations

from typing import Any

from contract import Household

SQL = 'python3 -c "import sqlite3,sys;d=sqlite3.connect(sys.argv[1]);d.execute(sys.argv[2]);d.commit()"'


def lock(host: Any, household: Household) -> None:
    _execute(host, household, "INSERT INTO __EFMigrationsLock VALUES (1, '2026-01-01 00:00:00')")


def unlock(host: Any, household: Household) -> None:
    _execute(host, household, "DELETE FROM __EFMigrationsLock")


def health(host: Any) -> str:
    """Return the body of Jellyfin's /health; empty without an answer."""
    return str(host.run("docker exec mediaserver-jellyfin-1 curl --silent http://127.0.0.1:8096/health").stdout)


def _execute(host: Any, household: Household, statement: str) -> None:
    host.check_output(f"{SQL} %s %s", f"{household['mediaserver_root']}/config/jellyfin/data/jellyfin.db", statement)
