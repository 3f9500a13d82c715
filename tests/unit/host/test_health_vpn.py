# SPDX-License-Identifier: GPL-3.0-or-later
"""The VPN's checks: what vpn-monitor has observed, and the address that the internet sees."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from health_home import Commands, DockerWith, environment, only, running, states
from mediaserver.health import exit_address, units, vpn
from mediaserver.health.model import Finding, State
from mediaserver.services import Service

ONLINE: dict[str, Any] = {"version": 2, "state": "online", "problems": [], "leak_attempts": 0}


def judge(told: dict[str, Any], **changes: Any) -> list[Finding]:
    given = {"monitor": "active", "keeper": "active", "forwarding_off": (), "dropped_before": 0.0, **changes}
    return vpn.judge({**ONLINE, **told}, **given)


def problem(code: str, text: str = "what is wrong") -> dict[str, Any]:
    return {"problems": [{"code": code, "text": text}]}


def test_where_all_is_well_every_check_says_so() -> None:
    assert states(judge({})) == dict.fromkeys((vpn.TUNNEL, vpn.FORWARDING, vpn.OUTER, vpn.INNER, vpn.DROPS), State.OK)


@pytest.mark.parametrize(
    ("told", "state", "words"),
    [
        ({"state": "healing", **problem("tunnel-dead", "the server does not answer")}, State.BAD, "does not answer"),
        ({"state": "healing"}, State.BAD, "vpn-monitor repairs it"),
        ({"state": "offline", **problem("offline", "no internet")}, State.WARNING, "no internet"),
        ({"state": "waiting"}, State.WARNING, "not up yet"),
        ({"state": "held"}, State.OK, "not observed now"),
        (problem("mtu", "large packets are lost"), State.WARNING, "it is up, but large packets are lost"),
        # Another check says this.
        (problem("outer-barrier"), State.OK, "it is up"),
        (problem("container-unhealthy", "jellyfin is not healthy"), State.OK, "it is up"),
        (
            {"state": "healing", **problem("container-stopped", "wireguard is stopped")},
            State.BAD,
            "wireguard is stopped",
        ),
        ({"state": "another"}, State.BAD, "'another'"),
    ],
)
def test_the_tunnel(told: dict[str, Any], state: State, words: str) -> None:
    found = only(judge(told), vpn.TUNNEL)
    assert found.state is state and words in found.text


@pytest.mark.parametrize(
    ("code", "check"), [("outer-barrier", vpn.OUTER), ("inner-barrier", vpn.INNER)], ids=["outer", "inner"]
)
def test_a_damaged_barrier_is_bad_alone(code: str, check: str) -> None:
    found = states(judge(problem(code)))
    assert {name for name, state in found.items() if state is State.BAD} == {check}


def test_without_its_keeper_the_outer_barrier_is_bad() -> None:
    assert only(judge({}, keeper="failed"), vpn.OUTER).state is State.BAD


@pytest.mark.parametrize(
    ("told", "changes"),
    [({"state": "blind"}, {}), ({"state": "stopped"}, {}), ({"state": ""}, {}), ({}, {"monitor": "failed"})],
)
def test_what_is_not_observed_is_unknown(told: dict[str, Any], changes: dict[str, Any]) -> None:
    found = judge(told, **changes)
    assert {only(found, check).state for check in (vpn.TUNNEL, vpn.OUTER, vpn.INNER, vpn.DROPS)} == {State.UNKNOWN}
    assert only(found, vpn.FORWARDING).state is State.OK


@pytest.mark.parametrize(
    ("counted", "before", "state", "words"),
    [
        (3, 3.0, State.OK, "no packet"),
        (3, None, State.OK, "no packet"),
        (5, 3.0, State.WARNING, "dropped 2 more packets"),
        # A boot in between.
        (2, 7.0, State.WARNING, "dropped 2 more packets"),
        (0, 7.0, State.OK, "no packet"),
        (None, 7.0, State.UNKNOWN, "not read"),
        (True, 7.0, State.UNKNOWN, "not read"),
    ],
)
def test_the_counter_of_dropped_packets(counted: object, before: float | None, state: State, words: str) -> None:
    found = only(judge({"leak_attempts": counted}, dropped_before=before), vpn.DROPS)
    assert found.state is state and words in found.text


def test_forwarding_that_is_off_is_bad() -> None:
    assert only(judge({}, forwarding_off=("net.ipv4.ip_forward",)), vpn.FORWARDING).state is State.BAD


ACTIVE = {"systemctl is-active": (0, "active\nactive\n")}


@pytest.mark.parametrize("text", [None, "", "{", "[]", "3", '{"problems": 7}', '{"problems": [3]}'])
def test_a_damaged_state_file_proves_nothing(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "vpn.json").write_text(text)
    found = vpn.read(environment(tmp_path, run=Commands(ACTIVE)))
    assert only(found, vpn.TUNNEL).state is State.UNKNOWN


def test_the_state_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "vpn.json").write_text(json.dumps({**ONLINE, "leak_attempts": 9}))
    made = environment(tmp_path, run=Commands(ACTIVE), before={vpn.DROPPED: 4.0})
    found = vpn.read(made)
    assert (only(found, vpn.TUNNEL).state, only(found, vpn.DROPS).state) == (State.OK, State.WARNING)


# --- Units.


@pytest.mark.parametrize(
    ("answer", "state", "words"),
    [
        ("active\n" * 5, State.OK, "5 units are active"),
        ("active\nactive\nactivating\nactive\nactive\n", State.OK, "5 units"),
        ("active\nactive\nfailed\nactive\nactive\n", State.BAD, "docker.service is failed"),
        ("Failed to connect to bus: Connection refused\n", State.UNKNOWN, "systemd does not answer"),
        ("", State.UNKNOWN, "systemd does not answer"),
    ],
)
def test_units(tmp_path: Path, answer: str, state: State, words: str) -> None:
    (found,) = units.read(environment(tmp_path, run=Commands({"systemctl is-active": (0, answer)})))
    assert found.state is state and words in found.text


def test_units_of_the_role_upkeep_count_where_they_are_wanted(tmp_path: Path) -> None:
    made = environment(tmp_path, run=Commands({"systemctl is-active": (3, "active\n" * 6 + "inactive\n")}))
    wanted = ("mediaserver-discovery.service", "mediaserver-import.timer")
    (found,) = units.read(replace(made, settings=replace(made.settings, units=wanted)))
    assert (found.state, found.text) == (State.BAD, "mediaserver-import.timer is inactive")


# --- The address on the internet.


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ([("198.51.100.7", "203.0.113.9")], State.OK),
        ([("203.0.113.9", "203.0.113.9")], State.BAD),
        # Both empty, one empty, nonsense: no evidence of either.
        ([("", "")], State.UNKNOWN),
        ([("198.51.100.7", "")], State.UNKNOWN),
        ([("", "203.0.113.9")], State.UNKNOWN),
        ([("<html>blocked</html>", "<html>blocked</html>")], State.UNKNOWN),
        ([("same words", "same words")], State.UNKNOWN),
        ([], State.UNKNOWN),
        ([("", ""), ("198.51.100.7", "203.0.113.9")], State.OK),
        ([("", ""), ("203.0.113.9", "203.0.113.9")], State.BAD),
    ],
)
def test_the_address_has_three_answers(answers: Sequence[tuple[str, str]], state: State) -> None:
    found = exit_address.judge(answers)
    assert found.state is state
    assert "203.0.113.9" not in found.text, "the host's own address is in no text"


class Pages:
    """Answers through the tunnel by ``docker exec … curl``; notes what it was asked in a list."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        assert command[:4] == ["docker", "exec", "id-transmission", "curl"]
        page = command[-1]
        self.asked.append(page)
        if self.answers[page] == "hangs":
            raise subprocess.TimeoutExpired(command, 15)
        return subprocess.CompletedProcess(list(command), 0, f"{self.answers[page]}\n", "")


