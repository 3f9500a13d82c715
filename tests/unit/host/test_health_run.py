# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole health check: its outputs, and that no fault of the host keeps it from its end or loses what it knows."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from apprise_double import Apprise
from health_home import BOOT, NOW, Home, probe, settings_data
from mediaserver._core import files
from mediaserver._core.errors import FileProblem
from mediaserver.health import jellyfin, report, transmission
from mediaserver.health.environment import COMMAND_TIMEOUT_S, DOCKER_TIMEOUT_S, Moment
from mediaserver.health.exit_address import PAGE_S
from mediaserver.health.model import Finding, State, Value, bad, ok, unknown
from mediaserver.health.run import MESSAGES_S, PING_S, PROBES_S
from mediaserver.health.settings import Settings
from mediaserver.health.table import CHECKS, CHECKS_ENDED, PROBES, Probe, known_checks
from mediaserver.verify.address_page import TIMEOUT_S

URL = "ntfys://ntfy.example.org/s3cr3t"
WELL = ok("memory", "70 % of the memory are available", Value("mediaserver_memory_available_ratio", 0.7))
HOT = bad("temperature", "the processor has 90 degrees", "give the Pi a fan")
COOL = ok("temperature", "the processor has 50 degrees")
LEAK = bad("vpn-exit", "the host's own address is seen", "stop the services now")


def status(home: Home) -> dict[str, Any]:
    return dict(json.loads((home.state / "status.json").read_text()))


# --- The real probes, on a host that has nothing of what they look for.


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, dict[str, Any]]:
    home = Home(tmp_path_factory.mktemp("bare"))
    return home, home.check()


def test_on_a_bare_host_every_check_has_an_answer(bare: tuple[Home, dict[str, Any]]) -> None:
    home, found = bare
    jsonschema.validate(found, report.SCHEMA)
    states = home.states(found)
    applies = {one.id for one in CHECKS} - {
        *("transmission-access", "disk-downloads", "jackett-reachable", "import-waiting", "import-troubles"),
        *("jellyfin-health", "jellyfin-libraries", "jellyfin-administrator", "playback", "jellyfin-space"),
        *("watch-folder", "image-updates"),
    }
    assert applies <= set(states)
    # Docker's socket is dead: it is named once, and its services are unknown, not bad.
    assert states["docker"] == "bad"
    assert {state for check, state in states.items() if check.startswith("service-")} == {"unknown"}
    assert (states["temperature"], states["power"], states["disk-smart"]) == ("unknown",) * 3
    # systemctl is not there at all, which no probe expects.
    assert states[CHECKS_ENDED] == "warning"
    assert found == status(home)


def test_the_worst_is_listed_first(bare: tuple[Home, dict[str, Any]]) -> None:
    listed = [one["state"] for one in bare[1]["checks"]]
    assert listed == sorted(listed, key=["bad", "warning", "unknown", "ok"].index)
    assert bare[1]["state"] == "bad"


def test_the_limits_fit_into_the_interval() -> None:
    assert PROBES_S + MESSAGES_S + PING_S < report.INTERVAL_S
    assert all(one.limit_s < PROBES_S for one in PROBES)


def test_a_household_without_address_pages_is_not_asked_for_its_address(tmp_path: Path) -> None:
    home = Home(tmp_path, [one for one in PROBES if one.name == "exit address"])
    assert home.states(home.check())["vpn-exit"] == "unknown"
    home.given = {"address_pages": []}
    assert "vpn-exit" not in home.states(home.check())


def test_a_command_that_hangs_ends_before_its_probe() -> None:
    """Else the other checks of that probe would have no answer."""
    limits = {one.name: one.limit_s for one in PROBES}
    assert limits["board"] > 2 * COMMAND_TIMEOUT_S
    # A page is asked through the tunnel, then by the host itself.
    assert limits["exit address"] > 4 * (PAGE_S + TIMEOUT_S)
    assert limits["jellyfin"] > 4 * jellyfin.TIMEOUT_S
    assert limits["transmission"] > 2 * transmission.TIMEOUT_S
    assert limits["containers"] > 2 * DOCKER_TIMEOUT_S


