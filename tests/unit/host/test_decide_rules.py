# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that hold for every combination of faults, whatever is remembered.

Every value of every switch is tried. The decision reads the containers only for what they call for, so their full
product is tried by itself, and one observation of each kind with everything else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from mediaserver._core.names import HOLDER, TUNNEL
from mediaserver.monitor.assess import HANDSHAKE_LIFE_S, MAX_UNANSWERED
from mediaserver.monitor.decide import NETWORK_MISSING_S, decide
from mediaserver.monitor.monitor_state import MAX_PAUSE_S, MonitorState
from mediaserver.monitor.observation import Container, ContainerState, NamespaceState, Observation, Tunnel
from mediaserver.monitor.steps import Act
from observations import APP, FORWARDING_OFF, OBSTACLES, as_watched, check, looks, texts

NOW = 1000.0
SWITCHES = (True, False)
# What is remembered of Docker's network: never observed, well, gone just now, gone for long enough.
NETWORKS = (
    MonitorState(),
    MonitorState(network_seen=True),
    MonitorState(network_seen=True, network_missing_since=NOW - NETWORK_MISSING_S + 0.1),
    MonitorState(network_seen=True, network_missing_since=NOW - NETWORK_MISSING_S),
)
SIGNS = (
    None,
    Tunnel(),
    Tunnel(answered=False),
    Tunnel(answered=False, handshake_age=9.0),
    Tunnel(answered=False, handshake_age=HANDSHAKE_LIFE_S),
)
# Next repair_index, when it may be taken, repair_rounds without success.
LADDERS = ((0, 0.0, 0), (1, NOW, 0), (2, 0.0, 9999), (2, NOW + 1, 0))
# Whether a question was ever answered, and how many were not in a row.
TRUST = ((False, 0), (True, 0), (True, MAX_UNANSWERED))
Kind = tuple[str, ...]


def every_set_of_containers() -> Iterator[dict[str, Container]]:
    """Holder, tunnel and one app, each absent from the project or in any state."""
    holders = [None, *(Container(state, unhealthy) for state, unhealthy in product(ContainerState, SWITCHES))]
    others = [
        None,
        *(
            Container(state, ill, namespace)
            for state, ill, namespace in product(ContainerState, SWITCHES, NamespaceState)
        ),
    ]
    for holder, tunnel, app in product(holders, others, others):
        found = {HOLDER: holder, TUNNEL: tunnel, APP: app}
        yield {name: container for name, container in found.items() if container}


def kind(observed: Observation, state: MonitorState) -> Kind:
    """What a look calls for, the tunnel aside, in words that tell step and targets."""
    return texts(decide(replace(observed, tunnel=None), state, NOW))


@cache
def one_of_each_kind() -> dict[Kind, tuple[Observation, MonitorState]]:
    found: dict[Kind, tuple[Observation, MonitorState]] = {}
    for containers in every_set_of_containers():
        observed = Observation(containers=containers)
        found.setdefault(kind(observed, NETWORKS[1]), (observed, NETWORKS[1]))
    return found


def test_every_set_of_containers_is_of_a_kind_that_alone_decides() -> None:
    kinds = one_of_each_kind()
    dead = Tunnel(answered=False)
    for containers in every_set_of_containers():
        observed = Observation(containers=containers, tunnel=dead, peers=2)
        decision = decide(observed, NETWORKS[1], NOW)
        check(observed, NETWORKS[1], NOW, decision)
        known, state = kinds[kind(observed, NETWORKS[1])]
        # But for a note of what Docker restarts, which calls for no step.
        expected = decide(replace(known, tunnel=dead, peers=2), state, NOW)
        noted = replace(expected.state, restarts=decision.state.restarts)
        assert decision == replace(expected, state=noted)
    assert len(kinds) > 60


