# SPDX-License-Identifier: GPL-3.0-or-later
"""What vpn-monitor decides: the right step for each single fault, and how often it is tried."""

from __future__ import annotations

from dataclasses import replace

import pytest
from mediaserver._core.names import HOLDER, TUNNEL
from mediaserver.monitor.assess import CRASH_LOOP_S, RECOVERED_S
from mediaserver.monitor.decide import NETWORK_MISSING_S, PAUSES, STEADY_S, TUNNEL_REPAIRS, decide
from mediaserver.monitor.monitor_state import MAX_PAUSE_S, MonitorState
from mediaserver.monitor.observation import Container, ContainerState, NamespaceState, Observation, Tunnel
from mediaserver.monitor.problems import Code
from mediaserver.monitor.steps import Act
from observations import ALL_WELL, APP, DEAD_TUNNEL, WELL, texts, with_container

NOW = 1000.0
# Of a host whose Docker had its rules once, and has them no more for long enough.
LONG_GONE = MonitorState(network_seen=True, network_missing_since=NOW - NETWORK_MISSING_S)


def test_when_all_is_well_nothing_is_done_or_said() -> None:
    decision = decide(WELL, MonitorState(), 0.0)
    assert (decision.step, decision.problems, decision.tunnel_alive) == (None, (), True)


@pytest.mark.parametrize("online", [True, False, None])
def test_a_host_that_was_not_asked_or_is_offline_is_no_problem_while_the_tunnel_answers(online: bool | None) -> None:
    assert decide(replace(WELL, online=online), MonitorState(), 0.0).problems == ()


