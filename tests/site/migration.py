# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock that Jellyfin's own migrations hold: a row in Entity Framework's table."""

from __future__ import annotations

from typing import Any

from contract import Household

SQL = 'python3 -c "import sqlite3,sys;d=sqlite3.connect(sys.argv[1]);d.execute(sys.argv[2]);d.commit()"'


def lock(host: Any, house: Household) -> None:
    _tell(host, house, "INSERT INTO __EFMigrationsLock VALUES (1, '2026-01-01 00:00:00')")


def unlock(host: Any, house: Household) -> None:
    _tell(host, house, "DELETE FROM __EFMigrationsLock")


def says(host: Any) -> str:
    """What the server itself says of its health; empty without an answer."""
    return str(host.run("docker exec mediaserver-jellyfin-1 curl --silent http://127.0.0.1:8096/health").stdout)


def _tell(host: Any, house: Household, statement: str) -> None:
    host.check_output(f"{SQL} %s %s", f"{house['mediaserver_root']}/config/jellyfin/data/jellyfin.db", statement)
