# SPDX-License-Identifier: GPL-3.0-or-later
"""The phases of a start as a polling client sees them, and the files on disk."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from jellyfin_double import Server, Timing
from jellyfin_installation import PASSWORD, Installation

TIMING = Timing(down_s=1, degraded_s=4, gap_s=1, loading_s=2, migration_s=10)


def test_phases(tmp_path: Path) -> None:
    installation = Installation(tmp_path).set_up()
    installation.restart(timing=TIMING)
    with pytest.raises(ConnectionRefusedError):
        installation.send("GET", "/health")

    installation.pass_time(1)
    assert (installation.send("GET", "/health").status, installation.send("GET", "/health").text) == (200, "Degraded")
    public = installation.send("GET", "/System/Info/Public").json
    assert (
        public["startupWizardCompleted"] is False
    )  # although the wizard is completed: the temporary server has no access to the configuration
    assert all(key[0].islower() for key in public)
    other = installation.call("GET", "/System/Info")
    assert (other.status, other.headers["Retry-After"], other.headers["Content-Type"]) == (503, "005", "text/html")

    installation.pass_time(4)
    with pytest.raises(ConnectionRefusedError):
        installation.send("GET", "/health")

    installation.pass_time(1)
    for path in ("/health", "/System/Info/Public"):
        assert installation.send("GET", path).status == 503
        assert "is loading" in installation.send("GET", path).text
    assert installation.send("GET", "/System/Info").status == 401
    assert installation.send("GET", "/").status == 302

    installation.pass_time(2)
    assert installation.send("GET", "/health").text == "Healthy"
    assert installation.send("GET", "/System/Info/Public").json["StartupWizardCompleted"] is True
    assert installation.call("GET", "/System/Info").status == 200


def test_restart_by_client(tmp_path: Path) -> None:
    installation = Installation(tmp_path).set_up()
    installation.server.timing = TIMING
    assert installation.call("POST", "/System/Restart").status == 204
    installation.server.sync()
    with pytest.raises(ConnectionRefusedError):
        installation.send("GET", "/health")
    for seconds in (1, 4, 1, 2):
        installation.pass_time(seconds)
    assert installation.call("GET", "/System/Info").status == 200  # the token is still valid


def test_shutdown_by_client(tmp_path: Path) -> None:
    installation = Installation(tmp_path).set_up()
    assert installation.call("POST", "/System/Shutdown").status == 204
    installation.server.sync()
    assert installation.server.stopped.is_set()
    with pytest.raises(ConnectionRefusedError):
        installation.send("GET", "/health")


def test_only_log_says_that_it_is_simulated(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    assert "SIMULATED" in installation.lines[0]
    answer = installation.send("GET", "/System/Info/Public")
    assert "simulated" not in (answer.text + str(answer.headers)).lower()


@pytest.mark.parametrize("version", ["10.11", "12.0"])
def test_restart_keeps_all_data(tmp_path: Path, version: str) -> None:
    installation = Installation(tmp_path, version).set_up()
    movies = installation.media()
    installation.add_library(movies)
    installation.call("POST", "/Auth/Keys", app="household")
    before = installation.library()
    installation.restart()
    assert installation.library() == before
    assert installation.call("GET", "/Auth/Keys").json["Items"][0]["AppName"] == "household"
    assert (installation.config / "root" / "default" / "Movies" / "movies.mblink").read_text() == str(movies)
    assert "<IsStartupWizardCompleted>true</IsStartupWizardCompleted>" in installation.system_xml.read_text()


def test_deleted_configuration_reopens_wizard(tmp_path: Path) -> None:
    installation = Installation(tmp_path).set_up()
    installation.server.stop()
    shutil.rmtree(installation.config)
    installation.restart()
    installation.token = ""
    assert installation.call("GET", "/System/Info/Public").json["StartupWizardCompleted"] is False
    assert installation.call("POST", "/Startup/User", {"Name": "a", "Password": "b"}).status == 404


@pytest.mark.parametrize("size", [0, 1, 200])
def test_truncated_system_xml_reopens_wizard(tmp_path: Path, size: int) -> None:
    installation = Installation(tmp_path).set_up()
    installation.server.stop()
    installation.system_xml.write_bytes(installation.system_xml.read_bytes()[:size])
    installation.restart()
    installation.token = ""
    assert installation.call("GET", "/System/Info/Public").json["StartupWizardCompleted"] is False
    assert installation.call("GET", "/Startup/User").json == {"Name": "admin"}  # the users are in the database
    assert "</ServerConfiguration>" in installation.system_xml.read_text()


def test_damaged_database_is_unhealthy(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    installation.server.stop()
    (installation.config / "data" / "jellyfin.db").write_bytes(b"not a database, but as long as the header of one" * 9)
    installation.restart()
    assert (installation.send("GET", "/health").status, installation.send("GET", "/health").text) == (503, "Unhealthy")
    installation.pass_time(3600)
    assert installation.send("GET", "/health").text == "Unhealthy"


def test_migration_is_degraded_and_keeps_copy(tmp_path: Path) -> None:
    installation = Installation(tmp_path, "10.11").set_up()
    installation.restart("12.0", TIMING)
    installation.pass_time(1)
    installation.pass_time(13)
    assert installation.send("GET", "/health").text == "Degraded"
    for seconds in (1, 1, 2):
        installation.pass_time(seconds)
    assert installation.send("GET", "/health").text == "Healthy"
    assert len(list((installation.config / "data" / "SQLiteBackups").iterdir())) == 1
    assert installation.call("GET", "/System/Configuration").json["EnableLegacyAuthorization"] is False


def test_power_cut_during_migration_leaves_server_degraded(tmp_path: Path) -> None:
    installation = Installation(tmp_path, "10.11").set_up()
    installation.restart("12.0", TIMING)
    installation.pass_time(2)
    installation.restart("12.0", TIMING)  # killed during the migration, then started again
    for _ in range(20):
        installation.pass_time(3600)
    assert (installation.send("GET", "/health").status, installation.send("GET", "/health").text) == (200, "Degraded")

    installation.server.stop()
    with closing(sqlite3.connect(installation.config / "data" / "jellyfin.db")) as database, database:
        assert database.execute('DELETE FROM "__EFMigrationsLock"').rowcount == 1
    installation.restart("12.0")
    installation.server.sync()
    assert installation.send("GET", "/health").text == "Healthy"
    assert installation.login().status == 200


def test_downgraded_server_is_healthy_and_does_not_work(tmp_path: Path) -> None:
    installation = Installation(tmp_path, "10.11").set_up()
    installation.restart("12.0")
    installation.restart("10.11")
    assert installation.send("GET", "/health").text == "Healthy"
    assert installation.login(device="two").status == 200
    for path in ("/Library/VirtualFolders", "/Items?recursive=true", "/UserViews", "/Items/Counts"):
        assert installation.call("GET", path).status == 500


def test_killed_server_keeps_acknowledged_changes(tmp_path: Path) -> None:
    installation = Installation(tmp_path).set_up()
    twin = tmp_path / "twin"
    shutil.copytree(installation.config, twin / "config")  # as after a power cut
    later = Installation(twin)
    assert later.login(password=PASSWORD).status == 200


def test_thread_follows_real_time(tmp_path: Path) -> None:
    server = Server(tmp_path, timing=Timing(down_s=0.1, degraded_s=0.1)).start(ticking=True)
    try:
        deadline = time.monotonic() + 10
        while server.phase.name != "HEALTHY" and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.phase.name == "HEALTHY"
        assert any(thread.daemon for thread in threading.enumerate())
    finally:
        server.stop()
