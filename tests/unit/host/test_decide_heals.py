# SPDX-License-Identifier: GPL-3.0-or-later
"""A model of a household that heals by what is decided, from any combination of faults."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st
from mediaserver._core.names import HOLDER, TUNNEL
from mediaserver.monitor.decide import Act, Container, Home, Life, Memory, Seen, Step, Tunnel, decide
from observations import APP, TUNNEL_ACTS, check, containers, looks, texts


@dataclass
class House:
    """A small model of the host: every step repairs what it is for, and nothing else."""

    seen: Seen
    cure: Act | None  # of the tunnel; None when nothing is wrong with it itself
    quiet: int  # looks until Docker answers and the house is online by themselves
    pruned: bool = False  # an image is not there any more: compose refuses the whole

    def look(self) -> Seen:
        self.quiet -= 1
        if self.quiet <= 0:
            restarted = {
                name: replace(one, life=Life.RUNNING) if one.life is Life.RESTARTING else one
                for name, one in self.seen.containers.items()
            }
            self.seen = replace(self.seen, docker=True, held=False, online=True, containers=restarted, obstacles=())
        holder, tunnel = self.seen.containers[HOLDER], self.seen.containers[TUNNEL]
        if not self.seen.docker:
            return replace(self.seen, containers={}, tunnel=None, network=None)
        if holder.life is not Life.RUNNING:
            return replace(self.seen, tunnel=None, network=None)
        answered = (
            self.cure is None
            and self.seen.online is not False
            and self.seen.network is not False
            and not self.seen.forwarding_off
            and not holder.unhealthy
            and tunnel.life is Life.RUNNING
            and tunnel.home is Home.HOLDERS
        )
        return replace(self.seen, tunnel=Tunnel(answered))

    def do(self, step: Step) -> None:  # noqa: C901  (one case for each step)
        if step.act is self.cure:
            self.cure = None
        match step.act:
            case Act.LOAD_BARRIER:
                self.seen = replace(self.seen, barrier=True)
            case Act.FORWARD:
                self.seen = replace(self.seen, forwarding_off=())
            case Act.RESTART_DOCKER:
                self.seen = replace(self.seen, network=True)
            case Act.BRING_UP:
                if not self.pruned:
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
    memory, repaired = Memory(trusted=trusted, network_seen=True), []
    for now in range(MAX_LOOKS):
        seen = house.look()
        verdict = decide(seen, memory, float(now))
        check(seen, memory, float(now), verdict)
        memory = verdict.memory
        if verdict.step:
            repaired.append(verdict.step.act)
            house.do(verdict.step)
        elif verdict.tunnel_alive and not verdict.problems and house.quiet <= 0 and house.cure is None:
            break
    else:
        raise AssertionError(f"still {verdict.problems} after {repaired}")
    assert len(repaired) <= 20


@given(houses, st.booleans())
@settings(max_examples=100, deadline=None)
def test_an_app_that_can_never_be_made_keeps_nothing_else_from_ending_well(house: House, trusted: bool) -> None:
    found = dict(house.seen.containers)
    for name in (HOLDER, TUNNEL, "transmission"):
        if found[name].life in {Life.MISSING, Life.STOPPED}:
            found[name] = replace(found[name], life=Life.PAUSED)
    found[APP] = Container(Life.MISSING)
    house.seen, house.pruned = replace(house.seen, containers=found), True
    memory = Memory(trusted=trusted, network_seen=True)
    for now in range(MAX_LOOKS):
        verdict = decide(house.look(), memory, float(now))
        memory = verdict.memory
        if verdict.step:
            house.do(verdict.step)
        if verdict.tunnel_alive and texts(verdict) == (f"there is no container {APP}",) and house.cure is None:
            return
    raise AssertionError(f"still {verdict.problems}")
