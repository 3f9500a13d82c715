# SPDX-License-Identifier: GPL-3.0-or-later
"""What vpn-monitor decides: rules that hold for every combination of faults, and the right step for each one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mediaserver.decide import (
    HANDSHAKE_LIFE_S,
    HOLDER,
    LADDER,
    LONGEST_PAUSE_S,
    PATIENCE,
    PAUSES,
    TUNNEL,
    Act,
    Container,
    Home,
    Life,
    Memory,
    Seen,
    Step,
    Tunnel,
    Verdict,
    decide,
)

APP = "jellyfin"
ALL_WELL = {name: Container() for name in (HOLDER, TUNNEL, APP)}
WELL = Seen(containers=ALL_WELL, tunnel=Tunnel(), peers=2)
DEAD_TUNNEL = replace(WELL, tunnel=Tunnel(answered=False), online=True)
TUNNEL_ACTS = {act for act, _unused in LADDER}
TRUSTED = Memory(trusted=True)

containers = st.builds(Container, st.sampled_from(Life), st.booleans(), st.sampled_from(Home))
tunnels = st.builds(Tunnel, st.booleans(), st.sampled_from([None, -5.0, 10.0, HANDSHAKE_LIFE_S + 1]))


def as_watched(seen: Seen) -> Seen:
    """Without Docker nothing behind it is seen."""
    return seen if seen.docker else replace(seen, containers={}, tunnel=None)


looks = st.builds(
    Seen,
    docker=st.booleans(),
    held=st.booleans(),
    barrier=st.booleans(),
    network=st.sampled_from([True, False, None]),
    containers=st.fixed_dictionaries({}, optional=dict.fromkeys((HOLDER, TUNNEL, APP, "transmission"), containers)),
    tunnel=st.none() | tunnels,
    online=st.sampled_from([True, False, None]),
    peers=st.integers(0, 3),
).map(as_watched)


def with_container(name: str, container: Container) -> Seen:
    return replace(WELL, containers={**ALL_WELL, name: container})


def check(seen: Seen, verdict: Verdict) -> None:
    """The rules that hold whatever is seen and remembered."""
    step = verdict.step
    if step is None:
        return
    assert isinstance(step, Step)
    assert verdict.problems, "a step without a problem"
    assert HOLDER not in step.targets or step == Step(Act.UNPAUSE, step.why, (HOLDER,))
    assert bool(step.targets) == (step.act in {Act.RECREATE, Act.RESTART, Act.START, Act.UNPAUSE})
    if seen.held:
        assert step.act is Act.LOAD_BARRIER
    if step.act in TUNNEL_ACTS:
        assert seen.tunnel is not None
        assert not seen.tunnel.answered
        assert seen.online is not False
        assert seen.barrier
        assert seen.docker
    if step.act is Act.FAIL_OVER:
        assert seen.peers > 1
    if not seen.docker:
        assert step.act is Act.LOAD_BARRIER


@given(st.lists(st.tuples(looks, st.sampled_from([0.0, 1.0, 7.0, 400.0])), min_size=1, max_size=12))
@settings(max_examples=200, deadline=None)
def test_the_rules_hold_for_any_series_of_looks(series: list[tuple[Seen, float]]) -> None:
    memory, now = Memory(), 0.0
    for seen, pause in series:
        now += pause
        verdict = decide(seen, memory, now)
        assert verdict == decide(seen, memory, now)
        check(seen, verdict)
        memory = verdict.memory


def every_look_at_two_containers() -> Iterator[Seen]:
    holders = [Container(life, unhealthy) for life, unhealthy in product(Life, (False, True))]
    others = [Container(life, unhealthy, home) for life, unhealthy, home in product(Life, (False, True), Home)]
    signs = (None, Tunnel(), Tunnel(answered=False), Tunnel(answered=False, handshake_age=9.0))
    switches = product((True, False), (True, False), (True, False), (True, False, None), signs, (True, False))
    for docker, held, barrier, network, tunnel, online in switches:
        for holder, other in product(holders, others):
            found = {HOLDER: holder, TUNNEL: other}
            yield as_watched(Seen(docker, held, barrier, network, found, tunnel, online, peers=2))


def test_the_rules_hold_for_every_single_look() -> None:
    acts = set()
    for seen in every_look_at_two_containers():
        verdict = decide(seen, Memory(), 0.0)
        check(seen, verdict)
        acts.add(verdict.step.act if verdict.step else None)
    # The other two are higher up the ladder: no first look leads there.
    assert acts == {None, *Act} - {Act.FAIL_OVER, Act.RESTART_TUNNEL}


def test_when_all_is_well_nothing_is_done_or_said() -> None:
    verdict = decide(WELL, Memory(), 0.0)
    assert (verdict.step, verdict.problems, verdict.tunnel_alive) == (None, (), True)


@pytest.mark.parametrize("online", [True, False, None])
def test_a_house_that_was_not_asked_or_is_offline_is_no_problem_while_the_tunnel_answers(online: bool | None) -> None:
    assert decide(replace(WELL, online=online), Memory(), 0.0).problems == ()


FAULTS = {
    "barrier gone": (replace(WELL, barrier=False), Act.LOAD_BARRIER, ()),
    "barrier gone, Docker too": (replace(WELL, barrier=False, docker=False), Act.LOAD_BARRIER, ()),
    "Docker's network gone": (replace(WELL, network=False), Act.RESTART_DOCKER, ()),
    "holder missing": (with_container(HOLDER, Container(Life.MISSING)), Act.BRING_UP, ()),
    "holder stopped": (with_container(HOLDER, Container(Life.STOPPED)), Act.BRING_UP, ()),
    "holder paused": (with_container(HOLDER, Container(Life.PAUSED)), Act.UNPAUSE, (HOLDER,)),
    "holder unhealthy": (with_container(HOLDER, Container(unhealthy=True)), Act.RELOAD_HOLDER, ()),
    "tunnel unhealthy": (with_container(TUNNEL, Container(unhealthy=True)), Act.RESTART, (TUNNEL,)),
    "app missing": (with_container(APP, Container(Life.MISSING)), Act.BRING_UP, ()),
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
    "house offline": (replace(DEAD_TUNNEL, online=False), "the house has no internet"),
    "held, tunnel dead": (replace(DEAD_TUNNEL, held=True), "the tunnel does not carry"),
    "held, app stopped": (replace(FAULTS["app stopped"][0], held=True), f"{APP} does not run"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_single_fault_leads_to_its_step(fault: str) -> None:
    seen, act, targets = FAULTS[fault]
    verdict = decide(seen, Memory(), 0.0)
    assert verdict.step is not None
    assert (verdict.step.act, verdict.step.targets) == (act, targets)
    assert verdict.step.why in verdict.problems


@pytest.mark.parametrize("fault", NO_STEP)
def test_what_cannot_be_put_right_from_here_is_said_and_left_alone(fault: str) -> None:
    seen, problem = NO_STEP[fault]
    verdict = decide(seen, Memory(), 0.0)
    assert verdict.step is None
    assert problem in verdict.problems


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
    for _round in range(5):
        verdict = decide(wrong, memory, 0.0)
        memory = verdict.memory
        done.append(verdict.step.act if verdict.step else None)
    assert done == [Act.LOAD_BARRIER, Act.RELOAD_HOLDER, Act.RECREATE, Act.START, None]


def doubled(first: float) -> list[float]:
    return [min(first * 2**times, LONGEST_PAUSE_S) for times in range(9)]


@pytest.mark.parametrize("fault", [name for name, (_unused, act, _unused) in FAULTS.items() if act in PAUSES])
def test_a_step_that_does_not_help_is_repeated_after_pauses_that_double(fault: str) -> None:
    seen, act, _unused = FAULTS[fault]
    memory, now, pauses = Memory(), 1000.0, doubled(PAUSES[act])
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
    seen, _unused, _unused = FAULTS["app stopped"]
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


def climb(peers: int, until: float) -> list[tuple[float, Act]]:
    """Look once a second at a tunnel that stays dead; return when each step came."""
    memory, done = Memory(), []
    for now in range(int(until)):
        verdict = decide(replace(DEAD_TUNNEL, peers=peers), memory, float(now))
        memory = verdict.memory
        if verdict.step:
            done.append((float(now), verdict.step.act))
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
    pauses = [after - before for (before, act), (after, _unused) in pairwise(done) if act is Act.RESTART_TUNNEL]
    assert pauses[:6] == [15.0, 30.0, 60.0, 120.0, 240.0, 300.0]
    assert set(pauses[5:]) == {LONGEST_PAUSE_S}


def test_a_house_that_comes_online_goes_on_where_the_ladder_was() -> None:
    memory = decide(DEAD_TUNNEL, Memory(), 0.0).memory
    offline = decide(replace(DEAD_TUNNEL, online=False), memory, 100.0)
    assert offline.step is None
    step = decide(DEAD_TUNNEL, offline.memory, 101.0).step
    assert step is not None
    assert step.act is Act.FAIL_OVER


def test_a_tunnel_that_once_answered_is_dead_after_so_many_questions_in_a_row() -> None:
    # A fresh handshake says nothing then: it stays fresh for minutes after the line is cut.
    silent = replace(DEAD_TUNNEL, tunnel=Tunnel(answered=False, handshake_age=1.0))
    memory, alive = TRUSTED, []
    for _round in range(PATIENCE + 1):
        verdict = decide(silent, memory, 0.0)
        memory = verdict.memory
        alive.append(verdict.tunnel_alive)
    assert alive == [True] * (PATIENCE - 1) + [False, False]


def test_one_answer_begins_the_count_anew() -> None:
    silent = replace(DEAD_TUNNEL, tunnel=Tunnel(answered=False))
    memory = TRUSTED
    for seen in (silent, silent, WELL, silent):
        verdict = decide(seen, memory, 0.0)
        memory = verdict.memory
    assert verdict.tunnel_alive
    assert memory.unanswered == 1


@pytest.mark.parametrize(
    ("age", "alive"),
    [(None, False), (0.0, True), (HANDSHAKE_LIFE_S - 1, True), (HANDSHAKE_LIFE_S, False), (-1.0, False)],
)
def test_the_handshake_counts_while_nothing_was_ever_answered(age: float | None, alive: bool) -> None:
    seen = replace(DEAD_TUNNEL, tunnel=Tunnel(answered=False, handshake_age=age))
    memory = Memory(unanswered=PATIENCE * 9)
    verdict = decide(seen, memory, 0.0)
    assert verdict.tunnel_alive is alive
    assert (verdict.step is None) is alive


def test_without_a_look_into_the_tunnel_nothing_is_counted() -> None:
    memory = Memory(unanswered=2, trusted=True, rung=1)
    verdict = decide(replace(WELL, tunnel=None), memory, 0.0)
    assert verdict.memory == memory
    assert not verdict.tunnel_alive
    assert verdict.problems == ()


def test_an_answer_begins_the_ladder_from_below_again() -> None:
    memory = Memory(unanswered=9, rung=2, rung_after=1000.0, rounds=4)
    memory = decide(WELL, memory, 0.0).memory
    assert memory == TRUSTED


def test_a_handshake_begins_the_ladder_from_below_again_where_nothing_ever_answers() -> None:
    shaken = replace(DEAD_TUNNEL, tunnel=Tunnel(answered=False, handshake_age=1.0))
    memory = decide(shaken, Memory(rung=2, rung_after=1000.0, rounds=4), 0.0).memory
    assert memory == Memory(unanswered=1)


def test_an_app_that_never_starts_does_not_keep_the_tunnel_dead() -> None:
    seen = replace(DEAD_TUNNEL, containers={**ALL_WELL, APP: Container(Life.STOPPED)})
    first = decide(seen, Memory(), 0.0)
    second = decide(seen, first.memory, 0.0)
    assert [v.step.act if v.step else None for v in (first, second)] == [Act.START, Act.RESOLVE]


@pytest.mark.parametrize("name", [HOLDER, TUNNEL])
def test_a_tunnel_whose_containers_are_not_as_they_should_be_is_left_alone(name: str) -> None:
    seen = replace(DEAD_TUNNEL, containers={**ALL_WELL, name: Container(Life.PAUSED)})
    first = decide(seen, Memory(), 0.0)
    assert first.step is not None
    assert first.step.targets == (name,)
    assert decide(seen, first.memory, 0.0).step is None


def test_pauses_stay_the_longest_after_weeks_without_success() -> None:
    seen, act, _unused = FAULTS["app stopped"]
    key = (act, APP)
    verdict = decide(seen, Memory(tries={key: (0.0, 9999)}), 1.0)
    assert verdict.memory.tries[key] == (1.0 + LONGEST_PAUSE_S, 10000)
    verdict = decide(DEAD_TUNNEL, Memory(rung=len(LADDER) - 1, rounds=9999), 1.0)
    assert verdict.memory.rung_after == 1.0 + LONGEST_PAUSE_S


@dataclass
class House:
    """A small model of the host: every step repairs what it is for, and nothing else."""

    seen: Seen
    cure: Act | None  # of the tunnel; None when nothing is wrong with it itself
    quiet: int  # looks until Docker answers and the house is online by themselves

    def look(self) -> Seen:
        self.quiet -= 1
        if self.quiet <= 0:
            restarted = {
                name: replace(one, life=Life.RUNNING) if one.life is Life.RESTARTING else one
                for name, one in self.seen.containers.items()
            }
            self.seen = replace(self.seen, docker=True, held=False, online=True, containers=restarted)
        holder, tunnel = self.seen.containers[HOLDER], self.seen.containers[TUNNEL]
        if not self.seen.docker:
            return replace(self.seen, containers={}, tunnel=None)
        if holder.life is not Life.RUNNING:
            return replace(self.seen, tunnel=None, network=None)
        answered = (
            self.cure is None
            and self.seen.online is not False
            and self.seen.network is not False
            and not holder.unhealthy
            and tunnel.life is Life.RUNNING
            and tunnel.home is Home.HOLDERS
        )
        return replace(self.seen, tunnel=Tunnel(answered))

    def do(self, step: Step) -> None:
        if step.act is self.cure:
            self.cure = None
        match step.act:
            case Act.LOAD_BARRIER:
                self.seen = replace(self.seen, barrier=True)
            case Act.RESTART_DOCKER:
                self.seen = replace(self.seen, network=True)
            case Act.BRING_UP:
                self._bring_up()
            case Act.RELOAD_HOLDER:
                self._change((HOLDER,), unhealthy=False)
            case Act.UNPAUSE:
                self._change(step.targets, life=Life.RUNNING)
            case Act.START | Act.RESTART:
                assert all(self.seen.containers[name].home is not Home.FOREIGN for name in step.targets)
                self._change(step.targets, life=Life.RUNNING, home=Home.HOLDERS, unhealthy=False)
            case Act.RECREATE:
                self._change(step.targets, life=Life.RUNNING, home=Home.HOLDERS, unhealthy=False)

    def _bring_up(self) -> None:
        """The worst that compose may do: only what is missing, and the holder; the others are left behind by it."""
        holder = self.seen.containers[HOLDER].life
        others = tuple(name for name in self.seen.containers if name != HOLDER)
        if holder is Life.MISSING:
            self._change(others, home=Home.FOREIGN)
        elif holder is Life.STOPPED:
            running = [name for name in others if self.seen.containers[name].home is Home.HOLDERS]
            self._change(tuple(running), home=Home.DEAD)
        self._change((HOLDER,), life=Life.RUNNING)
        missing = tuple(name for name in others if self.seen.containers[name].life is Life.MISSING)
        self._change(missing, life=Life.RUNNING, home=Home.HOLDERS)

    def _change(self, names: tuple[str, ...], **to: object) -> None:
        changed = {name: replace(self.seen.containers[name], **to) for name in names}  # type: ignore[arg-type]
        self.seen = replace(self.seen, containers={**self.seen.containers, **changed})


MAX_LOOKS = 90
houses = st.builds(
    House,
    looks.flatmap(
        lambda seen: st.fixed_dictionaries(dict.fromkeys((HOLDER, TUNNEL, APP, "transmission"), containers)).map(
            lambda found: replace(seen, containers=found, peers=2)
        )
    ),
    st.sampled_from([None, *sorted(TUNNEL_ACTS)]),
    st.integers(0, 20),
)


@given(houses, st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_combination_of_faults_ends_well(house: House, trusted: bool) -> None:
    memory, repaired = Memory(trusted=trusted), []
    for now in range(MAX_LOOKS):
        seen = house.look()
        verdict = decide(seen, memory, float(now))
        check(seen, verdict)
        memory = verdict.memory
        if verdict.step:
            repaired.append(verdict.step.act)
            house.do(verdict.step)
        elif verdict.tunnel_alive and not verdict.problems and house.quiet <= 0 and house.cure is None:
            break
    else:
        raise AssertionError(f"still {verdict.problems} after {repaired}")
    assert len(repaired) <= 20