def test_each_check_belongs_to_one_probe() -> None:
    made = [check for one in PROBES for check in one.checks]
    assert sorted([*made, CHECKS_ENDED]) == sorted(one.id for one in CHECKS)
    assert len({one.name for one in PROBES}) == len(PROBES)
    assert {one.subject for one in CHECKS} == set(report.SUBJECTS)
    assert len(known_checks(())) == len(CHECKS)


# --- Faults.


def hang() -> list[Finding]:
    time.sleep(60)
    return []


def test_a_probe_that_hangs_is_named_and_the_others_are_made(tmp_path: Path) -> None:
    home = Home(
        tmp_path, [probe(WELL), Probe("SMART", lambda environment: hang(), ("disk-smart",), 0.3), probe(HOT, name="c")]
    )
    begun = time.monotonic()
    found = home.check()
    assert time.monotonic() - begun < 10
    assert home.states(found) == {
        **{"temperature": "bad", CHECKS_ENDED: "warning", "disk-smart": "unknown", "memory": "ok"}
    }
    (ended,) = (one for one in found["checks"] if one["id"] == CHECKS_ENDED)
    assert ended["text"] == "probe SMART: it has not answered within 0.3 s"


def test_a_disk_that_never_answers_is_bad(tmp_path: Path) -> None:
    home = Home(tmp_path, [Probe("disk", lambda environment: hang(), ("disk-space",), 0.3, late=State.BAD)])
    found = home.check()
    assert home.states(found)["disk-space"] == "bad"


def test_all_probes_together_have_a_limit(tmp_path: Path) -> None:
    slow = [Probe(f"p{number}", lambda environment: hang(), ("memory",), 60) for number in range(3)]
    home = Home(tmp_path, slow, limits={"probes_s": 0.5})
    begun = time.monotonic()
    home.check()
    assert time.monotonic() - begun < 8


def test_two_health_checks_never_run_at_once(tmp_path: Path) -> None:
    home = Home(tmp_path, [probe(WELL)])
    with files.locked(tmp_path / "run" / "lock"), pytest.raises(TimeoutError):
        home.check()
    assert home.check()["state"] == "ok"


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"run": "x"}', '{"tracks": {"memory": {}}}', "\x00" * 50])
def test_a_damaged_memory_is_kept_aside_and_problems_are_reported_again(tmp_path: Path, text: str) -> None:
    home = Home(tmp_path, [probe(HOT)])
    home.check()
    (home.state / "health" / "state.json").write_text(text)
    found = home.check()
    assert home.states(found)["temperature"] == "bad"
    aside = home.state / "health" / "state.json.damaged"
    if text:  # an empty file is as good as none
        assert aside.read_text() == text
        assert any("state.json was damaged; it is kept as" in one for one in home.troubles)
    assert json.loads((home.state / "health" / "state.json").read_text())["run"] == 1


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 99}', "\x00" * 50])
def test_a_damaged_result_is_written_again(tmp_path: Path, text: str) -> None:
    home = Home(tmp_path, [probe(HOT)])
    first = home.check()
    (home.state / "status.json").write_text(text)
    found = home.check()
    assert status(home) == found
    # Nothing was lost with it: since when is known from another file.
    assert found["checks"][0]["since"] == first["checks"][0]["since"]


