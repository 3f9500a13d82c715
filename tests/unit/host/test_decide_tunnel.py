# SPDX-License-Identifier: GPL-3.0-or-later
"""The tunnel: when it counts as dead, and the ladder of what is tried then."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from mediaserver._core.names import HOLDER, TUNNEL
from mediaserver.monitor.assess import HANDSHAKE_LIFE_S, MAX_UNANSWERED, TRAFFIC_PROOF_S
from mediaserver.monitor.decide import Decision, decide
from mediaserver.monitor.monitor_state import MAX_PAUSE_S, MonitorState
from mediaserver.monitor.observation import Container, ContainerState, Tunnel
from mediaserver.monitor.problems import BLOCKS_TUNNEL, Code, Problem
from mediaserver.monitor.steps import Act
from observations import ALL_WELL, APP, DEAD_TUNNEL, FORWARDING_OFF, OBSTACLES, TRUSTED, WELL, texts


def climb(peers: int, until: float) -> list[tuple[float, Act]]:
    """Look once a second at a tunnel that stays dead; return when each step came."""
    state, done = MonitorState(), []
    for now in range(int(until)):
        decision = decide(replace(DEAD_TUNNEL, peers=peers), state, float(now))
        state = decision.state
        if decision.step:
            done.append((float(now), decision.step.act))
    return done


def test_a_dead_tunnel_is_resolved_again_then_failed_over_then_restarted() -> None:
    assert climb(2, 40) == [
        (0.0, Act.RESOLVE),
        (5.0, Act.FAIL_OVER),
        (17.0, Act.RESTART_TUNNEL),
        (32.0, Act.RESOLVE),
        (37.0, Act.FAIL_OVER),
    ]


@pytest.mark.parametrize("peers", [0, 1])
def test_with_one_peer_there_is_nothing_to_fail_over_to(peers: int) -> None:
    assert climb(peers, 21) == [(0.0, Act.RESOLVE), (5.0, Act.RESTART_TUNNEL), (20.0, Act.RESOLVE)]


def test_the_pause_after_each_round_of_the_ladder_doubles_up_to_the_limit() -> None:
    done = climb(1, 2500)
    pauses = [after - before for (before, act), (after, _) in pairwise(done) if act is Act.RESTART_TUNNEL]
    assert pauses[:6] == [15.0, 30.0, 60.0, 120.0, 240.0, 300.0]
    assert set(pauses[5:]) == {MAX_PAUSE_S}


def test_a_host_that_comes_online_goes_on_where_the_ladder_was() -> None:
    state = decide(DEAD_TUNNEL, MonitorState(), 0.0).state
    offline = decide(replace(DEAD_TUNNEL, online=False), state, 100.0)
    assert offline.step is None
    step = decide(DEAD_TUNNEL, offline.state, 101.0).step
    assert step is not None
    assert step.act is Act.FAIL_OVER


def test_a_tunnel_that_once_answered_is_dead_after_so_many_questions_in_a_row() -> None:
    # A fresh handshake says nothing then: it stays fresh for minutes after the line is cut.
    silent = replace(DEAD_TUNNEL, tunnel=Tunnel(answered=False, handshake_age=1.0))
    state, alive = TRUSTED, []
    for _ in range(MAX_UNANSWERED + 1):
        decision = decide(silent, state, 0.0)
        state = decision.state
        alive.append(decision.tunnel_alive)
    assert alive == [True] * (MAX_UNANSWERED - 1) + [False, False]


def test_one_answer_begins_the_count_again() -> None:
    silent = replace(DEAD_TUNNEL, tunnel=Tunnel(answered=False))
    state = TRUSTED
    for observed in (silent, silent, WELL, silent):
        decision = decide(observed, state, 0.0)
        state = decision.state
    assert decision.tunnel_alive
    assert state.unanswered == 1


@pytest.mark.parametrize(
    ("age", "alive"),
    [(None, False), (0.0, True), (HANDSHAKE_LIFE_S - 1, True), (HANDSHAKE_LIFE_S, False), (-1.0, False)],
)
def test_the_handshake_counts_while_nothing_was_ever_answered(age: float | None, alive: bool) -> None:
    observed = replace(DEAD_TUNNEL, tunnel=Tunnel(answered=False, handshake_age=age))
    state = MonitorState(unanswered=MAX_UNANSWERED * 9)
    decision = decide(observed, state, 0.0)
    assert decision.tunnel_alive is alive
    assert (decision.step is None) is alive


def test_without_a_look_into_the_tunnel_nothing_is_counted() -> None:
    state = MonitorState(unanswered=2, trusted=True, repair_index=1, network_seen=True)
    decision = decide(replace(WELL, tunnel=None), state, 0.0)
    assert decision.state == state
    assert not decision.tunnel_alive
    assert decision.problems == ()


def test_an_answer_begins_the_ladder_from_below_again() -> None:
    state = MonitorState(unanswered=9, repair_index=2, repair_after=1000.0, repair_rounds=4)
    state = decide(WELL, state, 0.0).state
    assert state == replace(TRUSTED, network_seen=True)


def test_a_handshake_begins_the_ladder_from_below_again_where_nothing_ever_answers() -> None:
    shaken = replace(DEAD_TUNNEL, tunnel=Tunnel(answered=False, handshake_age=1.0))
    state = decide(shaken, MonitorState(repair_index=2, repair_after=1000.0, repair_rounds=4), 0.0).state
    assert state == MonitorState(unanswered=1, network_seen=True)


@pytest.mark.parametrize(
    ("state", "act"), [(ContainerState.STOPPED, Act.START), (ContainerState.MISSING, Act.BRING_UP)]
)
def test_an_app_that_never_starts_does_not_keep_the_tunnel_dead(state: ContainerState, act: Act) -> None:
    observed = replace(DEAD_TUNNEL, containers={**ALL_WELL, APP: Container(state)})
    first = decide(observed, MonitorState(), 0.0)
    second = decide(observed, first.state, 0.0)
    assert [v.step.act if v.step else None for v in (first, second)] == [act, Act.RESOLVE]


def test_where_other_resolvers_or_peers_are_asked_a_handshake_counts_again_until_one_has_answered() -> None:
    silent = replace(DEAD_TUNNEL, tunnel=Tunnel(answered=False, handshake_age=1.0), asked=("10.66.0.1",))
    state = MonitorState(trusted=True, unanswered=MAX_UNANSWERED, asked=("10.66.0.1",))
    assert not decide(silent, state, 0.0).tunnel_alive
    other = replace(silent, asked=("10.66.0.9",))
    # A look that tells nothing of the tunnel forgets nothing.
    state = decide(replace(other, tunnel=None), state, 0.0).state
    assert state.trusted
    state = decide(other, state, 0.0).state
    assert (decide(other, state, 0.0).tunnel_alive, state.trusted) == (True, False)
    assert decide(replace(other, tunnel=Tunnel()), state, 0.0).state.trusted


@pytest.mark.parametrize("name", [HOLDER, TUNNEL])
def test_a_tunnel_whose_containers_are_not_as_they_should_be_is_left_alone(name: str) -> None:
    observed = replace(DEAD_TUNNEL, containers={**ALL_WELL, name: Container(ContainerState.PAUSED)})
    first = decide(observed, MonitorState(), 0.0)
    assert first.step is not None
    assert first.step.targets == (name,)
    assert decide(observed, first.state, 0.0).step is None


def codes(decision: Decision) -> list[Code]:
    return [problem.code for problem in decision.problems]


def watch_silent(received: list[int | None], state: MonitorState = TRUSTED, pause: float = 3.0) -> list[Decision]:
    """Look again and again at a tunnel in which no resolver answers; packets come out of it as they are counted."""
    found, now = [], 0.0
    for count in received:
        observed = replace(DEAD_TUNNEL, tunnel=Tunnel(answered=False, received=count), resolvers=("10.66.0.1",))
        found.append(decide(observed, state, now))
        state = found[-1].state
        now += pause
    return found


def test_a_dead_resolver_in_a_tunnel_that_carries_is_named_and_nothing_is_restarted() -> None:
    found = watch_silent([10, 12, 13, 15, 15, 16, 17, 17, 18] * 4)
    # One count that falls is a new start of the interface, and proves nothing.
    assert [one.step for one in found] == [None] * len(found)
    assert [one.tunnel_alive for one in found] == [True] * len(found)
    assert [codes(one) for one in found] == [[]] * (MAX_UNANSWERED - 1) + [[Code.RESOLVER_DEAD]] * (
        len(found) - MAX_UNANSWERED + 1
    )
    assert "no resolver in it answers (10.66.0.1)" in texts(found[-1])[0]
    assert all(one.carries for one in found[MAX_UNANSWERED:])
    assert not found[-1].busy, "nothing is repaired, so it looks as often as at rest"


@pytest.mark.parametrize("received", [[10] * 9, [None] * 9, [None, 10, None, 20, None, 30, None]])
def test_without_packets_out_of_it_a_tunnel_whose_resolver_is_silent_is_dead(received: list[int | None]) -> None:
    found = watch_silent(received)
    assert [one.step.act for one in found if one.step][:2] == [Act.RESOLVE, Act.FAIL_OVER]
    assert not found[-1].tunnel_alive
    assert Code.RESOLVER_DEAD not in codes(found[-1])


def test_what_came_before_the_first_question_without_an_answer_proves_nothing() -> None:
    """The line is cut between two looks: packets came until then."""
    state = decide(replace(WELL, tunnel=Tunnel(received=10)), TRUSTED, 0.0).state
    assert not watch_silent([500] * (MAX_UNANSWERED + 1), state)[-1].tunnel_alive


def test_a_tunnel_that_stops_to_carry_after_its_resolver_has_died_is_dead_soon() -> None:
    looks = int(TRAFFIC_PROOF_S / 3.0) + 2
    found = watch_silent([10, 20, *[20] * looks])
    assert found[MAX_UNANSWERED].tunnel_alive
    assert not found[-1].tunnel_alive
    assert [one.step.act for one in found if one.step] == [Act.RESOLVE]


def test_a_resolver_that_answers_again_ends_it() -> None:
    state = watch_silent([10, 20, 30, 40])[-1].state
    assert (decide(WELL, state, 20.0).problems, decide(WELL, state, 20.0).state.unanswered) == ((), 0)


@pytest.mark.parametrize("code", sorted(BLOCKS_TUNNEL))
def test_a_setting_of_the_host_is_named_and_not_taken_for_a_dead_provider(code: Code) -> None:
    obstacle = Problem(code, "the reason")
    observed, state = replace(DEAD_TUNNEL, obstacles=(obstacle,), online=True), TRUSTED
    for now in range(0, 600, 5):
        decision = decide(observed, state, float(now))
        state = decision.state
        assert decision.step is None
    assert decision.problems == (Problem(code, "the tunnel carries no traffic: the reason"),)


def test_a_docker_that_makes_no_rules_is_not_restarted_for_them() -> None:
    (obstacle,) = (one for one in OBSTACLES if one.code is Code.DOCKER_SETTINGS)
    observed = replace(DEAD_TUNNEL, network=False, obstacles=(obstacle,))
    decision = decide(observed, MonitorState(network_seen=True, network_missing_since=0.0), 900.0)
    assert decision.step is None
    assert codes(decision) == [Code.DOCKER_SETTINGS]


def test_a_lan_that_the_household_does_not_list_is_named_while_the_tunnel_stays_online() -> None:
    (obstacle,) = (one for one in OBSTACLES if one.code is Code.LAN_NOT_COVERED)
    decision = decide(replace(WELL, obstacles=(obstacle,)), MonitorState(), 0.0)
    assert (decision.step, decision.problems, decision.tunnel_alive, decision.busy) == (None, (obstacle,), True, False)
    # Nor does it keep a dead tunnel from being repaired.
    assert decide(replace(DEAD_TUNNEL, obstacles=(obstacle,)), MonitorState(), 0.0).step is not None


@pytest.mark.parametrize("observed", [WELL, DEAD_TUNNEL, replace(WELL, docker=False, tunnel=None, containers={})])
def test_forwarding_is_switched_on_before_the_tunnel_is_judged(observed: Any) -> None:
    off = replace(observed, forwarding_off=FORWARDING_OFF)
    first = decide(off, TRUSTED, 0.0)
    assert first.step is not None
    assert first.step.act is Act.FORWARD
    assert first.problems[0] == Problem(
        Code.FORWARDING_OFF, "IPv4 forwarding is off on this host (net.ipv4.ip_forward)"
    )
    second = decide(off, first.state, 1.0)
    assert second.step is None, "no failover because of it"
    assert decide(replace(off, held=True), TRUSTED, 0.0).step is None
