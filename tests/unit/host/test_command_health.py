# SPDX-License-Identifier: GPL-3.0-or-later
"""``mediaserver health``, and what ``mediaserver status`` says of it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from command_host import make_context, run
from health_home import Home, probe
from mediaserver._core.errors import AccessDenied, FileProblem, ServiceProblem
from mediaserver.command import health, health_state, program
from mediaserver.command.frame import Context, Line, Outcome
from mediaserver.health import report
from mediaserver.health import run as health_run
from mediaserver.health.model import State, bad, ok, unknown, warning
from mediaserver.health.settings import SETTINGS, STATUS
from mediaserver.health.table import CHECKS

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools"))

import status_schema  # noqa: E402  (the tools are programs, not a package)

HOT = bad("temperature", "the processor has 90 degrees", "give the Pi a fan")
SLOW = warning("memory", "3 % of the memory are available", "play fewer things at once")
FINE = ok("disk-space", "50 % are used")
BLIND = unknown("disk-smart", "SMART cannot be read")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A household whose health check finds what ``probes`` say, also when the command makes it."""
    made = Home(tmp_path, [probe(HOT, SLOW, FINE, BLIND)])
    monkeypatch.setattr(health, "HealthCheck", lambda root: made)
    monkeypatch.setattr(Home, "run", Home.check, raising=False)
    return made


def context(home: Home, **changes: Any) -> Context:
    made = make_context(home.root)
    # A time shortly after the last check, by the clock of the files.
    return replace(made, now=lambda: home.moment.wall - 240, **changes)


def test_it_says_what_is_wrong_worst_first_with_what_to_do(home: Home) -> None:
    found = run(health, context(home))
    assert found.lines == [
        "  BAD: temperature: the processor has 90 degrees",
        "    -> give the Pi a fan",
        "  warning: memory: 3 % of the memory are available",
        "    -> play fewer things at once",
    ]
    assert found.exit_code == 3
    assert json.loads((home.state / "status.json").read_text()) == found.data


def test_where_all_is_well_it_says_so(home: Home) -> None:
    home.probes = [probe(FINE, BLIND)]
    found = run(health, context(home))
    assert (found.lines, found.exit_code, found.data["state"]) == (["all is well"], 0, "ok")


def test_cron_has_nothing_to_mail(home: Home) -> None:
    assert run(health, context(home), "--quiet").lines == []


