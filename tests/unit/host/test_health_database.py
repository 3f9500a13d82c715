# SPDX-License-Identifier: GPL-3.0-or-later
"""A damaged database of Jellyfin is named, together with the command that brings yesterday's back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from health_home import environment
from mediaserver._core.errors import Unreachable
from mediaserver._core.transport import Response
from mediaserver.health import database, jellyfin
from mediaserver.health.model import State

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database of several pages, as the stopped server leaves it."""
    found = tmp_path / database.DATABASE
    found.parent.mkdir(parents=True)
    (found.parent / database.DEVICE).write_text("id")
    with closing(sqlite3.connect(found)) as line, line:
        line.execute("CREATE TABLE Users (Id INTEGER PRIMARY KEY, Name TEXT)")
        line.execute("CREATE INDEX ByName ON Users (Name)")
        line.executemany("INSERT INTO Users (Name) VALUES (?)", [(f"{number:0200d}",) for number in range(500)])
    return found


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5000])


def overwrite(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 4] = b"\xff" * 4096
    path.write_bytes(content)


DAMAGES: list[tuple[Callable[[Path], object], str]] = [
    (lambda path: path.write_bytes(b""), "it is empty"),
    (lambda path: path.write_bytes(b"garbage" * 100), "it is not a database"),
    (lambda path: path.write_bytes(path.read_bytes()[:50]), "it is not a database"),
    (cut, "it is cut off: it has "),
    (overwrite, "its check fails"),
    (lambda path: path.unlink(), "it is gone"),
]


@pytest.mark.parametrize(("damage", "text"), DAMAGES, ids=["empty", "garbage", "head", "cut", "page", "gone"])
def test_each_damage_is_named(tmp_path: Path, path: Path, damage: Callable[[Path], object], text: str) -> None:
    assert database.damage(tmp_path) == ""
    damage(path)
    assert text in database.damage(tmp_path)


def test_a_server_that_was_never_started_has_lost_nothing(tmp_path: Path, path: Path) -> None:
    path.unlink()
    (path.parent / database.DEVICE).unlink()
    assert database.damage(tmp_path) == ""


def test_a_database_in_use_is_not_called_damaged(tmp_path: Path, path: Path) -> None:
    with closing(sqlite3.connect(path)) as line:
        line.execute("PRAGMA journal_mode = WAL")
        line.execute("BEGIN EXCLUSIVE")
        line.execute("INSERT INTO Users (Name) VALUES ('x')")
        assert database.damage(tmp_path) == ""


class Server:
    """Jellyfin's port: closed, or with an answer."""

    def __init__(self, body: bytes = b"") -> None:
        self.body = body

    def request(
        self, method: str, url: str, *, headers: dict[str, str], body: bytes | None, timeout: float
    ) -> Response:
        if not self.body:
            raise Unreachable(f"{url}: Connection refused", refused=True)
        return Response(200, {}, self.body)


def health(root: Path, server: Server) -> jellyfin.Finding:
    (root / "secrets").mkdir(exist_ok=True)
    (root / "secrets" / "jellyfin.key").write_text(f"{KEY}\n")
    (root / "secrets" / "jellyfin.key").chmod(0o600)
    settings = {"url": "http://127.0.0.1:8096", "administrator": "family", "folders": []}
    return jellyfin.read(environment(root, jellyfin=settings), server)[0]


def test_status_gets_the_command_that_brings_yesterdays_back(tmp_path: Path, path: Path) -> None:
    # The control: sound, the port alone is named.
    assert health(tmp_path, Server()).text == "it does not listen at its port"
    cut(path)
    found = health(tmp_path, Server())
    assert (found.state, found.remedy) == (State.BAD, database.NO_BACKUP)
    (tmp_path / "state").mkdir(exist_ok=True)
    (tmp_path / "state" / "backup.json").write_text(json.dumps({"backup": 1_799_990_000}))
    found = health(tmp_path, Server())
    assert found.text.startswith("its database is damaged: it is cut off")
    assert found.remedy.endswith("sudo mediaserver restore jellyfin --at yesterday")


def test_a_server_that_runs_or_migrates_is_not_read(tmp_path: Path, path: Path) -> None:
    cut(path)
    assert health(tmp_path, Server(b"Degraded")).state is State.WARNING
    assert "database is damaged" not in health(tmp_path, Server(b"Degraded")).text