FAULTS = {
    "barrier gone": (replace(WELL, barrier=False), Act.LOAD_BARRIER, ()),
    "barrier gone, Docker too": (replace(WELL, barrier=False, docker=False), Act.LOAD_BARRIER, ()),
    "Docker's network gone": (replace(WELL, network=False), Act.RESTART_DOCKER, ()),
    "holder missing": (with_container(HOLDER, Container(ContainerState.MISSING)), Act.BRING_UP, (HOLDER,)),
    "tunnel missing": (with_container(TUNNEL, Container(ContainerState.MISSING)), Act.BRING_UP, (TUNNEL,)),
    "holder stopped": (with_container(HOLDER, Container(ContainerState.STOPPED)), Act.BRING_UP, ()),
    "holder paused": (with_container(HOLDER, Container(ContainerState.PAUSED)), Act.UNPAUSE, (HOLDER,)),
    "holder unhealthy": (with_container(HOLDER, Container(unhealthy=True)), Act.RELOAD_HOLDER, ()),
    "tunnel unhealthy": (with_container(TUNNEL, Container(unhealthy=True)), Act.RESTART, (TUNNEL,)),
    "app missing": (with_container(APP, Container(ContainerState.MISSING)), Act.BRING_UP, (APP,)),
    "app stopped": (with_container(APP, Container(ContainerState.STOPPED)), Act.START, (APP,)),
    "app paused": (with_container(APP, Container(ContainerState.PAUSED)), Act.UNPAUSE, (APP,)),
    "app in a dead namespace": (with_container(APP, Container(namespace=NamespaceState.DEAD)), Act.RESTART, (APP,)),
    "app of a holder that is gone": (
        with_container(APP, Container(namespace=NamespaceState.FOREIGN)),
        Act.RECREATE,
        (APP,),
    ),
    "stopped app of a holder that is gone": (
        with_container(APP, Container(ContainerState.STOPPED, namespace=NamespaceState.FOREIGN)),
        Act.RECREATE,
        (APP,),
    ),
    "tunnel stopped": (with_container(TUNNEL, Container(ContainerState.STOPPED)), Act.START, (TUNNEL,)),
    "tunnel dead": (DEAD_TUNNEL, Act.RESOLVE, ()),
    "tunnel dead, house unknown": (replace(DEAD_TUNNEL, online=None), Act.RESOLVE, ()),
}
NO_STEP = {
    "Docker gone": (replace(WELL, docker=False, containers={}, tunnel=None), "Docker does not answer"),
    "house offline": (
        replace(DEAD_TUNNEL, online=False),
        "the host has no internet: none of the resolvers in /etc/resolv.conf answers",
    ),
    "held, tunnel dead": (replace(DEAD_TUNNEL, held=True), "the tunnel carries no traffic"),
    "held, app stopped": (replace(FAULTS["app stopped"][0], held=True), f"{APP} does not run"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_single_fault_leads_to_its_step(fault: str) -> None:
    observed, act, targets = FAULTS[fault]
    decision = decide(observed, LONG_GONE, NOW)
    assert decision.step is not None
    assert (decision.step.act, decision.step.targets) == (act, targets)
    assert decision.step.problem in decision.problems


@pytest.mark.parametrize("fault", NO_STEP)
def test_what_cannot_be_put_right_from_here_is_said_and_left_alone(fault: str) -> None:
    observed, problem = NO_STEP[fault]
    decision = decide(observed, MonitorState(), 0.0)
    assert decision.step is None
    assert problem in texts(decision)


def test_a_barrier_is_put_up_even_while_held() -> None:
    decision = decide(replace(WELL, held=True, barrier=False), MonitorState(), 0.0)
    assert decision.step is not None
    assert decision.step.act is Act.LOAD_BARRIER


@pytest.mark.parametrize("name", [HOLDER, TUNNEL, APP])
def test_what_docker_is_restarting_is_left_to_docker(name: str) -> None:
    assert decide(with_container(name, Container(ContainerState.RESTARTING)), MonitorState(), 0.0).step is None


def test_the_first_of_many_faults_is_the_outermost() -> None:
    wrong = Observation(
        barrier=False,
        containers={
            HOLDER: Container(unhealthy=True),
            TUNNEL: Container(namespace=NamespaceState.FOREIGN),
            APP: Container(ContainerState.STOPPED),
        },
        tunnel=Tunnel(answered=False),
        peers=2,
    )
    state, done = MonitorState(), []
    for _ in range(5):
        decision = decide(wrong, state, 0.0)
        state = decision.state
        done.append(decision.step.act if decision.step else None)
    assert done == [Act.LOAD_BARRIER, Act.RELOAD_HOLDER, Act.RECREATE, Act.START, None]


def doubled(first: float) -> list[float]:
    return [min(first * 2**times, MAX_PAUSE_S) for times in range(9)]


@pytest.mark.parametrize("fault", [name for name, (_, act, _) in FAULTS.items() if act in PAUSES])
def test_a_step_that_does_not_help_is_repeated_after_pauses_that_double(fault: str) -> None:
    observed, act, _ = FAULTS[fault]
    state, now, pauses = LONG_GONE, NOW, doubled(PAUSES[act])
    assert pauses[-1] == MAX_PAUSE_S
    for pause in pauses:
        decision = decide(observed, state, now)
        assert decision.step is not None
        assert decision.step.act is act
        state = decision.state
        early = decide(observed, state, now + pause - 0.1)
        assert early.step is None
        assert early.problems == decision.problems
        now += pause


@pytest.mark.parametrize(("fault", "steady"), [("app stopped", STEADY_S), ("tunnel stopped", 0.0)])
def test_container_that_ran_steadily_begins_with_short_pause_again(fault: str, steady: float) -> None:
    observed, _, _ = FAULTS[fault]
    state = decide(observed, decide(observed, MonitorState(), 0.0).state, 10.0).state
    assert state.attempts
    after = 10.0 + 2 * PAUSES[Act.START] + steady
    if steady:
        assert decide(WELL, state, after - 0.1).state.attempts
    state = decide(WELL, state, after).state
    assert not state.attempts
    assert decide(observed, state, after + 1).step is not None


def test_service_that_ends_soon_after_each_start_is_started_after_growing_pauses() -> None:
    stopped, _, _ = FAULTS["app stopped"]
    state, now, started, problems = MonitorState(), 0.0, [], set()
    while now < 120.0:
        decision = decide(stopped, state, now)
        if decision.step is not None:
            started.append(now)
        running = decide(WELL, decision.state, now + 0.5)  # it runs for less than a second
        problems |= {problem.code for problem in running.problems}
        state, now = running.state, now + 1.0
    assert started == [0.0, 5.0, 15.0, 35.0, 75.0]
    assert problems == {Code.CRASH_LOOP}


def test_the_pauses_of_two_apps_do_not_meet() -> None:
    both = {**ALL_WELL, APP: Container(ContainerState.STOPPED), "transmission": Container(ContainerState.STOPPED)}
    observed = replace(WELL, containers=both)
    first = decide(observed, MonitorState(), 0.0)
    second = decide(observed, first.state, 0.0)
    assert first.step is not None
    assert second.step is not None
    assert (first.step.targets, second.step.targets) == ((APP,), ("transmission",))


def test_pauses_stay_the_longest_after_weeks_without_success() -> None:
    observed, act, _ = FAULTS["app stopped"]
    key = (act, APP)
    decision = decide(observed, MonitorState(attempts={key: (0.0, 9999)}), 1.0)
    assert decision.state.attempts[key] == (1.0 + MAX_PAUSE_S, 10000)
    decision = decide(DEAD_TUNNEL, MonitorState(repair_index=len(TUNNEL_REPAIRS) - 1, repair_rounds=9999), 1.0)
    assert decision.state.repair_after == 1.0 + MAX_PAUSE_S


GONE = replace(WELL, network=False, tunnel=None)


def test_docker_is_restarted_only_when_its_rules_stay_away() -> None:
    state, acts = decide(WELL, MonitorState(), 0.0).state, []
    for now in (10.0, 11.0, 10.0 + NETWORK_MISSING_S - 0.1, 10.0 + NETWORK_MISSING_S):
        decision = decide(GONE, state, now)
        assert texts(decision) == ("Docker's bridge or rules for the VPN network are gone",)
        state = decision.state
        acts.append(decision.step.act if decision.step else None)
    assert acts == [None, None, None, Act.RESTART_DOCKER]


@pytest.mark.parametrize(
    "between",
    [WELL, replace(WELL, network=None), Observation(docker=False, network=None)],
    ids=["they are back", "no holder to ask of", "no Docker"],
)
def test_one_observation_that_does_not_miss_them_begins_the_count_again(between: Observation) -> None:
    state = decide(GONE, MonitorState(network_seen=True), 0.0).state
    state = decide(between, state, 1.0).state
    decision = decide(GONE, state, 1.0 + NETWORK_MISSING_S)
    assert decision.step is None
    assert decision.state.network_missing_since == 1.0 + NETWORK_MISSING_S


def test_rules_that_were_never_there_are_not_missed() -> None:
    decision = decide(GONE, decide(GONE, MonitorState(), 0.0).state, 900.0)
    assert (decision.step, decision.problems) == (None, ())


def test_while_docker_s_rules_are_gone_the_tunnel_is_left_alone() -> None:
    decision = decide(replace(DEAD_TUNNEL, network=False), MonitorState(network_seen=True), 0.0)
    assert decision.step is None
    assert "the tunnel carries no traffic" in texts(decision)


def test_docker_that_comes_back_without_its_rules_is_not_restarted_all_the_time() -> None:
    """On the way it does not answer, and runs no holder: that shows nothing, and forgets nothing."""
    state, restarts, now = MonitorState(network_seen=True), [], 0.0
    while now < 3600.0:
        decision = decide(GONE, state, now)
        if decision.step:
            restarts.append(now)
            for look in (Observation(docker=False, network=None), replace(WELL, network=None, tunnel=None)):
                now += 2.0
                decision = decide(look, decision.state, now)
        state = decision.state
        now += 1.0
    assert 10 <= len(restarts) <= 3600 / MAX_PAUSE_S + 5


def test_what_docker_said_is_the_problem() -> None:
    trouble = "compose cannot read /opt/mediaserver/compose.yml: line 3"
    assert texts(decide(Observation(docker=False, trouble=trouble), MonitorState(), 0.0)) == (trouble,)


@pytest.mark.parametrize("name", [HOLDER, TUNNEL, APP])
def test_what_docker_restarts_for_long_is_a_problem_even_where_it_runs_briefly(name: str) -> None:
    loop, moment = with_container(name, Container(ContainerState.RESTARTING)), WELL
    words = f"{name} ends again and again, however often Docker starts it"
    state, told = MonitorState(), []
    for observed, now in (
        *((loop, 0.0), (moment, 4.0), (loop, CRASH_LOOP_S - 0.1), (moment, CRASH_LOOP_S - 0.05), (loop, CRASH_LOOP_S)),
        *((moment, CRASH_LOOP_S + RECOVERED_S - 0.1), (moment, CRASH_LOOP_S + RECOVERED_S), (loop, 100.0)),
    ):
        decision = decide(observed, state, now)
        state = decision.state
        told.append(words in texts(decision))
        assert decision.step is None
    assert told == [False, False, False, False, True, True, False, False]


def test_while_docker_does_not_answer_nothing_is_reported_or_forgotten_of_its_restarts() -> None:
    state = MonitorState(restarts={APP: (0.0, CRASH_LOOP_S)})
    decision = decide(Observation(docker=False), state, 900.0)
    assert texts(decision) == ("Docker does not answer",)
    assert decision.state.restarts == state.restarts


@pytest.mark.parametrize("name", [HOLDER, TUNNEL])
def test_without_holder_or_tunnel_the_others_wait(name: str) -> None:
    observed = with_container(name, Container(ContainerState.MISSING))
    observed = replace(observed, containers={**observed.containers, APP: Container(ContainerState.STOPPED)})
    assert decide(observed, decide(observed, MonitorState(), 0.0).state, 0.0).step is None