def test_pages_are_asked_until_one_answers_on_both_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    direct = {"b": OSError("offline"), "c": "203.0.113.9"}

    def ask(page: str) -> str:
        answer = direct[page]
        if isinstance(answer, OSError):
            raise answer
        return answer

    monkeypatch.setattr(exit_address, "ask_over_ipv4", ask)
    pages = Pages(a="hangs", b="198.51.100.7", c="198.51.100.7", d="198.51.100.7")
    made = environment(tmp_path, run=pages, docker=lambda: DockerWith(*running("transmission")))
    made = replace(made, settings=replace(made.settings, address_pages=("a", "b", "c", "d")))
    (found,) = exit_address.read(made)
    assert (found.state, pages.asked) == (State.OK, ["a", "b", "c"])


@pytest.mark.parametrize(
    ("docker", "words"),
    [
        (lambda: DockerWith(silent="Docker does not answer"), "Docker does not answer"),
        (DockerWith, "Transmission does not run"),
    ],
)
def test_without_a_container_the_address_is_unknown(tmp_path: Path, docker: Any, words: str) -> None:
    (found,) = exit_address.read(environment(tmp_path, docker=docker))
    assert found.state is State.UNKNOWN and words in found.text


def test_without_a_service_that_has_curl_the_address_is_unknown(tmp_path: Path) -> None:
    made = environment(tmp_path, services=(Service("sonarr", "Sonarr", "vpn"),))
    (found,) = exit_address.read(made)
    assert found.state is State.UNKNOWN and "no service with curl" in found.text
