# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of import, watch folder and backup."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from health_home import NOW, environment, only, states
from mediaserver.health import backup, imports
from mediaserver.health.model import State
from mediaserver.importer.state import State as ImportState
from mediaserver.importer.state import StateFile, Waiting


def waiting(age: float, name: str = "Dune (2021)") -> Waiting:
    return Waiting("a" * 40, name, NOW - age, f"{name} is not complete")


@pytest.mark.parametrize(
    ("ages", "state", "text"),
    [
        ([], State.OK, "no download waits for long"),
        ([60, 3599], State.OK, "no download waits for long"),
        ([60, 3600], State.WARNING, "1 download has not arrived for 1 hour"),
        ([90000, 7200], State.WARNING, "2 downloads have not arrived for 1 day"),
        # The clock was set back.
        ([-90000], State.OK, "no download waits for long"),
    ],
)
def test_downloads_that_wait(ages: list[float], state: State, text: str) -> None:
    found = only(imports.judge(ImportState(tuple(map(waiting, ages))), NOW), imports.WAITING)
    assert (found.state, found.text) == (state, text)
    assert "Dune" not in found.text + found.remedy
    assert ("Dune" in found.private) is (state is State.WARNING)
    assert {one.metric: one.number for one in found.values} == {
        imports.NUMBER: len(ages),
        imports.OLDEST: max([0, *ages]),
    }


def test_what_delays_every_download_is_a_warning() -> None:
    state = ImportState(troubles=("Jellyfin does not answer",), rejected=("a title.txt",))
    found = only(imports.judge(state, NOW), imports.TROUBLES)
    assert (found.state, found.text) == (
        State.WARNING,
        "Jellyfin does not answer; 1 files in the spool name no torrent",
    )


def write_settings(root: Path) -> None:
    (root / "import.json").write_text(
        json.dumps(
            {
                **{"media": "/m", "downloads": "/d", "spool": "/s", "state": str(root / "importer"), "disk_id": "/i"},
                **{"torrent_files": "/t", "ignore": [], "jellyfin": None},
            }
        )
    )


def test_the_import_s_state_is_read(tmp_path: Path) -> None:
    write_settings(tmp_path)
    StateFile(tmp_path / "importer" / "importer.json").write(ImportState((waiting(7200),)))
    found = imports.read(environment(tmp_path))
    assert states(found) == {imports.WAITING: State.WARNING, imports.TROUBLES: State.OK}


@pytest.mark.parametrize(
    ("names", "state", "number"),
    [
        ({}, State.OK, 0),
        ({"a.torrent": 10}, State.OK, 0),
        ({"a.torrent": 300, "b.magnet": 301, "c.TORRENT": 900}, State.WARNING, 3),
        # What Transmission has taken, and what it does not read.
        ({"a.torrent.added": 900, "notes.txt": 900}, State.OK, 0),
        # A clock that was wrong when the file was written.
        ({"a.torrent": -900}, State.OK, 0),
    ],
)
def test_files_that_transmission_has_not_taken(
    tmp_path: Path, names: dict[str, float], state: State, number: int
) -> None:
    made = environment(tmp_path)
    for name, age in names.items():
        path = made.settings.downloads / "watch" / name
        path.touch()
        os.utime(path, (NOW - age, NOW - age))
    (found,) = imports.read_watch(made)
    assert found.state is state
    assert [one.number for one in found.values] == [number]
    assert "a.torrent" not in found.text + found.remedy
    assert ("a.torrent" in found.private) is (state is State.WARNING)


# --- Backup.


def test_without_a_backup_its_checks_are_unknown(tmp_path: Path) -> None:
    assert states(backup.read(environment(tmp_path))) == dict.fromkeys(backup.CHECKS, State.UNKNOWN)


@pytest.mark.parametrize(
    ("noted", "expected"),
    [
        ({"backup": NOW - 3600, "check": NOW - 86400, "drill": NOW - 86400 * 30}, [State.OK] * 3),
        ({"backup": NOW - 86400 * 3, "check": NOW - 86400 * 9, "drill": NOW - 86400 * 41}, [State.WARNING] * 3),
        ({}, [State.WARNING] * 3),
        ({"backup": "yesterday", "check": None, "drill": True}, [State.WARNING] * 3),
        ({"backup": NOW + 3600, "check": float("inf"), "drill": float("nan")}, [State.OK, *[State.WARNING] * 2]),
    ],
)
def test_the_age_of_a_backup(noted: dict[str, Any], expected: list[State]) -> None:
    assert [one.state for one in backup.judge(noted, NOW)] == expected


def test_a_damaged_database_is_bad_and_names_the_way_back() -> None:
    fault = {"path": "/opt/mediaserver/config/jellyfin/data/jellyfin.db", "service": "jellyfin", "text": "malformed"}
    found = backup.judge_databases({"faults": [fault]})
    assert found.state is State.BAD and "jellyfin.db: malformed" in found.text
    assert "mediaserver restore jellyfin --at yesterday" in found.remedy
    assert backup.judge_databases({"faults": []}).state is State.OK
    assert backup.judge_databases({}).state is State.UNKNOWN
    assert len(backup.judge_databases({"faults": [fault] * 9}).text) < 400


def test_a_backup_without_a_place_is_one_warning(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "backup.json").write_text(json.dumps({"off": "the same disk"}))
    found = backup.read(environment(tmp_path))
    assert [one.state for one in found] == [State.WARNING, *[State.UNKNOWN] * 3] and found[0].text == "the same disk"


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_a_damaged_state_of_the_backup_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "backup.json").write_text(text)
    expected = {**dict.fromkeys(backup.CHECKS, State.WARNING), backup.DATABASES: State.UNKNOWN}
    assert states(backup.read(environment(tmp_path))) == expected
