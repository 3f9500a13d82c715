# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the tunnel is up, for a person: the likely cause, whether the household can correct it, how long to wait."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mediaserver.monitor.monitor_state import MonitorState
from mediaserver.monitor.observation import Container, Observation, Tunnel
from mediaserver.monitor.observe import Observer
from mediaserver.monitor.problems import Code, Problem
from mediaserver.verify import status
from mediaserver.verify.status import Status, judge

SEEN = Observation(
    containers={"vpn": Container()},
    tunnel=Tunnel(),
    asked=("10.66.0.1", "vpn.example:51820", "digest"),
    peer="vpn.example:51820",
    endpoint="198.18.0.20",
    resolvers=("10.66.0.1",),
)
SILENT = replace(SEEN, tunnel=Tunnel(answered=False))
WORKED = MonitorState(trusted=True, asked=SEEN.asked)
LAN = Problem(Code.LAN_NOT_COVERED, "another router")
RULES = Problem(Code.DOCKER_SETTINGS, "no rules")


@pytest.mark.parametrize(
    ("observed", "state", "online", "carries", "up", "codes", "must_act"),
    [
        (SEEN, MonitorState(), None, False, True, [], False),
        (replace(SEEN, obstacles=(LAN,)), MonitorState(), None, False, True, [Code.LAN_NOT_COVERED], False),
        (SILENT, MonitorState(), True, True, True, [Code.RESOLVER_DEAD], False),
        (SILENT, MonitorState(), True, False, False, [Code.KEY_OR_ENDPOINT], True),
        # The state file of vpn-monitor remembers that exactly these keys have worked.
        (SILENT, WORKED, True, False, False, [Code.TUNNEL_DEAD], False),
        (replace(SILENT, asked=("another key",)), WORKED, True, False, False, [Code.KEY_OR_ENDPOINT], True),
        (SILENT, MonitorState(), False, False, False, [Code.OFFLINE], False),
        (SILENT, MonitorState(), None, False, False, [Code.KEY_OR_ENDPOINT], False),
        (replace(SILENT, forwarding_off=("x",)), WORKED, None, False, False, [Code.FORWARDING_OFF], True),
        (replace(SILENT, forwarding_off=("x",)), WORKED, False, False, False, [Code.FORWARDING_OFF], False),
        (replace(SILENT, endpoint=""), MonitorState(), True, False, False, [Code.ENDPOINT_UNRESOLVED], True),
        (replace(SILENT, forwarding_off=("x",)), WORKED, True, False, False, [Code.FORWARDING_OFF], True),
        (
            *(replace(SILENT, obstacles=(LAN, RULES)), WORKED, True, False, False),
            *([Code.DOCKER_SETTINGS, Code.LAN_NOT_COVERED], True),
        ),
        (replace(SEEN, tunnel=None), MonitorState(), True, False, False, [Code.CONTAINER_STOPPED], False),
        (replace(SEEN, docker=False, tunnel=None), MonitorState(), True, False, False, [Code.DOCKER_SILENT], False),
    ],
)
def test_the_status_by_what_is_seen(
    *,
    observed: Observation,
    state: MonitorState,
    online: bool | None,
    carries: bool,
    up: bool,
    codes: list[Code],
    must_act: bool,
) -> None:
    found = judge(observed, state, online=online, carries=carries)
    assert (found.up, [one.code for one in found.problems], found.must_act) == (up, codes, must_act)


def test_it_is_reported_as_json() -> None:
    found = Status(False, True, "vpn.example:51820", "", (Problem(Code.KEY_OR_ENDPOINT, "a wrong key"),))
    assert json.loads(found.to_json()) == {
        **{"version": 1, "up": False, "online": True, "peer": "vpn.example:51820", "endpoint": "", "must_act": True},
        "problems": [{"code": "key-or-endpoint", "text": "a wrong key"}],
    }


class ScriptedObserver(Observer):
    """Sees one observation after the other, the last one again and again."""

    def __init__(self, *looks: Observation) -> None:
        self.looks: Iterator[Observation] = iter(looks)
        self.last = looks[-1]
        self.number = 0

    def observe(self, gateway: object, *, held: bool = False) -> Observation:
        self.number += 1
        return next(self.looks, self.last)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr(status.time, "monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(status.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(status, "Gateway", lambda root, **_: None)
    monkeypatch.setattr(status.monitor_state, "load", lambda now: MonitorState())


def observe(observer: ScriptedObserver, wait: float, online: bool | None = True) -> Status:
    return status.observe(Path("/nowhere"), wait, observer=observer, is_online=lambda: online)


def test_a_tunnel_that_is_up_is_not_waited_for() -> None:
    observer = ScriptedObserver(SEEN)
    assert observe(observer, 30).up
    assert observer.number == 1


def test_one_that_comes_up_ends_the_wait() -> None:
    observer = ScriptedObserver(SILENT, SILENT, SEEN)
    assert observe(observer, 30).up
    assert observer.number == 3


@pytest.mark.parametrize("wait", [0.0, 30.0])
def test_one_that_stays_down_is_given_up_in_time(wait: float) -> None:
    observer = ScriptedObserver(SILENT)
    found = observe(observer, wait)
    assert (found.up, found.must_act) == (False, True)
    assert observer.number == max(1, wait)


def test_without_internet_it_is_given_up_at_the_second_observation() -> None:
    observer = ScriptedObserver(SILENT)
    assert observe(observer, 30, online=False).problems[0].code is Code.OFFLINE
    assert observer.number == 2


def test_packets_that_come_between_two_looks_show_that_it_carries() -> None:
    def counted(packets: int) -> Observation:
        return replace(SILENT, tunnel=Tunnel(answered=False, received=packets))

    assert observe(ScriptedObserver(counted(5), counted(6)), 30).problems[0].code is Code.RESOLVER_DEAD
    assert not observe(ScriptedObserver(counted(5), counted(5)), 30).up


def test_a_lost_packet_size_is_part_of_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    class Known:
        class settings:
            mtu = 1420

    monkeypatch.setattr(status, "Observer", lambda root: ScriptedObserver(SEEN))
    monkeypatch.setattr(status, "Gateway", lambda root, **_: Known)
    for works, codes in ((1420, []), (None, []), (1232, ["mtu"])):
        monkeypatch.setattr(status, "packet_size", lambda root, observer, works=works: works)
        told: dict[str, Any] = json.loads(status.report(Path("/nowhere"), 0))
        assert told["up"] is True
        assert [one["code"] for one in told["problems"]] == codes