def test_lines_for_the_journal_are_no_part_of_the_result(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.ping = lambda root: "no answer"
    run(health, context(home))
    printed = capsys.readouterr()
    assert (printed.out, "upkeep_health_ping_url was not reached" in printed.err) == ("", True)


def test_it_needs_root(home: Home) -> None:
    with pytest.raises(AccessDenied, match="sudo mediaserver health"):
        run(health, context(home, uid=lambda: 1000))


def test_another_health_check_is_named(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(home: Home) -> Any:
        raise TimeoutError

    monkeypatch.setattr(Home, "run", busy, raising=False)
    with pytest.raises(ServiceProblem, match="another health check runs"):
        run(health, context(home))


def test_without_settings_it_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match=r"health\.json does not exist; run the playbook again"):
        health_run.HealthCheck(tmp_path, lock=tmp_path / "lock").run()


# --- The part of status.


def shown(home: Home, **changes: Any) -> tuple[dict[str, Any], list[str], list[str]]:
    made = context(home, **changes)
    found = health_state.observe(made)
    return found["health"], health_state.lines(found, made.now()), health_state.attention(found)


def test_the_last_health_check_is_shown(home: Home) -> None:
    home.check()
    found, lines, attention = shown(home)
    assert lines[0] == "health        2 things are not well (checked 1 minute ago)"
    assert lines[1:3] == ["  BAD: temperature: the processor has 90 degrees", "    -> give the Pi a fan"]
    assert attention[0] == "temperature: the processor has 90 degrees"
    assert (len(found["problems"]), found["unknown"], found["trouble"]) == (2, 1, "")


def test_it_is_one_screen(home: Home) -> None:
    home.probes = [probe(*(bad(one, "text", "remedy") for one in [one.id for one in CHECKS][:20]))]
    home.check()
    _found, lines, _attention = shown(home)
    assert len(lines) == 1 + 2 * health_state.SHOWN + 1
    assert lines[-1] == "  and 15 more: mediaserver status --json"


def test_all_well_is_one_line(home: Home) -> None:
    home.probes = [probe(FINE, BLIND)]
    home.check()
    assert shown(home)[1:] == (["health        all is well (checked 1 minute ago)"], [])


def test_a_dead_cron_is_noticed(home: Home) -> None:
    home.probes = [probe(FINE)]
    home.check()
    later = home.moment.wall + 3 * 3600
    found, _lines, attention = shown(home)
    made = replace(context(home), now=lambda: later)
    old = health_state.observe(made)["health"]
    assert old["trouble"].startswith("the last health check was made 3 hours ago; see whether cron runs")
    assert health_state.attention({"health": old}) == [old["trouble"]]
    assert (found["trouble"], attention) == ("", [])


def test_a_clock_that_was_set_makes_no_check_old(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.probes = [probe(FINE)]
    home.check()
    monkeypatch.setattr(
        health_state, "_boot_id", lambda: json.loads((home.state / "status.json").read_text())["boot_id"]
    )
    monkeypatch.setattr(health_state.clock, "now", lambda: 5060.0)
    made = replace(context(home), now=lambda: home.moment.wall + 86400 * 400)
    assert health_state.observe(made)["health"]["trouble"] == ""


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", "{}", '{"version": 2}', "\x00" * 40, '{"version": 1, "checks": 3}']
)
def test_a_damaged_result_is_named(home: Home, text: str) -> None:
    home.check()
    (home.state / "status.json").write_text(text)
    found, lines, attention = shown(home)
    assert found["trouble"].startswith(f"{home.state}/status.json is damaged")
    assert len(lines) == len(attention) == 1


def test_before_the_first_check_it_says_so(home: Home) -> None:
    (home.root / "health.json").write_text("{}")
    assert shown(home)[0]["trouble"] == "no health check has been made yet; run it: sudo mediaserver health"


def test_a_household_without_the_health_check_is_not_at_fault(home: Home) -> None:
    found, lines, attention = shown(home)
    assert (found["trouble"], lines, attention) == ("", [], [])


def test_names_and_version_are_those_of_the_health_check() -> None:
    assert (health_state.SETTINGS, health_state.STATUS) == (SETTINGS, STATUS)
    assert health_state.VERSION == report.VERSION
    assert health_state.STALE_S > 3 * report.INTERVAL_S
    assert set(health_state.SIGNS) == {state for state in State if state.is_problem}
    assert set(program.COLOURS) == {state for state in State if state is not State.UNKNOWN}


def test_status_does_not_load_the_health_check() -> None:
    """It is asked for at each login: half a second is its limit."""
    lib = ROOT / "roles" / "runtime" / "files" / "lib"
    code = (
        f"import sys; sys.path.insert(0, {str(lib)!r})\n"
        "import mediaserver.command.status\n"
        "print(*(one for one in sys.modules if one.startswith(('mediaserver.health', 'http.client', 'ssl'))))"
    )
    begun = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("terminal", "no_colour", "coloured"), [(True, "", True), (False, "", False), (True, "1", False)]
)
def test_colour_is_for_terminals_only(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    terminal: bool,
    no_colour: str,
    coloured: bool,
) -> None:
    monkeypatch.setenv("NO_COLOR", no_colour)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    program._print(Outcome({}, [Line("hot", "bad"), "plain", Line("not known", "unknown")]), as_json=False)
    hot = "\033[1;31mhot\033[0m" if coloured else "hot"
    assert capsys.readouterr().out == f"{hot}\nplain\nnot known\n"


def test_the_document_of_the_schema_is_current() -> None:
    assert status_schema.TARGET.read_text(encoding="utf-8") == status_schema.schema(), "run: make docs"
