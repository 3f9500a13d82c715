# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics, messages, the login message, the memory between two runs, and the dead man's switch."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from health_home import BOOT, NOW
from mediaserver._core.errors import Unreachable
from mediaserver._core.transport import Response
from mediaserver.health import metrics, notices, outputs, ping, table
from mediaserver.health.environment import Moment
from mediaserver.health.model import Finding, State, Value, bad, ok, unknown, worst
from mediaserver.health.store import Kept, Memory, Store
from mediaserver.health.transitions import Kind, News, Track

KNOWN = table.known_checks(())
HOT = bad(
    "temperature", "the processor has 90 degrees", "give the Pi a fan", Value("mediaserver_temperature_celsius", 90)
)
FINDINGS = [
    HOT,
    ok("memory", "enough", Value("mediaserver_memory_available_ratio", 0.5)),
    unknown("disk-smart", "SMART cannot be read"),
    ok("disk-space", "x", Value("mediaserver_filesystem_free_bytes", 123456789012, (("filesystem", "data"),))),
    ok("system-space", "x", Value("mediaserver_filesystem_free_bytes", 5, (("filesystem", 'a"b\\c\nd'),))),
]


def rendered() -> str:
    answered = {"temperature": NOW, "memory": NOW, "disk-space": NOW}
    return metrics.render(FINDINGS, KNOWN, answered, now=NOW, duration_s=1.23456)


# The grammar of one line of the text format.
# Source: https://prometheus.io/docs/instrumenting/exposition_formats/.
SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)+)\})? (-?[0-9.e+]+)')


def test_each_sample_has_its_form_and_no_time_of_its_own() -> None:
    text = rendered()
    assert text.endswith("\n")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert lines
    for line in lines:
        assert SAMPLE.fullmatch(line), line


def test_each_metric_has_one_help_and_one_type_before_its_samples() -> None:
    seen: list[str] = []
    for line in rendered().splitlines():
        word, *rest = line.split(" ", 3)
        if word == "#":
            kind, name, text = rest
            assert text
            if kind == "HELP":
                assert name not in seen
                seen.append(name)
            else:
                assert (kind, name, text) == ("TYPE", seen[-1], "gauge")
        else:
            assert word.partition("{")[0] == seen[-1]
    assert seen == [name for name in metrics.METRICS if name in seen]


def test_states_and_answers_are_numbers_by_check() -> None:
    text = rendered()
    assert 'mediaserver_check_state{check="temperature",subject="host"} 2\n' in text
    assert 'mediaserver_check_state{check="memory",subject="host"} 0\n' in text
    assert 'mediaserver_check_state{check="disk-smart",subject="disk"} -1\n' in text
    answered = 'mediaserver_check_last_run_timestamp_seconds{check="%s"'
    assert f'{answered % "temperature"},subject="host"}} {NOW:.0f}\n' in text
    assert answered % "disk-smart" not in text, "it has never answered"
    assert 'mediaserver_filesystem_free_bytes{filesystem="data"} 123456789012\n' in text
    assert 'filesystem="a\\"b\\\\c\\nd"} 5\n' in text


def test_names_follow_prometheus() -> None:
    """A unit at the end, in its base form; no _total, which only counters have."""
    for name, text in metrics.METRICS.items():
        assert re.fullmatch(r"mediaserver_[a-z_]+", name)
        assert not name.endswith(("_total", "_ms", "_percent", "_kb", "_count"))
        assert text.endswith(".")


def test_every_metric_of_a_check_is_listed() -> None:
    used = {
        found
        for path in Path(metrics.__file__).parent.glob("*.py")
        for found in re.findall(r'"(mediaserver_[a-z_]+)"', path.read_text(encoding="utf-8"))
    }
    assert used == set(metrics.METRICS)


# --- Messages.


def news(kind: Kind, finding: Finding, *, flapping: bool = False) -> News:
    return News(kind, finding, NOW, flapping)


