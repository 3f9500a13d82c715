# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client sees that polls while the server starts, and what stays on disk."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from jellyfin_double import Server, Timing
from jellyfin_house import PASSWORD, House

TIMING = Timing(down_s=1, degraded_s=4, gap_s=1, loading_s=2, migration_s=10)


def test_phases(tmp_path: Path) -> None:
    house = House(tmp_path).set_up()
    house.restart(timing=TIMING)
    with pytest.raises(ConnectionRefusedError):
        house.send("GET", "/health")

    house.pass_time(1)
    assert (house.send("GET", "/health").status, house.send("GET", "/health").text) == (200, "Degraded")
    public = house.send("GET", "/System/Info/Public").json
    assert public["startupWizardCompleted"] is False  # the wizard was finished: the temporary server does not know
    assert all(key[0].islower() for key in public)
    other = house.call("GET", "/System/Info")
    assert (other.status, other.headers["Retry-After"], other.headers["Content-Type"]) == (503, "005", "text/html")

    house.pass_time(4)
    with pytest.raises(ConnectionRefusedError):
        house.send("GET", "/health")

    house.pass_time(1)
    for path in ("/health", "/System/Info/Public"):
        assert house.send("GET", path).status == 503
        assert "is loading" in house.send("GET", path).text
    assert house.send("GET", "/System/Info").status == 401
    assert house.send("GET", "/").status == 302

    house.pass_time(2)
    assert house.send("GET", "/health").text == "Healthy"
    assert house.send("GET", "/System/Info/Public").json["StartupWizardCompleted"] is True
    assert house.call("GET", "/System/Info").status == 200


def test_a_restart_that_a_client_asks_for(tmp_path: Path) -> None:
    house = House(tmp_path).set_up()
    house.server.timing = TIMING
    assert house.call("POST", "/System/Restart").status == 204
    house.server.sync()
    with pytest.raises(ConnectionRefusedError):
        house.send("GET", "/health")
    for seconds in (1, 4, 1, 2):
        house.pass_time(seconds)
    assert house.call("GET", "/System/Info").status == 200  # the token is still good


def test_a_shutdown_that_a_client_asks_for(tmp_path: Path) -> None:
    house = House(tmp_path).set_up()
    assert house.call("POST", "/System/Shutdown").status == 204
    house.server.sync()
    assert house.server.stopped.is_set()
    with pytest.raises(ConnectionRefusedError):
        house.send("GET", "/health")


def test_it_says_that_it_is_simulated_in_its_log_only(tmp_path: Path) -> None:
    house = House(tmp_path)
    assert "SIMULATED" in house.lines[0]
    answer = house.send("GET", "/System/Info/Public")
    assert "simulated" not in (answer.text + str(answer.headers)).lower()


@pytest.mark.parametrize("version", ["10.11", "12.0"])
def test_a_restart_keeps_everything(tmp_path: Path, version: str) -> None:
    house = House(tmp_path, version).set_up()
    movies = house.media()
    house.add_library(movies)
    house.call("POST", "/Auth/Keys", app="household")
    before = house.library()
    house.restart()
    assert house.library() == before
    assert house.call("GET", "/Auth/Keys").json["Items"][0]["AppName"] == "household"
    assert (house.config / "root" / "default" / "Movies" / "movies.mblink").read_text() == str(movies)
    assert "<IsStartupWizardCompleted>true</IsStartupWizardCompleted>" in house.system_xml.read_text()


def test_a_deleted_configuration_gives_the_wizard_again(tmp_path: Path) -> None:
    house = House(tmp_path).set_up()
    house.server.stop()
    shutil.rmtree(house.config)
    house.restart()
    house.token = ""
    assert house.call("GET", "/System/Info/Public").json["StartupWizardCompleted"] is False
    assert house.call("POST", "/Startup/User", {"Name": "a", "Password": "b"}).status == 404


@pytest.mark.parametrize("size", [0, 1, 200])
def test_a_cut_off_system_xml_opens_the_wizard_again(tmp_path: Path, size: int) -> None:
    house = House(tmp_path).set_up()
    house.server.stop()
    house.system_xml.write_bytes(house.system_xml.read_bytes()[:size])
    house.restart()
    house.token = ""
    assert house.call("GET", "/System/Info/Public").json["StartupWizardCompleted"] is False
    assert house.call("GET", "/Startup/User").json == {"Name": "admin"}  # the users are in the database
    assert "</ServerConfiguration>" in house.system_xml.read_text()


def test_a_broken_database_is_unhealthy(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.server.stop()
    (house.config / "data" / "jellyfin.db").write_bytes(b"no database at all, and long enough to be seen as one" * 9)
    house.restart()
    assert (house.send("GET", "/health").status, house.send("GET", "/health").text) == (503, "Unhealthy")
    house.pass_time(3600)
    assert house.send("GET", "/health").text == "Unhealthy"


def test_a_migration_is_degraded_and_keeps_a_copy(tmp_path: Path) -> None:
    house = House(tmp_path, "10.11").set_up()
    house.restart("12.0", TIMING)
    house.pass_time(1)
    house.pass_time(13)
    assert house.send("GET", "/health").text == "Degraded"
    for seconds in (1, 1, 2):
        house.pass_time(seconds)
    assert house.send("GET", "/health").text == "Healthy"
    assert len(list((house.config / "data" / "SQLiteBackups").iterdir())) == 1
    assert house.call("GET", "/System/Configuration").json["EnableLegacyAuthorization"] is False


def test_a_power_cut_during_a_migration_is_degraded_for_ever(tmp_path: Path) -> None:
    house = House(tmp_path, "10.11").set_up()
    house.restart("12.0", TIMING)
    house.pass_time(2)
    house.restart("12.0", TIMING)  # killed in the middle, started again
    for _ in range(20):
        house.pass_time(3600)
    assert (house.send("GET", "/health").status, house.send("GET", "/health").text) == (200, "Degraded")

    house.server.stop()
    with closing(sqlite3.connect(house.config / "data" / "jellyfin.db")) as database, database:
        assert database.execute('DELETE FROM "__EFMigrationsLock"').rowcount == 1
    house.restart("12.0")
    house.server.sync()
    assert house.send("GET", "/health").text == "Healthy"
    assert house.login().status == 200


def test_the_way_back_is_healthy_and_does_not_work(tmp_path: Path) -> None:
    house = House(tmp_path, "10.11").set_up()
    house.restart("12.0")
    house.restart("10.11")
    assert house.send("GET", "/health").text == "Healthy"
    assert house.login(device="two").status == 200
    for path in ("/Library/VirtualFolders", "/Items?recursive=true", "/UserViews", "/Items/Counts"):
        assert house.call("GET", path).status == 500


def test_a_killed_server_has_kept_what_it_answered(tmp_path: Path) -> None:
    house = House(tmp_path).set_up()
    twin = tmp_path / "twin"
    shutil.copytree(house.config, twin / "config")  # what a power cut leaves
    later = House(twin)
    assert later.login(password=PASSWORD).status == 200


def test_real_time_is_followed_by_a_thread(tmp_path: Path) -> None:
    server = Server(tmp_path, timing=Timing(down_s=0.1, degraded_s=0.1)).start(ticking=True)
    try:
        deadline = time.monotonic() + 10
        while server.phase.name != "HEALTHY" and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.phase.name == "HEALTHY"
        assert any(thread.daemon for thread in threading.enumerate())
    finally:
        server.stop()
