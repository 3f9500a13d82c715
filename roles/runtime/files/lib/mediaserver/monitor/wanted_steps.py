# SPDX-License-Identifier: GPL-3.0-or-later
"""Every repair that an observation calls for, except those of a dead tunnel. Pure.

From the outside in: the barrier, the host, Docker, the holder, the services in its namespace. The most urgent is first.
"""

from __future__ import annotations

from collections.abc import Iterator

from mediaserver._core.names import HOLDER, TUNNEL
from mediaserver.monitor.monitor_state import MonitorState
from mediaserver.monitor.observation import ContainerState, NamespaceState, Observation
from mediaserver.monitor.problems import Code
from mediaserver.monitor.steps import Act, Step


def wanted_steps(observed: Observation, state: MonitorState) -> Iterator[Step]:
    if not observed.barrier:
        yield Step(Act.LOAD_BARRIER, "the outer barrier differs from its file")
    if observed.forwarding_off:
        yield Step(Act.FORWARD, f"IPv4 forwarding is off on this host ({', '.join(observed.forwarding_off)})")
    if not observed.docker:
        return
    # Docker makes no rules after a restart either while its settings forbid it.
    makes_rules = not any(one.code is Code.DOCKER_SETTINGS for one in observed.obstacles)
    if state.network_missing_since is not None and makes_rules:
        yield Step(Act.RESTART_DOCKER, "Docker's bridge or rules for the VPN network are gone")
        return
    yield from _container_steps(observed)


def _container_steps(observed: Observation) -> Iterator[Step]:
    states = {name: container.state for name, container in observed.containers.items()}
    if missing := tuple(name for name, found in states.items() if found is ContainerState.MISSING):
        yield Step(Act.BRING_UP, f"there is no container {' or '.join(missing)}", missing)
        if HOLDER in missing or TUNNEL in missing:
            return
    if HOLDER not in states:
        return
    if states[HOLDER] is ContainerState.STOPPED:
        yield Step(Act.BRING_UP, "the holder of the namespace does not run", code=Code.CONTAINER_STOPPED)
        return
    if states[HOLDER] is ContainerState.PAUSED:
        yield Step(Act.UNPAUSE, "the holder of the namespace is paused", (HOLDER,))
        return
    if states[HOLDER] is ContainerState.RUNNING and observed.containers[HOLDER].unhealthy:
        yield Step(Act.RELOAD_HOLDER, "the inner barrier or the namespace's routes differ from their files")
    yield from _dependant_steps(observed)


def _dependant_steps(observed: Observation) -> Iterator[Step]:
    # The tunnel first, so that the others have a route when they start.
    names = sorted(observed.containers, key=lambda name: name != TUNNEL)
    others = {name: found for name in names if (found := observed.containers[name]).state is not ContainerState.MISSING}
    holder = others.pop(HOLDER)
    if not holder.ready:
        others = {name: found for name, found in others.items() if name not in observed.ordered}
    if lost := tuple(name for name, found in others.items() if found.namespace is NamespaceState.FOREIGN):
        yield Step(Act.RECREATE, f"{' and '.join(lost)} would join the namespace of a holder that is gone", lost)
    for name, found in others.items():
        if found.namespace is NamespaceState.FOREIGN:
            continue
        if found.state is ContainerState.STOPPED:
            yield Step(Act.START, f"{name} does not run", (name,))
        elif found.state is ContainerState.PAUSED:
            yield Step(Act.UNPAUSE, f"{name} is paused", (name,))
        elif found.state is ContainerState.RUNNING and found.namespace is NamespaceState.DEAD:
            yield Step(Act.RESTART, f"{name} is in a dead namespace", (name,))
        elif name in observed.restarted_when_unhealthy and found.state is ContainerState.RUNNING and found.unhealthy:
            if name == TUNNEL:
                yield Step(Act.RESTART, "the tunnel differs from its files", (name,), Code.TUNNEL_FILES)
            else:
                # When that may be done is decided in healing.py.
                yield Step(Act.RESTART, f"{name} is not healthy", (name,), Code.CONTAINER_UNHEALTHY)
