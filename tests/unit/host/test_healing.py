# SPDX-License-Identifier: GPL-3.0-or-later
"""When vpn-monitor restarts an unhealthy service: after a time, not during a playback or a migration, with backoff."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from docker_script import scripted
from hypothesis import given
from hypothesis import strategies as st
from mediaserver._core.errors import AccessDenied, ProtocolError, Unreachable
from mediaserver._core.names import HOLDER, JELLYFIN_LOCKED, TUNNEL
from mediaserver._core.transport import Response
from mediaserver.monitor import jellyfin_use
from mediaserver.monitor.decide import Decision, decide
from mediaserver.monitor.healing import IN_USE_S, PAUSE_S, PLAYBACK_S, UNHEALTHY_S
from mediaserver.monitor.monitor_state import MAX_PAUSE_S, MonitorState
from mediaserver.monitor.observation import Container, ContainerState, Observation, Use
from mediaserver.monitor.problems import Code, Problem
from mediaserver.monitor.repairs import Repairs
from mediaserver.monitor.steps import Act, Step
from observations import ALL_WELL, APP, WELL, containers, texts

ILL = replace(
    WELL, containers={**ALL_WELL, APP: Container(unhealthy=True)}, restarted_when_unhealthy=(TUNNEL, APP, HOLDER)
)
STARTING = replace(ILL, containers={**ALL_WELL, APP: Container(starting=True)})
ROUND_S = 5.0
RESTART = Step(Act.RESTART, f"{APP} is not healthy", (APP,), Code.CONTAINER_UNHEALTHY)


def watch(rounds: Mapping[float, Observation], until: float, state: MonitorState | None = None) -> list[float]:
    """Return when the service is restarted; ``rounds``: what is observed from a time on."""
    found, state, now = [], state or MonitorState(), 0.0
    while now <= until:
        observed = rounds[max(at for at in rounds if at <= now)]
        decision = decide(observed, state, now)
        state = decision.state
        if decision.step:
            assert decision.step == RESTART
            found.append(now)
        now += ROUND_S
    return found


def using(use: Use) -> Observation:
    return replace(ILL, uses={APP: use})


def test_restarts_after_a_time_and_not_before() -> None:
    assert watch({0.0: ILL}, UNHEALTHY_S - 1) == []
    assert watch({0.0: ILL}, UNHEALTHY_S) == [UNHEALTHY_S]


def test_a_service_that_recovers_is_not_restarted() -> None:
    assert watch({0.0: ILL, 25.0: WELL, 30.0: ILL, 55.0: WELL}, 200.0) == []


def test_restarts_that_do_not_help_become_rarer() -> None:
    """After each, the container is starting for a minute, and then unhealthy again."""
    state, now, restarts = MonitorState(), 0.0, []
    restarted = -1e9
    while now < 7200:
        decision = decide(STARTING if now < restarted + 60 else ILL, state, now)
        state = decision.state
        if decision.step:
            restarts.append(now)
            restarted = now
        now += ROUND_S
    gaps = [after - before for before, after in itertools.pairwise(restarts)]
    assert gaps[0] == 60 + UNHEALTHY_S
    assert gaps == sorted(gaps)
    assert gaps[-1] == MAX_PAUSE_S
    assert len(restarts) < 7200 / 250


def test_a_service_that_has_recovered_begins_again_with_the_first_pause() -> None:
    key = (Act.RESTART, APP)
    decision = decide(WELL, MonitorState(attempts={key: (900.0, 5)}), 0.0)
    assert decision.state.attempts == {}
    kept = decide(STARTING, MonitorState(attempts={key: (900.0, 5)}), 0.0)
    assert kept.state.attempts == {key: (900.0, 5)}
    once = decide(ILL, MonitorState(unhealthy={APP: 0.0}), 100.0).state
    assert once.attempts[key] == (100.0 + PAUSE_S, 1)


@pytest.mark.parametrize("use", [Use.IN_USE, Use.UNKNOWN])
def test_a_service_in_use_waits_a_quarter_of_an_hour_at_most(use: Use) -> None:
    assert watch({0.0: using(use)}, IN_USE_S - 1) == []
    assert watch({0.0: using(use)}, IN_USE_S) == [IN_USE_S]


def test_it_is_restarted_when_the_playback_has_ended() -> None:
    found = watch({0.0: using(Use.IN_USE), 200.0: using(Use.FREE)}, 400.0)
    assert found[0] == 195.0 + PLAYBACK_S


def test_a_playback_that_is_missing_in_some_answers_still_counts() -> None:
    """Sessions vanish for some seconds, until the client's next report."""
    rounds = {at: using(Use.IN_USE if at % 50 == 0 else Use.FREE) for at in map(float, range(0, 800, 5))}
    assert watch(rounds, 795.0) == []


