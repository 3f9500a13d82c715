# SPDX-License-Identifier: GPL-3.0-or-later
"""What the backup itself has made is restored, with restic itself: a service, a blank Pi, the drill."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from backup_home import JELLYFIN, Home, make_home, needs_restic
from mediaserver.backup import repository
from mediaserver.backup.run import BEFORE_RESTORE, Choice
from mediaserver.backup.state import StateFile
from mediaserver.restore.drill import Drill
from mediaserver.restore.placing import Note, Places
from mediaserver.restore.service import NotProven, ServiceRestore
from mediaserver.restore.whole import WholeRestore
from restore_home import Services

pytestmark = needs_restic


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    made = make_home(tmp_path, monkeypatch)
    made.write_settings(uid=os.geteuid(), gid=os.getegid())
    made.run().run()
    return made


def keep_present(home: Home) -> str:
    return home.run(locked=True).run(BEFORE_RESTORE, Choice(accept_missing=True)).snapshot


def service(home: Home, services: Services) -> ServiceRestore:
    return ServiceRestore(
        home.settings,
        home.opened(),
        repository.household(home.settings),
        services,
        lambda: keep_present(home),
        lambda: home.now,
    )


def rows(home: Home) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(home.root / JELLYFIN)) as line:
        names = [row[0] for row in line.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(line.execute(f'SELECT * FROM "{name}"').fetchall()) for name in names}


def contents(home: Home) -> dict[str, object]:
    """Return what is on the Pi, but for the state file of the backup, and the databases' pages."""
    return {
        str(path.relative_to(home.top)): (path.stat().st_mode, path.read_bytes())
        for top in (home.root, home.top / "state")
        for path in sorted(top.rglob("*"))
        if path.is_file() and ".db" not in path.name and path.name != "backup.json"
    }


def test_damaged_database_and_deleted_files_come_back(home: Home) -> None:
    before, tables = contents(home), rows(home)
    assert tables
    (home.root / JELLYFIN).write_bytes(b"damaged")
    shutil.rmtree(home.root / "config/jellyfin/config")
    done = service(home, Services()).run("jellyfin", "newest")
    assert contents(home) == before
    assert rows(home) == tables
    assert done.before not in ("", done.snapshot)


def test_neither_a_restore_nor_the_next_backup_removes_the_good_snapshot_of_the_day(home: Home) -> None:
    (home.root / JELLYFIN).write_bytes(b"damaged")
    done = service(home, Services()).run("jellyfin", "newest")
    before, chosen = done.before[:8], done.snapshot[:8]
    assert {before, chosen} <= {one.id[:8] for one in home.opened().snapshots()}
    # A control: of two backups of one kind and day, one is kept.
    home.run().run()
    left = {one.id[:8] for one in home.opened().snapshots()}
    assert before in left
    assert chosen not in left
    assert len(left) == 2


def test_database_that_is_gone_comes_back(home: Home) -> None:
    tables = rows(home)
    (home.root / JELLYFIN).unlink()
    service(home, Services()).run("jellyfin", "newest")
    assert rows(home) == tables


def test_drill_of_a_backup(home: Home) -> None:
    state = StateFile(home.settings.state_file, home.top / "run" / "state.lock")
    drill = Drill(home.settings, home.opened(), repository.household(home.settings), lambda: home.now, state)
    done = drill.run()
    # Of Jellyfin three users, of the own service one.
    assert (done.databases, done.rows) == (2, 4)
    assert (home.state["drill"], home.state["drill_error"]) == (home.now, "")
    # A later backup does not take what the drill has left.
    assert list(home.settings.scratch.rglob("*")) == []


def test_blank_pi_has_the_same_household(home: Home) -> None:
    before, tables, household = contents(home), rows(home), repository.household(home.settings)
    opened = home.opened()
    secrets = home.top / "card"
    shutil.copytree(home.settings.secrets, secrets)
    settings = home.settings
    for folder in (home.root, home.top / "state"):
        shutil.rmtree(folder)
        folder.mkdir()
    place = repository.Repository(
        opened.repository.location, opened.repository.kind, secrets / "repository", secrets / "password.made"
    )
    owner = (os.geteuid(), os.getegid())
    done = WholeRestore(home.root, settings.state, owner, home.restic(place, settings.cache), lambda: home.now).run(
        "newest"
    )
    assert done.household == household
    assert rows(home) == tables
    assert contents(home) == before


@needs_restic
def test_a_database_inside_a_folder_of_its_service_comes_back(home: Home) -> None:
    before, path = contents(home), home.root / "config/own/own.db"
    with closing(sqlite3.connect(path)) as line, line:
        line.execute("INSERT INTO users VALUES (99, 'later')")
    (home.root / "config/own/own.conf").write_text("later")
    service(home, Services()).run("own", "newest")
    assert contents(home) == before
    with closing(sqlite3.connect(path)) as line:
        assert line.execute("SELECT id FROM users").fetchall() == [(0,)]


@needs_restic
def test_a_database_inside_a_folder_is_put_back_however_often(home: Home) -> None:
    path = home.root / "config/own/own.db"
    with closing(sqlite3.connect(path)) as line, line:
        line.execute("PRAGMA journal_mode = DELETE")
        line.execute("INSERT INTO users VALUES (99, 'later')")
    content, before = path.read_bytes(), contents(home)
    places: list[Note] = []
    services = Services(broken="it does not answer")
    restore = service(home, services)
    put_back = Places.put_back

    def twice(self: Places, note: Note) -> None:
        # The first one is cut off before its end.
        end = Places.end
        Places.end = lambda self: None  # type: ignore[method-assign]
        try:
            put_back(self, note)
        finally:
            Places.end = end  # type: ignore[method-assign]
        places.append(note)
        put_back(self, note)

    Places.put_back = twice  # type: ignore[method-assign]
    try:
        with pytest.raises(NotProven):
            restore.run("own", "newest")
    finally:
        Places.put_back = put_back  # type: ignore[method-assign]
    assert len(places) == 1
    assert path.read_bytes() == content
    assert contents(home) == before


def test_no_secret_is_an_argument(home: Home) -> None:
    secret = (home.settings.secrets / "password.made").read_text().strip()
    home.runner.calls.clear()
    service(home, Services()).run("jellyfin", "newest")
    lines = [" ".join(call) for call in home.runner.calls]
    assert any(" restore " in line for line in lines)
    assert [line for line in lines if secret in line] == []