def test_the_home_of_the_holder_says_nothing() -> None:
    for state, namespace in product(ContainerState, NamespaceState):
        looks = [
            Observation(containers={HOLDER: Container(state, namespace=where)})
            for where in (namespace, NamespaceState.HOLDERS)
        ]
        assert decide(looks[0], MonitorState(), NOW) == decide(looks[1], MonitorState(), NOW)


def every_observation() -> Iterator[tuple[Observation, MonitorState]]:
    """One observation of each kind, with every value of every switch, and all that may be remembered."""
    switches = list(product(SWITCHES, SWITCHES, SWITCHES, (True, False, None), SIGNS, (True, False, None), (1, 2)))
    for docker, held, barrier, network, tunnel, online, peers in switches:
        for observed, _ in one_of_each_kind().values() if docker and network else LITTLE:
            # Not with replace(), which takes far longer: there are a quarter of a million.
            look = Observation(
                **{"docker": docker, "held": held, "barrier": barrier, "network": network},
                **{"containers": observed.containers, "tunnel": tunnel, "online": online, "peers": peers},
            )
            if look != as_watched(look):
                continue
            yield from ((look, state) for state in memories(look))
            if observed in [one for one, _ in LITTLE]:
                for host in HOSTS:
                    yield from ((replace(look, **host), state) for state in memories(look))


def memories(look: Observation) -> Iterator[MonitorState]:
    networks = NETWORKS if look.network is False else NETWORKS[1:2]
    # The ladder is remembered for a dead tunnel only.
    silent = look.tunnel is not None and not look.tunnel.answered
    signs = list(product(TRUST, LADDERS)) if silent else [(TRUST[1], LADDERS[0])]
    for network in networks:
        attempts = waiting(look, network)
        for (trusted, unanswered), (repair_index, repair_after, repair_rounds) in signs:
            state = replace(
                *(network,),
                **{"trusted": trusted, "unanswered": unanswered},
                **{"repair_index": repair_index, "repair_after": repair_after, "repair_rounds": repair_rounds},
            )
            yield state
            if attempts:
                yield replace(state, attempts=attempts)


def waiting(look: Observation, network: MonitorState) -> dict[tuple[str, ...], tuple[float, int]]:
    """Every step that the look calls for was done just now, for the umpteenth time."""
    alone = replace(look, tunnel=None)
    called_for = look.held, decide(alone, network, NOW).problems, network.network_missing_since
    if called_for not in WAITING:
        attempts: dict[tuple[str, ...], tuple[float, int]] = {}
        while step := decide(alone, replace(network, attempts=attempts), NOW).step:
            attempts[(step.act, *step.targets)] = (NOW + MAX_PAUSE_S, 9999)
        WAITING[called_for] = attempts
    return WAITING[called_for]


WAITING: dict[object, dict[tuple[str, ...], tuple[float, int]]] = {}
# What may be wrong with the host itself.
HOSTS: list[dict[str, Any]] = [
    {"forwarding_off": FORWARDING_OFF},
    *({"obstacles": (one,)} for one in OBSTACLES),
]
LITTLE = [
    (Observation(), MonitorState()),
    (Observation(containers={HOLDER: Container(), TUNNEL: Container()}), MonitorState()),
]


def test_the_rules_hold_for_every_observation_and_every_memory() -> None:
    acts, tried = set(), 0
    for observed, state in every_observation():
        decision = decide(observed, state, NOW)
        check(observed, state, NOW, decision)
        acts.add(decision.step.act if decision.step else None)
        tried += 1
    assert acts == {None, *Act}
    assert tried > 100_000


@given(st.lists(st.tuples(looks, st.sampled_from([0.0, 1.0, 7.0, 400.0])), min_size=1, max_size=12))
@settings(max_examples=200, deadline=None)
def test_the_rules_hold_for_any_series_of_looks(series: list[tuple[Observation, float]]) -> None:
    state, now = MonitorState(), 0.0
    for observed, pause in series:
        now += pause
        decision = decide(observed, state, now)
        assert decision == decide(observed, state, now)
        check(observed, state, now, decision)
        state = decision.state