def test_a_migration_is_never_ended() -> None:
    assert watch({0.0: using(Use.MIGRATES)}, 4 * 3600.0) == []
    decision = decide(using(Use.MIGRATES), MonitorState(unhealthy={APP: 0.0}), 5000.0)
    assert texts(decision) == (
        f"{APP} is not healthy; it is not restarted, because it starts or migrates its database",
    )


def test_the_holder_and_the_tunnel_are_none_of_them() -> None:
    for name in (HOLDER, TUNNEL):
        ill = replace(ILL, containers={**ALL_WELL, name: Container(unhealthy=True)})
        decision = decide(ill, MonitorState(unhealthy={name: 0.0}), 5000.0)
        assert decision.step is not None
        assert (decision.step.act, decision.step.code) in {(Act.RELOAD_HOLDER, None), (Act.RESTART, Code.TUNNEL_FILES)}
        assert decision.state.unhealthy == {}


def test_a_waiting_service_is_a_problem_that_is_named_and_needs_no_haste() -> None:
    decision = decide(using(Use.IN_USE), MonitorState(), 0.0)
    wait = "restarted when no playback runs, and 15 minutes after it became so at the latest"
    assert decision.problems == (Problem(Code.CONTAINER_UNHEALTHY, f"{APP} is not healthy; it is {wait}"),)
    assert not decision.busy
    due = decide(ILL, MonitorState(unhealthy={APP: 0.0}), UNHEALTHY_S)
    assert due.busy
    assert due.problems == (RESTART.problem,)


def test_a_service_that_waits_delays_no_other_repair() -> None:
    observed = replace(using(Use.IN_USE), containers={**ILL.containers, "jackett": Container(ContainerState.STOPPED)})
    decision = decide(observed, MonitorState(), 0.0)
    assert decision.step is not None
    assert (decision.step.act, decision.step.targets) == (Act.START, ("jackett",))


def test_a_hold_and_a_silent_docker_stop_the_healing() -> None:
    state = MonitorState(unhealthy={APP: 0.0})
    assert decide(replace(ILL, held=True), state, 5000.0).step is None
    silent = replace(ILL, docker=False, containers={}, tunnel=None)
    assert decide(silent, state, 5000.0).step is None


@given(
    st.lists(st.tuples(containers, st.sampled_from([None, *Use]), st.floats(0.0, 400.0)), max_size=30),
    st.sampled_from([(), (APP,), (APP, HOLDER, TUNNEL)]),
)
def test_whatever_is_observed_the_rules_hold(
    looks: list[tuple[Container, Use | None, float]], restarted: tuple[str, ...]
) -> None:
    state, now = MonitorState(), 0.0
    decision: Decision
    for found, use, pause in looks:
        observed = replace(
            WELL,
            containers={**ALL_WELL, APP: found},
            restarted_when_unhealthy=restarted,
            uses={} if use is None else {APP: use},
        )
        decision = decide(observed, state, now)
        state = decision.state
        if decision.step and decision.step.code is Code.CONTAINER_UNHEALTHY:
            assert decision.step.targets == (APP,)
            assert APP in restarted
            assert found.unhealthy
            assert use is not Use.MIGRATES
            since = state.unhealthy[APP]
            assert now >= since + UNHEALTHY_S
            assert use not in (Use.IN_USE, Use.UNKNOWN) or now >= since + IN_USE_S
        now += pause


# --- Asking Jellyfin.


