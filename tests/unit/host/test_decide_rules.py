# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that hold for every combination of faults, whatever is remembered.

Every value of every switch is tried. The decision reads the containers only for what they call for, so their full
product is tried by itself, and one look of each kind with everything else.
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
from mediaserver.monitor.decide import (
    GONE_S,
    HANDSHAKE_LIFE_S,
    LONGEST_PAUSE_S,
    PATIENCE,
    Act,
    Container,
    Home,
    Life,
    Memory,
    Seen,
    Tunnel,
    decide,
)
from observations import APP, FORWARDING_OFF, OBSTACLES, as_watched, check, looks, texts

NOW = 1000.0
SWITCHES = (True, False)
# What is remembered of Docker's network: never seen, well, gone just now, gone for long enough.
NETWORKS = (
    Memory(),
    Memory(network_seen=True),
    Memory(network_seen=True, network_gone=NOW - GONE_S + 0.1),
    Memory(network_seen=True, network_gone=NOW - GONE_S),
)
SIGNS = (
    None,
    Tunnel(),
    Tunnel(answered=False),
    Tunnel(answered=False, handshake_age=9.0),
    Tunnel(answered=False, handshake_age=HANDSHAKE_LIFE_S),
)
# Next rung, when it may be taken, rounds without success.
LADDERS = ((0, 0.0, 0), (1, NOW, 0), (2, 0.0, 9999), (2, NOW + 1, 0))
# Whether a question was ever answered, and how many were not in a row.
TRUST = ((False, 0), (True, 0), (True, PATIENCE))
Kind = tuple[str, ...]


def every_set_of_containers() -> Iterator[dict[str, Container]]:
    """Holder, tunnel and one app, each absent from the project or in any state."""
    holders = [None, *(Container(life, unhealthy) for life, unhealthy in product(Life, SWITCHES))]
    others = [None, *(Container(life, ill, home) for life, ill, home in product(Life, SWITCHES, Home))]
    for holder, tunnel, app in product(holders, others, others):
        found = {HOLDER: holder, TUNNEL: tunnel, APP: app}
        yield {name: container for name, container in found.items() if container}


def kind(seen: Seen, memory: Memory) -> Kind:
    """What a look calls for, the tunnel aside, in words that tell step and targets."""
    return texts(decide(replace(seen, tunnel=None), memory, NOW))


@cache
def one_of_each_kind() -> dict[Kind, tuple[Seen, Memory]]:
    found: dict[Kind, tuple[Seen, Memory]] = {}
    for containers in every_set_of_containers():
        seen = Seen(containers=containers)
        found.setdefault(kind(seen, NETWORKS[1]), (seen, NETWORKS[1]))
    return found


def test_every_set_of_containers_is_of_a_kind_that_alone_decides() -> None:
    kinds = one_of_each_kind()
    dead = Tunnel(answered=False)
    for containers in every_set_of_containers():
        seen = Seen(containers=containers, tunnel=dead, peers=2)
        verdict = decide(seen, NETWORKS[1], NOW)
        check(seen, NETWORKS[1], NOW, verdict)
        known, memory = kinds[kind(seen, NETWORKS[1])]
        # But for a note of what Docker restarts, which calls for no step.
        expected = decide(replace(known, tunnel=dead, peers=2), memory, NOW)
        noted = replace(expected.memory, restarts=verdict.memory.restarts)
        assert verdict == replace(expected, memory=noted)
    assert len(kinds) > 60


def test_the_home_of_the_holder_says_nothing() -> None:
    for life, home in product(Life, Home):
        looks = [Seen(containers={HOLDER: Container(life, home=where)}) for where in (home, Home.HOLDERS)]
        assert decide(looks[0], Memory(), NOW) == decide(looks[1], Memory(), NOW)


def every_look() -> Iterator[tuple[Seen, Memory]]:
    """One look of each kind, with every value of every switch, and all that may be remembered."""
    switches = list(product(SWITCHES, SWITCHES, SWITCHES, (True, False, None), SIGNS, (True, False, None), (1, 2)))
    for docker, held, barrier, network, tunnel, online, peers in switches:
        for seen, _ in one_of_each_kind().values() if docker and network else LITTLE:
            look = replace(
                *(seen,),
                **{"docker": docker, "held": held, "barrier": barrier, "network": network},
                **{"tunnel": tunnel, "online": online, "peers": peers},
            )
            if look != as_watched(look):
                continue
            yield from ((look, memory) for memory in memories(look))
            if seen in [one for one, _ in LITTLE]:
                for host in HOSTS:
                    yield from ((replace(look, **host), memory) for memory in memories(look))


def memories(look: Seen) -> Iterator[Memory]:
    networks = NETWORKS if look.network is False else NETWORKS[1:2]
    # The ladder is remembered for a dead tunnel only.
    silent = look.tunnel is not None and not look.tunnel.answered
    signs = list(product(TRUST, LADDERS)) if silent else [(TRUST[1], LADDERS[0])]
    for network in networks:
        tries = waiting(look, network)
        for (trusted, unanswered), (rung, rung_after, rounds) in signs:
            memory = replace(
                *(network,),
                **{"trusted": trusted, "unanswered": unanswered},
                **{"rung": rung, "rung_after": rung_after, "rounds": rounds},
            )
            yield memory
            yield replace(memory, tries=tries)


def waiting(look: Seen, network: Memory) -> dict[tuple[str, ...], tuple[float, int]]:
    """Every step that the look calls for was done just now, for the umpteenth time."""
    alone = replace(look, tunnel=None)
    called_for = look.held, decide(alone, network, NOW).problems, network.network_gone
    if called_for not in WAITING:
        tries: dict[tuple[str, ...], tuple[float, int]] = {}
        while step := decide(alone, replace(network, tries=tries), NOW).step:
            tries[(step.act, *step.targets)] = (NOW + LONGEST_PAUSE_S, 9999)
        WAITING[called_for] = tries
    return WAITING[called_for]


WAITING: dict[object, dict[tuple[str, ...], tuple[float, int]]] = {}
# What may be wrong with the host itself.
HOSTS: list[dict[str, Any]] = [
    {"forwarding_off": FORWARDING_OFF},
    *({"obstacles": (one,)} for one in OBSTACLES),
]
LITTLE = [(Seen(), Memory()), (Seen(containers={HOLDER: Container(), TUNNEL: Container()}), Memory())]


def test_the_rules_hold_for_every_look_and_every_memory() -> None:
    acts, tried = set(), 0
    for seen, memory in every_look():
        verdict = decide(seen, memory, NOW)
        check(seen, memory, NOW, verdict)
        acts.add(verdict.step.act if verdict.step else None)
        tried += 1
    assert acts == {None, *Act}
    assert tried > 100_000


@given(st.lists(st.tuples(looks, st.sampled_from([0.0, 1.0, 7.0, 400.0])), min_size=1, max_size=12))
@settings(max_examples=200, deadline=None)
def test_the_rules_hold_for_any_series_of_looks(series: list[tuple[Seen, float]]) -> None:
    memory, now = Memory(), 0.0
    for seen, pause in series:
        now += pause
        verdict = decide(seen, memory, now)
        assert verdict == decide(seen, memory, now)
        check(seen, memory, now, verdict)
        memory = verdict.memory
