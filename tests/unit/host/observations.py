# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the decision share: looks at a household, and the rules that hold for every one of them."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st
from mediaserver._core.names import HOLDER, TUNNEL
from mediaserver.monitor.decide import (
    GONE_S,
    HANDSHAKE_LIFE_S,
    LADDER,
    LONGEST_PAUSE_S,
    Act,
    Container,
    Home,
    Life,
    Memory,
    Seen,
    Step,
    Tunnel,
    Verdict,
)
from mediaserver.monitor.problems import BLOCKS_TUNNEL, Code, Problem

APP = "jellyfin"
ALL_WELL = {name: Container() for name in (HOLDER, TUNNEL, APP)}
WELL = Seen(containers=ALL_WELL, tunnel=Tunnel(), peers=2)
DEAD_TUNNEL = replace(WELL, tunnel=Tunnel(answered=False), online=True)
TUNNEL_ACTS = {act for act, _ in LADDER}
TRUSTED = Memory(trusted=True)
FORWARDING_OFF = ("net.ipv4.ip_forward",)
OBSTACLES = tuple(Problem(code, f"found {code}") for code in (*BLOCKS_TUNNEL, Code.LAN_NOT_COVERED))

containers = st.builds(Container, st.sampled_from(Life), st.booleans(), st.sampled_from(Home))
tunnels = st.builds(Tunnel, st.booleans(), st.sampled_from([None, -5.0, 10.0, HANDSHAKE_LIFE_S + 1]))


def as_watched(seen: Seen) -> Seen:
    """Without Docker nothing behind it is seen."""
    return seen if seen.docker else replace(seen, containers={}, tunnel=None, network=None)


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
    forwarding_off=st.sampled_from([(), FORWARDING_OFF]),
    obstacles=st.sampled_from([(), *((one,) for one in OBSTACLES)]),
    restarted_when_unhealthy=st.sampled_from([(), (TUNNEL,), (TUNNEL, APP)]),
).map(as_watched)


def texts(verdict: Verdict) -> tuple[str, ...]:
    return tuple(problem.text for problem in verdict.problems)


def with_container(name: str, container: Container) -> Seen:
    return replace(WELL, containers={**ALL_WELL, name: container})


def check(seen: Seen, memory: Memory, now: float, verdict: Verdict) -> None:
    """The rules that hold whatever is seen and remembered."""
    for after, _ in verdict.memory.tries.values():
        assert after <= now + LONGEST_PAUSE_S
    assert verdict.memory.rung_after <= now + LONGEST_PAUSE_S
    assert 0 <= verdict.memory.rung < len(LADDER)
    step = verdict.step
    if step is None:
        return
    assert isinstance(step, Step), "at most one"
    assert verdict.problems, "a step without a problem"
    assert HOLDER not in step.targets or step == Step(Act.UNPAUSE, step.why, (HOLDER,)) or step.act is Act.BRING_UP
    # Bringing up names what is missing; a holder that does not run is not.
    if step.act is not Act.BRING_UP:
        assert bool(step.targets) == (step.act in {Act.RECREATE, Act.RESTART, Act.START, Act.UNPAUSE})
    if seen.held:
        assert step.act is Act.LOAD_BARRIER
    if step.act in TUNNEL_ACTS:
        assert seen.tunnel is not None
        assert not seen.tunnel.answered
        assert seen.online is not False
        assert not seen.forwarding_off
        assert not any(one.code in BLOCKS_TUNNEL for one in seen.obstacles)
        assert seen.docker
        assert now >= memory.rung_after
        assert verdict.memory.rung_after > now
    else:
        key = (step.act, *step.targets)
        before, after = memory.tries.get(key, (0.0, 0)), verdict.memory.tries[key]
        assert before[0] <= now < after[0]
        assert after[1] == before[1] + 1
    if step.act is Act.FAIL_OVER:
        assert seen.peers > 1
    if step.act is Act.RESTART_DOCKER:
        # The one step that takes a running holder along: only for a network that was there and is gone for a while.
        assert memory.network_seen
        assert memory.network_gone is not None
        assert memory.network_gone + GONE_S <= now
        assert seen.network is False
        assert Code.DOCKER_SETTINGS not in [one.code for one in seen.obstacles]
    if not seen.docker:
        assert step.act in {Act.LOAD_BARRIER, Act.FORWARD}
