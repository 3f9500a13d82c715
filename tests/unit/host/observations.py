# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the decision share: looks at a household, and the rules that hold for every one of them."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st
from mediaserver._core.names import HOLDER, TUNNEL
from mediaserver.monitor.assess import HANDSHAKE_LIFE_S
from mediaserver.monitor.decide import NETWORK_MISSING_S, TUNNEL_REPAIRS, Decision
from mediaserver.monitor.monitor_state import MAX_PAUSE_S, MonitorState
from mediaserver.monitor.observation import Container, ContainerState, NamespaceState, Observation, Tunnel
from mediaserver.monitor.problems import BLOCKS_TUNNEL, Code, Problem
from mediaserver.monitor.steps import Act, Step

APP = "jellyfin"
ALL_WELL = {name: Container() for name in (HOLDER, TUNNEL, APP)}
WELL = Observation(containers=ALL_WELL, tunnel=Tunnel(), peers=2)
DEAD_TUNNEL = replace(WELL, tunnel=Tunnel(answered=False), online=True)
TUNNEL_ACTS = {act for act, _ in TUNNEL_REPAIRS}
TRUSTED = MonitorState(trusted=True)
FORWARDING_OFF = ("net.ipv4.ip_forward",)
OBSTACLES = tuple(Problem(code, f"found {code}") for code in (*BLOCKS_TUNNEL, Code.LAN_NOT_COVERED))

containers = st.builds(
    Container, st.sampled_from(ContainerState), st.booleans(), st.sampled_from(NamespaceState), st.booleans()
)
tunnels = st.builds(Tunnel, st.booleans(), st.sampled_from([None, -5.0, 10.0, HANDSHAKE_LIFE_S + 1]))


def as_watched(observed: Observation) -> Observation:
    """Without Docker nothing behind it is observed."""
    return observed if observed.docker else replace(observed, containers={}, tunnel=None, network=None)


looks = st.builds(
    Observation,
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
    ordered=st.sampled_from([(), (APP,)]),
).map(as_watched)


def texts(decision: Decision) -> tuple[str, ...]:
    return tuple(problem.text for problem in decision.problems)


def with_container(name: str, container: Container) -> Observation:
    return replace(WELL, containers={**ALL_WELL, name: container})


def check(observed: Observation, state: MonitorState, now: float, decision: Decision) -> None:
    """The rules that hold whatever is observed and remembered."""
    for after, _ in decision.state.attempts.values():
        assert after <= now + MAX_PAUSE_S
    assert decision.state.repair_after <= now + MAX_PAUSE_S
    assert 0 <= decision.state.repair_index < len(TUNNEL_REPAIRS)
    step = decision.step
    if step is None:
        return
    assert isinstance(step, Step), "at most one"
    assert decision.problems, "a step without a problem"
    assert HOLDER not in step.targets or step == Step(Act.UNPAUSE, step.why, (HOLDER,)) or step.act is Act.BRING_UP
    # Bringing up names what is missing; a holder that does not run is not.
    if step.act is not Act.BRING_UP:
        assert bool(step.targets) == (step.act in {Act.RECREATE, Act.RESTART, Act.START, Act.UNPAUSE})
    if observed.held:
        assert step.act is Act.LOAD_BARRIER
    if step.act in TUNNEL_ACTS:
        assert observed.tunnel is not None
        assert not observed.tunnel.answered
        assert observed.online is not False
        assert not observed.forwarding_off
        assert not any(one.code in BLOCKS_TUNNEL for one in observed.obstacles)
        assert observed.docker
        assert now >= state.repair_after
        assert decision.state.repair_after > now
    else:
        key = (step.act, *step.targets)
        before, after = state.attempts.get(key, (0.0, 0)), decision.state.attempts[key]
        assert before[0] <= now < after[0]
        assert after[1] == before[1] + 1
    if step.act is Act.FAIL_OVER:
        assert observed.peers > 1
    if step.act is Act.RESTART_DOCKER:
        # The one step that takes a running holder along: only for a network that was there and is gone for a while.
        assert state.network_seen
        assert state.network_missing_since is not None
        assert state.network_missing_since + NETWORK_MISSING_S <= now
        assert observed.network is False
        assert Code.DOCKER_SETTINGS not in [one.code for one in observed.obstacles]
    if not observed.docker:
        assert step.act in {Act.LOAD_BARRIER, Act.FORWARD}