def full_disk(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Every file below a folder fails to be written."""
    real = files.replace

    def replace_file(path: Any, content: bytes, **more: Any) -> None:
        if Path(path).is_relative_to(folder):
            raise OSError(28, "No space left on device", str(path))
        real(path, content, **more)

    monkeypatch.setattr(files, "replace", replace_file)


def test_on_a_full_disk_the_message_is_sent_and_what_is_known_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = tmp_path / "sent"
    home = Home(tmp_path, [probe(HOT)], urls=(URL,), load=recorder(sent))
    home.check()
    full_disk(monkeypatch, home.state)
    home.check()
    assert any("No space left on device" in one for one in home.troubles)
    assert sent.read_text().count("BAD: temperature") == 1
    assert (tmp_path / "run" / "health.json").exists(), "it is in the memory filesystem meanwhile"
    home.check()
    assert sent.read_text().count("BAD: temperature") == 1, "it is not sent again"
    monkeypatch.undo()
    home.check()
    assert not (tmp_path / "run" / "health.json").exists()
    assert json.loads((home.state / "health" / "state.json").read_text())["run"] == 4
    assert sent.read_text().count("BAD: temperature") == 1


def test_without_its_folder_the_check_is_made(tmp_path: Path) -> None:
    """As on a system whose filesystem the kernel has made read-only."""
    home = Home(tmp_path, [probe(HOT)])
    shutil.rmtree(home.state)
    home.state.write_text("not a folder")
    found = home.check()
    assert found["state"] == "bad"
    assert any("cannot be" in one for one in home.troubles)


def recorder(path: Path) -> Callable[[], Any]:
    """Return an apprise that notes its messages in a file; it is loaded in a child process."""

    def load() -> Any:
        made = Apprise()
        module = made()
        notify = made._notify

        def note(url: str, title: str, body: str) -> bool:
            with path.open("a") as file:
                file.write(f"{title}\n{body}\n")
            return notify(url, title, body)

        made._notify = note  # type: ignore[method-assign]
        return module

    return load


@pytest.mark.usefixtures("capsys")  # the child process closes the files of pytest's own capture
def test_a_service_for_messages_that_hangs_holds_up_nothing(tmp_path: Path) -> None:
    sent = tmp_path / "sent"

    def load() -> Any:
        made = Apprise()
        module, notify = made(), made._notify

        def slow(url: str, title: str, body: str) -> bool:
            if url.startswith("gotify"):
                time.sleep(60)
            with sent.open("a") as file:
                file.write(f"{body}\n")
            return notify(url, title, body)

        made._notify = slow  # type: ignore[method-assign]
        return module

    home = Home(tmp_path, [probe(LEAK)], urls=("gotify://gotify.example/s3cr3t", URL), load=load)
    begun = time.monotonic()
    home.check()
    assert time.monotonic() - begun < 8
    assert sent.read_text().count("BAD: address on the internet") == 1, "the other address has it"
    assert status(home)["state"] == "bad"
    waiting = json.loads((home.state / "notify" / "outbox.json").read_text())["pending"]
    assert [(len(one["to"]), one["tries"]) for one in waiting] == [(1, 1)]


def test_a_clock_before_2020_is_named_and_delays_no_message(tmp_path: Path) -> None:
    sent = tmp_path / "sent"
    home = Home(tmp_path, urls=(URL,), load=recorder(sent), moment=Moment(1000.0, 50.0, BOOT))
    home.probes = [one for one in PROBES if one.name == "host"]
    for _run in range(2):
        found = home.check()
    (clock,) = (one for one in found["checks"] if one["id"] == "clock")
    assert (clock["state"], clock["text"]) == ("bad", "the clock shows the year 1970, so no certificate is valid")
    assert "BAD: clock: the clock shows the year 1970" in sent.read_text()


@pytest.mark.parametrize("step", [86400.0 * 400, -86400.0 * 400])
def test_a_clock_that_is_set_repeats_no_message(tmp_path: Path, step: float) -> None:
    sent = tmp_path / "sent"
    home = Home(tmp_path, [probe(HOT)], urls=(URL,), load=recorder(sent))
    for number in range(6):
        if number == 3:
            home.moment = replace(home.moment, wall=home.moment.wall + step)
        found = home.check()
    assert sent.read_text().count("temperature") == 1
    jsonschema.validate(found, report.SCHEMA)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_a_damaged_list_of_services_is_a_warning(tmp_path: Path, text: str) -> None:
    home = Home(tmp_path, [probe(WELL)])
    (home.root / "gateway" / "gateway.json").write_text(text)
    found = home.check()
    (ended,) = (one for one in found["checks"] if one["id"] == CHECKS_ENDED)
    assert ended["state"] == "warning"
    assert ended["text"].startswith("the household's services are not known: gateway.json cannot be used")
    assert found["state"] == "warning"


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_damaged_addresses_of_messages_stop_nothing(tmp_path: Path, text: str) -> None:
    home = Home(tmp_path, [probe(HOT)], notify=text)
    assert home.check()["state"] == "bad"
    assert home.troubles == [f"no messages are sent: {tmp_path}/secrets/notify.json is damaged; run the playbook again"]


# --- Messages.


def test_a_change_is_one_message_and_its_end_another(tmp_path: Path) -> None:
    sent = tmp_path / "sent"
    home = Home(tmp_path, [probe(WELL, HOT)], urls=(URL,), load=recorder(sent))
    home.check()
    assert not sent.exists(), "it is damped"
    for _run in range(4):
        home.check()
    since = time.strftime("%Y-%m-%d %H:%M", time.localtime(NOW))
    assert sent.read_text().splitlines()[:3] == [
        "Media server: 1 problem",
        f"BAD: temperature: the processor has 90 degrees (since {since})",
        "  What to do: give the Pi a fan",
    ]
    assert len(sent.read_text().splitlines()) == 3
    home.probes = [probe(WELL, COOL)]
    for _run in range(3):
        home.check()
    assert sent.read_text().splitlines()[3:] == [
        "Media server: good again",
        "good again: temperature: the processor has 50 degrees",
    ]


def test_while_the_playbook_works_only_what_is_urgent_is_sent(tmp_path: Path) -> None:
    sent = tmp_path / "sent"
    home = Home(tmp_path, [probe(HOT, LEAK)], urls=(URL,), load=recorder(sent), held=True)
    for _run in range(3):
        home.check()
    assert "vpn" not in sent.read_text() and "temperature" not in sent.read_text()
    assert sent.read_text().count("BAD: address on the internet") == 1
    home.held = False
    for _run in range(2):
        home.check()
    assert sent.read_text().count("BAD: temperature") == 1


@pytest.mark.parametrize("titles", [False, True])
def test_titles_leave_only_where_they_are_wanted(tmp_path: Path, titles: bool) -> None:
    sent = tmp_path / "sent"
    waits = Finding("import-waiting", State.WARNING, "1 download has not arrived", "look", private="Dune (2021)")
    home = Home(tmp_path, [probe(waits, name="import")], urls=(URL,), load=recorder(sent), titles=titles)
    for _run in range(2):
        home.check()
    texts = [
        sent.read_text(),
        (home.state / "status.json").read_text(),
        (tmp_path / "run" / "motd.d" / "mediaserver").read_text(),
    ]
    assert ["Dune" in text for text in texts] == [titles] * 3
    assert "Dune" not in (tmp_path / "metrics" / "mediaserver.prom").read_text()


# --- Outputs.


def test_the_login_message_is_there_while_something_is_wrong(tmp_path: Path) -> None:
    home = Home(tmp_path, [probe(HOT)])
    home.check()
    shown = tmp_path / "run" / "motd.d" / "mediaserver"
    assert shown.read_text().startswith("Media server: 1 thing needs attention (")
    assert "  BAD: temperature: the processor has 90 degrees\nWhat to do: mediaserver status\n" in shown.read_text()
    assert (shown.stat().st_mode & 0o777, shown.parent.stat().st_mode & 0o777) == (0o644, 0o755)
    home.given = {"login_message": False}
    home.check()
    assert not shown.exists()
    home.given = {}
    home.check()
    assert shown.exists()
    home.probes = [probe(COOL)]
    home.check()
    assert not shown.exists()


def test_without_the_exporter_s_folder_no_metrics_are_written(tmp_path: Path) -> None:
    home = Home(tmp_path, [probe(WELL)])
    (tmp_path / "metrics").rmdir()
    home.check()
    assert home.troubles == [] and not (tmp_path / "metrics").exists()


def test_files_can_be_read_as_they_should(tmp_path: Path) -> None:
    home = Home(tmp_path, [probe(WELL)])
    home.check()
    modes = {
        path.name: path.stat().st_mode & 0o777
        for path in (home.state / "status.json", home.state / "health", home.state / "health" / "state.json")
    }
    assert modes == {"status.json": 0o644, "health": 0o700, "state.json": 0o600}
    assert os.listdir(tmp_path / "metrics") == ["mediaserver.prom"]


def test_what_changes_slowly_is_measured_once_an_hour(tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    key = tmp_path / "key"
    key.write_text("a")

    def read(environment: Any) -> list[Finding]:
        with calls.open("a") as file:
            file.write("x")
        return [ok("disk-smart", "the disk has no bad sectors")]

    home = Home(tmp_path, [Probe("SMART", read, ("disk-smart",), every=12, key=lambda environment: key.read_text())])
    for _run in range(12):
        found = home.check()
    assert calls.read_text() == "x"
    assert home.states(found)["disk-smart"] == "ok"
    # The time of the last real answer, not of the last run.
    (row,) = (one for one in found["checks"] if one["id"] == "disk-smart")
    assert row["answered"] == row["since"] != found["checked"]
    home.check()
    assert calls.read_text() == "xx"
    key.write_text("b")
    home.check()
    assert calls.read_text() == "xxx", "after a change"


@pytest.mark.parametrize(("patient", "number"), [(False, 3), (True, 1)])
def test_what_is_not_well_is_measured_again_at_once(tmp_path: Path, patient: bool, number: int) -> None:
    calls = tmp_path / "calls"

    def read(environment: Any) -> list[Finding]:
        with calls.open("a") as file:
            file.write("x")
        return [unknown("vpn-exit", "no page has answered")]

    home = Home(tmp_path, [Probe("exit", read, ("vpn-exit",), every=12, patient=patient)])
    for _run in range(3):
        home.check()
    assert calls.read_text() == "x" * number


def test_numbers_of_the_last_run_are_there_for_the_next(tmp_path: Path) -> None:
    def read(environment: Any) -> list[Finding]:
        last = environment.before.get("mediaserver_vpn_dropped_packets", -1)
        since = None if environment.last is None else environment.now.wall - environment.last.wall
        return [ok("vpn-drops", f"{last:g} {since}", Value("mediaserver_vpn_dropped_packets", last + 5))]

    home = Home(tmp_path, [Probe("vpn", read, ("vpn-drops",))])
    texts = [home.check()["checks"][0]["text"] for _run in range(3)]
    assert texts == ["-1 None", "4 300.0", "9 300.0"]


def test_the_dead_man_s_switch_is_logged_once(tmp_path: Path) -> None:
    home = Home(tmp_path, [probe(WELL)], ping=lambda root: "it answers with status 500")
    home.check()
    assert home.troubles == ["upkeep_health_ping_url was not reached: it answers with status 500"]
    home.check()
    assert home.troubles == []
    home.ping = lambda root: ""
    home.check()
    home.ping = lambda root: "no answer"
    home.check()
    assert len(home.troubles) == 1


def test_a_household_resumes_downloads_below_the_mark_at_which_they_stop(tmp_path: Path) -> None:
    made = Settings.from_json(settings_data(tmp_path, disk_resume_percent=99))
    assert made.disk_resume_percent == 94


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_settings_that_cannot_be_used_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "health.json").write_text(text)
    with pytest.raises(FileProblem, match="run the playbook again"):
        Settings.read(tmp_path)
