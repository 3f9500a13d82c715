# SPDX-License-Identifier: GPL-3.0-or-later
"""What vpn-monitor decides: the right step for each single fault, and how often it is tried."""

from __future__ import annotations

from dataclasses import replace

import pytest
from mediaserver._core.names import HOLDER, TUNNEL
from mediaserver.monitor.decide import (
    GONE_S,
    LADDER,
    LONGEST_PAUSE_S,
    PAUSES,
    ROUND_S,
    STEADY_S,
    Act,
    Container,
    Home,
    Life,
    Memory,
    Seen,
    Tunnel,
    decide,
)
from observations import ALL_WELL, APP, DEAD_TUNNEL, WELL, texts, with_container

NOW = 1000.0
# Of a host whose Docker had its rules once, and has them no more for long enough.
LONG_GONE = Memory(network_seen=True, network_gone=NOW - GONE_S)


def test_when_all_is_well_nothing_is_done_or_said() -> None:
    verdict = decide(WELL, Memory(), 0.0)
    assert (verdict.step, verdict.problems, verdict.tunnel_alive) == (None, (), True)


@pytest.mark.parametrize("online", [True, False, None])
def test_a_house_that_was_not_asked_or_is_offline_is_no_problem_while_the_tunnel_answers(online: bool | None) -> None:
    assert decide(replace(WELL, online=online), Memory(), 0.0).problems == ()