def test_a_message_says_what_and_what_to_do() -> None:
    message = notices.compose(
        [news(Kind.SOLVED, ok("memory", "enough")), news(Kind.REMINDER, HOT, flapping=True)], KNOWN, titles=False
    )
    assert message.heading == "Media server: 1 problem"
    lines = message.body.splitlines()
    assert re.fullmatch(
        r"still BAD: temperature: the processor has 90 degrees \(since \d{4}-\d\d-\d\d \d\d:\d\d\)", lines[0]
    )
    assert lines[1:] == ["  What to do: give the Pi a fan", f"  {notices.FLAPPING}", "good again: memory: enough"]


def test_the_heading_of_good_news() -> None:
    message = notices.compose([news(Kind.SOLVED, ok("memory", "enough"))], KNOWN, titles=False)
    assert message.heading == "Media server: good again"


def row(state: str, number: int = 0) -> dict[str, Any]:
    return {"state": state, "title": f"title {number}", "text": "text"}


def test_the_login_message_is_short() -> None:
    checks = [row("bad", number) for number in range(8)] + [row("unknown"), row("ok")]
    lines = outputs.login_message({"checked": "2027-01-15T09:00:00+01:00", "checks": checks}).splitlines()
    assert lines[0] == "Media server: 8 things need attention (2027-01-15 09:00)"
    assert lines[-2:] == ["  and 3 more", "What to do: mediaserver status"]
    assert len(lines) == outputs.SHOWN + 3
    assert outputs.login_message({"checked": "", "checks": [row("unknown"), row("ok")]}) == ""


def test_the_worst_state() -> None:
    assert worst([State.OK, State.UNKNOWN, State.WARNING]) is State.WARNING
    assert worst([]) is State.OK


# --- The memory between two runs.

MEMORY = Memory(
    7,
    Moment(NOW, 900.0, BOOT),
    {"temperature": Track(State.BAD, NOW, State.OK, 1, 2, (3, 4))},
    {"mediaserver_vpn_dropped_packets": 5.0},
    {"SMART": Kept(6, "key", (HOT, FINDINGS[3]))},
    {"memory": NOW},
    True,
)


def test_the_memory_survives_a_file(tmp_path: Path) -> None:
    store = Store(tmp_path / "a" / "state.json", tmp_path / "b" / "state.json")
    assert store.read() == (Memory(), "")
    assert store.write(MEMORY) == ""
    assert store.read() == (MEMORY, "")


def test_the_younger_of_both_files_is_used(tmp_path: Path) -> None:
    store = Store(tmp_path / "a" / "state.json", tmp_path / "b" / "state.json")
    Store(store.spare, tmp_path / "c").write(MEMORY)
    store.path.parent.mkdir()
    store.path.write_text(json.dumps({"run": 3}))
    assert store.read()[0].run == 7
    store.path.write_text(json.dumps({"run": 9}))
    assert store.read()[0].run == 9
    store.spare.write_text("{")
    assert store.read() == (Memory(9), "")


# --- The dead man's switch.

SECRET = "https://hc.example/s3cr3t"


class Page:
    def __init__(self, answer: int | Exception) -> None:
        self.answer = answer
        self.calls: list[tuple[str, str]] = []

    def request(
        self, method: str, url: str, *, headers: dict[str, str], body: bytes | None, timeout: float
    ) -> Response:
        self.calls.append((method, url))
        if isinstance(self.answer, Exception):
            raise self.answer
        return Response(self.answer, {}, b"")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (200, ""),
        (204, ""),
        (404, "it answers with status 404"),
        (302, "it answers with status 302"),
        (Unreachable(f"{SECRET}: no answer in time"), "the address of upkeep_health_ping_url: no answer in time"),
    ],
)
def test_the_page_is_asked_for(tmp_path: Path, answer: int | Exception, why: str) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "health-ping.url").write_text(f"{SECRET}\n")
    page = Page(answer)
    assert ping.send(tmp_path, page) == why
    assert page.calls == [("GET", SECRET)]


@pytest.mark.parametrize("text", [None, "", "\n"])
def test_without_an_address_nothing_is_asked_for(tmp_path: Path, text: str | None) -> None:
    (tmp_path / "secrets").mkdir()
    if text is not None:
        (tmp_path / "secrets" / "health-ping.url").write_text(text)
    page = Page(200)
    assert (ping.send(tmp_path, page), page.calls) == ("", [])