class Jellyfin:
    """A server with this health and these sessions."""

    url = "http://jellyfin:8096"

    def __init__(self, health: Response | Exception, sessions: Any = None) -> None:
        self.health, self.sessions, self.token, self.asked = health, sessions, "", [""]

    def get_health(self) -> Response:
        if isinstance(self.health, Exception):
            raise self.health
        return self.health

    def get(self, path: str) -> Any:
        assert path == "/Sessions"
        self.asked.append(self.token)
        if isinstance(self.sessions, Exception):
            raise self.sessions
        return self.sessions


HEALTHY = Response(200, {}, b"Healthy")
KEY = "0123456789abcdef0123456789abcdef"
PLAYS = {"NowPlayingItem": {"Name": "x"}, "PlayState": {"IsPaused": False}}
PAUSED = {"NowPlayingItem": {"Name": "x"}, "PlayState": {"IsPaused": True}}
IDLE = {"UserName": "child", "PlayState": {"IsPaused": False}}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "jellyfin.key").write_text(f"{KEY}\n")
    (tmp_path / "secrets" / "jellyfin.key").chmod(0o600)
    (tmp_path / "scripts").mkdir()
    return tmp_path


def locks(root: Path, code: int) -> None:
    script = root / "scripts" / "jellyfin-unlock"
    script.write_text(
        f'#!/bin/sh\n[ "$1" = --ask ] && [ "$2" = {root}/config/jellyfin/data/jellyfin.db ] && exit {code}\n'
    )
    script.chmod(0o755)


@pytest.mark.parametrize(
    ("health", "sessions", "use"),
    [
        (HEALTHY, [IDLE, PLAYS], Use.IN_USE),
        (HEALTHY, [PAUSED], Use.IN_USE),
        (HEALTHY, [IDLE], Use.FREE),
        (HEALTHY, [], Use.FREE),
        (HEALTHY, {"error": 1}, Use.IN_USE),
        (HEALTHY, ["nonsense"], Use.IN_USE),
        (HEALTHY, AccessDenied("401"), Use.UNKNOWN),
        (HEALTHY, Unreachable("late"), Use.UNKNOWN),
        (HEALTHY, ProtocolError("no JSON"), Use.UNKNOWN),
        (Response(200, {}, b"Degraded"), None, Use.MIGRATES),
        (Response(503, {}, b"Jellyfin is loading"), None, Use.MIGRATES),
        (Response(503, {}, b"Unhealthy"), None, Use.FREE),
        (Response(404, {}, b""), None, Use.UNKNOWN),
        (Unreachable("refused", refused=True), None, Use.FREE),
        (Unreachable("no answer in time"), None, Use.FREE),
    ],
)
def test_jellyfin_says_whether_a_restart_would_cost_something(
    root: Path, health: Response | Exception, sessions: Any, use: Use
) -> None:
    locks(root, 0)
    jellyfin = Jellyfin(health, sessions)
    assert jellyfin_use.use_of(root, lambda token: jellyfin) is use
    assert jellyfin.asked[-1] == (KEY if sessions is not None else "")


@pytest.mark.parametrize("code", [0, 1, JELLYFIN_LOCKED])
def test_a_silent_jellyfin_migrates_while_its_database_is_locked(root: Path, code: int) -> None:
    locks(root, code)
    expected = Use.MIGRATES if code == JELLYFIN_LOCKED else Use.FREE
    assert jellyfin_use.use_of(root, lambda token: Jellyfin(Unreachable("late"))) is expected


def test_without_its_key_it_counts_as_in_use(root: Path) -> None:
    (root / "secrets" / "jellyfin.key").unlink()
    assert jellyfin_use.use_of(root, lambda token: Jellyfin(HEALTHY, [])) is Use.UNKNOWN


# --- The restart itself.


def test_the_restart_gives_the_service_its_own_time_to_stop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    listed = [{"Id": "jellyfin-id", "State": "running", "Labels": {"com.docker.compose.service": APP}}]
    with scripted(
        monkeypatch,
        tmp_path,
        ("GET /containers/json", 200, listed),
        ("POST /containers/jellyfin-id/restart", 204, None),
    ):
        Repairs(tmp_path).do(RESTART)
        # It runs beside vpn-monitor's loop.
        for thread in threading.enumerate():
            if thread.name == f"restart {APP}":
                thread.join(5)