UNHEALTHY = replace(with_container(APP, Container(unhealthy=True)), restarted_when_unhealthy=(TUNNEL, APP))
FAULTS = {
    "barrier gone": (replace(WELL, barrier=False), Act.LOAD_BARRIER, ()),
    "barrier gone, Docker too": (replace(WELL, barrier=False, docker=False), Act.LOAD_BARRIER, ()),
    "Docker's network gone": (replace(WELL, network=False), Act.RESTART_DOCKER, ()),
    "holder missing": (with_container(HOLDER, Container(Life.MISSING)), Act.BRING_UP, (HOLDER,)),
    "tunnel missing": (with_container(TUNNEL, Container(Life.MISSING)), Act.BRING_UP, (TUNNEL,)),
    "holder stopped": (with_container(HOLDER, Container(Life.STOPPED)), Act.BRING_UP, ()),
    "holder paused": (with_container(HOLDER, Container(Life.PAUSED)), Act.UNPAUSE, (HOLDER,)),
    "holder unhealthy": (with_container(HOLDER, Container(unhealthy=True)), Act.RELOAD_HOLDER, ()),
    "tunnel unhealthy": (with_container(TUNNEL, Container(unhealthy=True)), Act.RESTART, (TUNNEL,)),
    "app unhealthy, and to be restarted then": (UNHEALTHY, Act.RESTART, (APP,)),
    "app missing": (with_container(APP, Container(Life.MISSING)), Act.BRING_UP, (APP,)),
    "app stopped": (with_container(APP, Container(Life.STOPPED)), Act.START, (APP,)),
    "app paused": (with_container(APP, Container(Life.PAUSED)), Act.UNPAUSE, (APP,)),
    "app in a dead namespace": (with_container(APP, Container(home=Home.DEAD)), Act.RESTART, (APP,)),
    "app of a holder that is gone": (with_container(APP, Container(home=Home.FOREIGN)), Act.RECREATE, (APP,)),
    "stopped app of a holder that is gone": (
        with_container(APP, Container(Life.STOPPED, home=Home.FOREIGN)),
        Act.RECREATE,
        (APP,),
    ),
    "tunnel stopped": (with_container(TUNNEL, Container(Life.STOPPED)), Act.START, (TUNNEL,)),
    "tunnel dead": (DEAD_TUNNEL, Act.RESOLVE, ()),
    "tunnel dead, house unknown": (replace(DEAD_TUNNEL, online=None), Act.RESOLVE, ()),
}
NO_STEP = {
    "Docker gone": (replace(WELL, docker=False, containers={}, tunnel=None), "Docker does not answer"),
    "house offline": (
        replace(DEAD_TUNNEL, online=False),
        "the host has no internet: none of the resolvers in /etc/resolv.conf answers",
    ),
    "held, tunnel dead": (replace(DEAD_TUNNEL, held=True), "the tunnel does not carry"),
    "held, app stopped": (replace(FAULTS["app stopped"][0], held=True), f"{APP} does not run"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_single_fault_leads_to_its_step(fault: str) -> None:
    seen, act, targets = FAULTS[fault]
    verdict = decide(seen, LONG_GONE, NOW)
    assert verdict.step is not None
    assert (verdict.step.act, verdict.step.targets) == (act, targets)
    assert verdict.step.problem in verdict.problems


@pytest.mark.parametrize("fault", NO_STEP)
def test_what_cannot_be_put_right_from_here_is_said_and_left_alone(fault: str) -> None:
    seen, problem = NO_STEP[fault]
    verdict = decide(seen, Memory(), 0.0)
    assert verdict.step is None
    assert problem in texts(verdict)


def test_a_barrier_is_put_up_even_while_held() -> None:
    verdict = decide(replace(WELL, held=True, barrier=False), Memory(), 0.0)
    assert verdict.step is not None
    assert verdict.step.act is Act.LOAD_BARRIER


@pytest.mark.parametrize("name", [HOLDER, TUNNEL, APP])
def test_what_docker_is_restarting_is_left_to_docker(name: str) -> None:
    assert decide(with_container(name, Container(Life.RESTARTING)), Memory(), 0.0).step is None


def test_the_first_of_many_faults_is_the_outermost() -> None:
    wrong = Seen(
        barrier=False,
        containers={
            HOLDER: Container(unhealthy=True),
            TUNNEL: Container(home=Home.FOREIGN),
            APP: Container(Life.STOPPED),
        },
        tunnel=Tunnel(answered=False),
        peers=2,
    )
    memory, done = Memory(), []
    for _ in range(5):
        verdict = decide(wrong, memory, 0.0)
        memory = verdict.memory
        done.append(verdict.step.act if verdict.step else None)
    assert done == [Act.LOAD_BARRIER, Act.RELOAD_HOLDER, Act.RECREATE, Act.START, None]


def doubled(first: float) -> list[float]:
    return [min(first * 2**times, LONGEST_PAUSE_S) for times in range(9)]


@pytest.mark.parametrize("fault", [name for name, (_, act, _) in FAULTS.items() if act in PAUSES])
def test_a_step_that_does_not_help_is_repeated_after_pauses_that_double(fault: str) -> None:
    seen, act, _ = FAULTS[fault]
    memory, now, pauses = LONG_GONE, NOW, doubled(PAUSES[act])
    assert pauses[-1] == LONGEST_PAUSE_S
    for pause in pauses:
        verdict = decide(seen, memory, now)
        assert verdict.step is not None
        assert verdict.step.act is act
        memory = verdict.memory
        early = decide(seen, memory, now + pause - 0.1)
        assert early.step is None
        assert early.problems == verdict.problems
        now += pause


def test_a_fault_that_went_away_begins_with_the_short_pause_again() -> None:
    seen, _, _ = FAULTS["app stopped"]
    memory = decide(seen, decide(seen, Memory(), 0.0).memory, 10.0).memory
    assert memory.tries
    memory = decide(WELL, memory, 11.0).memory
    assert not memory.tries
    assert decide(seen, memory, 12.0).step is not None


def test_the_pauses_of_two_apps_do_not_meet() -> None:
    both = {**ALL_WELL, APP: Container(Life.STOPPED), "transmission": Container(Life.STOPPED)}
    seen = replace(WELL, containers=both)
    first = decide(seen, Memory(), 0.0)
    second = decide(seen, first.memory, 0.0)
    assert first.step is not None
    assert second.step is not None
    assert (first.step.targets, second.step.targets) == ((APP,), ("transmission",))


def test_pauses_stay_the_longest_after_weeks_without_success() -> None:
    seen, act, _ = FAULTS["app stopped"]
    key = (act, APP)
    verdict = decide(seen, Memory(tries={key: (0.0, 9999)}), 1.0)
    assert verdict.memory.tries[key] == (1.0 + LONGEST_PAUSE_S, 10000)
    verdict = decide(DEAD_TUNNEL, Memory(rung=len(LADDER) - 1, rounds=9999), 1.0)
    assert verdict.memory.rung_after == 1.0 + LONGEST_PAUSE_S


GONE = replace(WELL, network=False, tunnel=None)


def test_docker_is_restarted_only_when_its_rules_stay_away() -> None:
    memory, acts = decide(WELL, Memory(), 0.0).memory, []
    for now in (10.0, 11.0, 10.0 + GONE_S - 0.1, 10.0 + GONE_S):
        verdict = decide(GONE, memory, now)
        assert texts(verdict) == ("Docker's bridge or rules for the VPN network are gone",)
        memory = verdict.memory
        acts.append(verdict.step.act if verdict.step else None)
    assert acts == [None, None, None, Act.RESTART_DOCKER]


@pytest.mark.parametrize(
    "between",
    [WELL, replace(WELL, network=None), Seen(docker=False, network=None)],
    ids=["they are back", "no holder to ask of", "no Docker"],
)
def test_one_look_that_does_not_miss_them_begins_the_count_anew(between: Seen) -> None:
    memory = decide(GONE, Memory(network_seen=True), 0.0).memory
    memory = decide(between, memory, 1.0).memory
    verdict = decide(GONE, memory, 1.0 + GONE_S)
    assert verdict.step is None
    assert verdict.memory.network_gone == 1.0 + GONE_S


def test_rules_that_were_never_there_are_not_missed() -> None:
    verdict = decide(GONE, decide(GONE, Memory(), 0.0).memory, 900.0)
    assert (verdict.step, verdict.problems) == (None, ())


def test_while_docker_s_rules_are_gone_the_tunnel_is_left_alone() -> None:
    verdict = decide(replace(DEAD_TUNNEL, network=False), Memory(network_seen=True), 0.0)
    assert verdict.step is None
    assert "the tunnel does not carry" in texts(verdict)


def test_docker_that_comes_back_without_its_rules_is_not_restarted_all_the_time() -> None:
    """On the way it does not answer, and runs no holder: that shows nothing, and forgets nothing."""
    memory, restarts, now = Memory(network_seen=True), [], 0.0
    while now < 3600.0:
        verdict = decide(GONE, memory, now)
        if verdict.step:
            restarts.append(now)
            for look in (Seen(docker=False, network=None), replace(WELL, network=None, tunnel=None)):
                now += 2.0
                verdict = decide(look, verdict.memory, now)
        memory = verdict.memory
        now += 1.0
    assert 10 <= len(restarts) <= 3600 / LONGEST_PAUSE_S + 5


def test_what_docker_said_is_the_problem() -> None:
    trouble = "compose cannot read /opt/mediaserver/compose.yml: line 3"
    assert texts(decide(Seen(docker=False, trouble=trouble), Memory(), 0.0)) == (trouble,)


@pytest.mark.parametrize("name", [HOLDER, TUNNEL, APP])
def test_what_docker_restarts_for_long_is_a_problem_even_where_it_runs_for_a_moment(name: str) -> None:
    loop, moment = with_container(name, Container(Life.RESTARTING)), WELL
    words = f"{name} ends again and again, however often Docker starts it"
    memory, told = Memory(), []
    for seen, now in (
        *((loop, 0.0), (moment, 4.0), (loop, ROUND_S - 0.1), (moment, ROUND_S - 0.05), (loop, ROUND_S)),
        *((moment, ROUND_S + STEADY_S - 0.1), (moment, ROUND_S + STEADY_S), (loop, 100.0)),
    ):
        verdict = decide(seen, memory, now)
        memory = verdict.memory
        told.append(words in texts(verdict))
        assert verdict.step is None
    assert told == [False, False, False, False, True, True, False, False]


def test_while_docker_does_not_answer_nothing_is_told_or_forgotten_of_its_restarts() -> None:
    memory = Memory(restarts={APP: (0.0, ROUND_S)})
    verdict = decide(Seen(docker=False), memory, 900.0)
    assert texts(verdict) == ("Docker does not answer",)
    assert verdict.memory.restarts == memory.restarts


@pytest.mark.parametrize("name", [HOLDER, TUNNEL])
def test_without_holder_or_tunnel_the_others_wait(name: str) -> None:
    seen = with_container(name, Container(Life.MISSING))
    seen = replace(seen, containers={**seen.containers, APP: Container(Life.STOPPED)})
    assert decide(seen, decide(seen, Memory(), 0.0).memory, 0.0).step is None
