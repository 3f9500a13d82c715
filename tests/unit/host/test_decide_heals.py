# SPDX-License-Identifier: GPL-3.0-or-later
"""A model of a household that heals by what is decided, from any combination of faults."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st
from mediaserver._core.names import HOLDER, TUNNEL
from mediaserver.monitor.decide import decide
from mediaserver.monitor.monitor_state import MonitorState
from mediaserver.monitor.observation import Container, ContainerState, NamespaceState, Observation, Tunnel
from mediaserver.monitor.steps import Act, Step
from observations import APP, TUNNEL_ACTS, check, containers, looks, texts


@dataclass
class House:
    """A small model of the host: every step repairs what it is for, and nothing else."""

    observed: Observation
    cure: Act | None  # of the tunnel; None when nothing is wrong with it itself
    quiet: int  # rounds until Docker answers and the host is online by themselves
    pruned: bool = False  # an image is not there any more: compose refuses the whole

    def look(self) -> Observation:
        self.quiet -= 1
        if self.quiet <= 0:
            restarted = {
                name: replace(one, state=ContainerState.RUNNING) if one.state is ContainerState.RESTARTING else one
                for name, one in self.observed.containers.items()
            }
            self.observed = replace(
                self.observed, docker=True, held=False, online=True, containers=restarted, obstacles=()
            )
        holder, tunnel = self.observed.containers[HOLDER], self.observed.containers[TUNNEL]
        if not self.observed.docker:
            return replace(self.observed, containers={}, tunnel=None, network=None)
        if holder.state is not ContainerState.RUNNING:
            return replace(self.observed, tunnel=None, network=None)
        answered = (
            self.cure is None
            and self.observed.online is not False
            and self.observed.network is not False
            and not self.observed.forwarding_off
            and not holder.unhealthy
            and tunnel.state is ContainerState.RUNNING
            and tunnel.namespace is NamespaceState.HOLDERS
        )
        return replace(self.observed, tunnel=Tunnel(answered))

    def do(self, step: Step) -> None:  # noqa: C901  (one case for each step)
        if step.act is self.cure:
            self.cure = None
        match step.act:
            case Act.LOAD_BARRIER:
                self.observed = replace(self.observed, barrier=True)
            case Act.FORWARD:
                self.observed = replace(self.observed, forwarding_off=())
            case Act.RESTART_DOCKER:
                self.observed = replace(self.observed, network=True)
            case Act.BRING_UP:
                if not self.pruned:
                    self._bring_up()
            case Act.RELOAD_HOLDER:
                self._change((HOLDER,), unhealthy=False)
            case Act.UNPAUSE:
                self._change(step.targets, state=ContainerState.RUNNING)
            case Act.START | Act.RESTART:
                assert all(
                    self.observed.containers[name].namespace is not NamespaceState.FOREIGN for name in step.targets
                )
                self._change(
                    step.targets, state=ContainerState.RUNNING, namespace=NamespaceState.HOLDERS, unhealthy=False
                )
            case Act.RECREATE:
                self._change(
                    step.targets, state=ContainerState.RUNNING, namespace=NamespaceState.HOLDERS, unhealthy=False
                )

    def _bring_up(self) -> None:
        """The worst that compose may do: only what is missing, and the holder; the others are left behind by it."""
        holder = self.observed.containers[HOLDER].state
        others = tuple(name for name in self.observed.containers if name != HOLDER)
        if holder is ContainerState.MISSING:
            self._change(others, namespace=NamespaceState.FOREIGN)
        elif holder is ContainerState.STOPPED:
            running = [name for name in others if self.observed.containers[name].namespace is NamespaceState.HOLDERS]
            self._change(tuple(running), namespace=NamespaceState.DEAD)
        self._change((HOLDER,), state=ContainerState.RUNNING)
        missing = tuple(name for name in others if self.observed.containers[name].state is ContainerState.MISSING)
        self._change(missing, state=ContainerState.RUNNING, namespace=NamespaceState.HOLDERS)

    def _change(self, names: tuple[str, ...], **to: object) -> None:
        changed = {name: replace(self.observed.containers[name], **to) for name in names}  # type: ignore[arg-type]
        self.observed = replace(self.observed, containers={**self.observed.containers, **changed})


MAX_LOOKS = 90
houses = st.builds(
    House,
    looks.flatmap(
        lambda observed: st.fixed_dictionaries(dict.fromkeys((HOLDER, TUNNEL, APP, "transmission"), containers)).map(
            lambda found: replace(observed, containers=found, peers=2)
        )
    ),
    st.sampled_from([None, *sorted(TUNNEL_ACTS)]),
    st.integers(0, 20),
)


@given(houses, st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_combination_of_faults_ends_well(house: House, trusted: bool) -> None:
    state, repaired = MonitorState(trusted=trusted, network_seen=True), []
    for now in range(MAX_LOOKS):
        observed = house.look()
        decision = decide(observed, state, float(now))
        check(observed, state, float(now), decision)
        state = decision.state
        if decision.step:
            repaired.append(decision.step.act)
            house.do(decision.step)
        elif decision.tunnel_alive and not decision.problems and house.quiet <= 0 and house.cure is None:
            break
    else:
        raise AssertionError(f"still {decision.problems} after {repaired}")
    assert len(repaired) <= 20


@given(houses, st.booleans())
@settings(max_examples=100, deadline=None)
def test_an_app_that_can_never_be_made_keeps_nothing_else_from_ending_well(house: House, trusted: bool) -> None:
    found = dict(house.observed.containers)
    for name in (HOLDER, TUNNEL, "transmission"):
        if found[name].state in {ContainerState.MISSING, ContainerState.STOPPED}:
            found[name] = replace(found[name], state=ContainerState.PAUSED)
    found[APP] = Container(ContainerState.MISSING)
    house.observed, house.pruned = replace(house.observed, containers=found), True
    state = MonitorState(trusted=trusted, network_seen=True)
    for now in range(MAX_LOOKS):
        decision = decide(house.look(), state, float(now))
        state = decision.state
        if decision.step:
            house.do(decision.step)
        if decision.tunnel_alive and texts(decision) == (f"there is no container {APP}",) and house.cure is None:
            return
    raise AssertionError(f"still {decision.problems}")
