# SPDX-License-Identifier: GPL-3.0-or-later
"""What vpn-monitor does next: a pure function of what it sees, what it remembers and the time.

Steps go from the outside in: the barrier, Docker, the holder, who lives in its namespace, the tunnel. One step at a
time; each kind of step on each target backs off by itself. A running holder is never stopped, and the tunnel is left
alone while the house has no internet. Times are seconds since boot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from mediaserver._core.names import HOLDER, TUNNEL
from mediaserver.monitor import causes
from mediaserver.monitor.problems import BLOCKS_TUNNEL, Code, Problem
from mediaserver.monitor.steps import Act, Step

# WireGuard refuses to send with keys older than this (WireGuard whitepaper, section 6.1: Reject-After-Time).
HANDSHAKE_LIFE_S = 180.0
# Questions through the tunnel without an answer, in a row, before it counts as dead.
PATIENCE = 3
# Seconds for which a packet that came through the tunnel proves that it carries, while its resolvers are silent.
TRAFFIC_PROOF_S = 20.0
MAX_PAUSE_S = 300.0
# Restarting Docker is heavy, and its rules are away for a moment whenever it changes them: so long in every look.
NETWORK_MISSING_S = 4.0
# Docker's restarts: seen so long they go round and round; not seen so long they are over, as Docker itself has it.
CRASH_LOOP_S, RECOVERED_S = 10.0, 10.0


# Seconds until the same step on the same target is tried again; doubled every time, up to MAX_PAUSE_S.
PAUSES = {
    Act.LOAD_BARRIER: 5.0,
    Act.FORWARD: 5.0,
    Act.RESTART_DOCKER: 60.0,
    Act.BRING_UP: 15.0,
    Act.RELOAD_HOLDER: 15.0,
    Act.RECREATE: 10.0,
    Act.RESTART: 10.0,
    Act.START: 5.0,
    Act.UNPAUSE: 5.0,
}
# The ladder for a dead tunnel, and the seconds that each repair_index gets before the next one.
TUNNEL_REPAIRS = ((Act.RESOLVE, 5.0), (Act.FAIL_OVER, 12.0), (Act.RESTART_TUNNEL, 15.0))


class ContainerState(StrEnum):
    """How a container is."""

    MISSING = "missing"
    STOPPED = "stopped"
    PAUSED = "paused"
    RESTARTING = "restarting"
    RUNNING = "running"


class NamespaceState(StrEnum):
    """Which network namespace a dependant is in."""

    HOLDERS = "the holder's"
    DEAD = "a dead one"  # made for this holder, which has started anew since
    FOREIGN = "that of a holder that is gone"  # cannot even be restarted


@dataclass(frozen=True)
class Container:
    """One service of the project.

    ``unhealthy`` is Docker's decision. The holder is healthy when its barrier and its routes are as its files say, and
    so is the tunnel; whether it carries is another question.
    """

    state: ContainerState = ContainerState.RUNNING
    unhealthy: bool = False
    namespace: NamespaceState = NamespaceState.HOLDERS


@dataclass(frozen=True)
class Tunnel:
    """Signs of state of the tunnel; ``handshake_age`` in seconds, None without any.

    ``received`` counts the packets that came out of the tunnel; WireGuard's own keepalives are none of them.
    """

    answered: bool = True
    handshake_age: float | None = None
    received: int | None = None
    interface: bool = True


@dataclass(frozen=True)
class Observation:
    """One look at the host. None means that it could not be told, which is no reason to act."""

    docker: bool = True
    held: bool = False
    barrier: bool = True
    network: bool | None = True  # Docker's bridge and rules for the VPN network exist
    containers: Mapping[str, Container] = field(default_factory=dict)
    tunnel: Tunnel | None = None
    online: bool | None = None  # the house itself; asked only when the tunnel is dead
    peers: int = 1
    asked: tuple[str, ...] = ()  # whom the tunnel is asked for, and through whom: its resolvers and peers
    trouble: str = ""  # what came of asking Docker, where it did not answer
    forwarding_off: tuple[str, ...] = ()  # kernel settings that keep this host from forwarding
    obstacles: tuple[Problem, ...] = ()  # other settings of the host, which vpn-monitor does not change
    peer: str = ""  # the active peer, host:port
    endpoint: str | None = None  # its address, empty while it has none; None: not told
    refused: str = ""  # why the address that its name has now cannot be used
    resolvers: tuple[str, ...] = ()
    restarted_when_unhealthy: tuple[str, ...] = (TUNNEL,)  # services


@dataclass(frozen=True)
class MonitorState:
    """What one look remembers for the next."""

    # By step and targets: when it may be done again, and how often it was done in a row.
    attempts: Mapping[tuple[str, ...], tuple[float, int]] = field(default_factory=dict)
    unanswered: int = 0
    received: int | None = None  # packets out of the tunnel by the last look without an answer
    traffic_until: float = 0.0  # the tunnel counts as carrying although no resolver answers
    trusted: bool = False  # a question through the tunnel was answered since boot, with these resolvers and peers:
    asked: tuple[str, ...] = ()
    # By container that Docker restarts: when that was observed first, and last.
    restarts: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    network_seen: bool = False  # Docker's side of the VPN network was there since boot; else it is not missed
    network_missing_since: float | None = None  # since when it is missing, in every look
    swarm_pending: bool = False  # the tunnel was away, and whether torrents went on since is not judged yet
    repair_index: int = 0  # of the ladder, the next one
    repair_after: float = 0.0
    repair_rounds: int = 0  # of the whole ladder, without success


@dataclass(frozen=True)
class Decision:
    """What to do now (nothing, mostly), what is wrong in plain words, and what to remember."""

    step: Step | None
    problems: tuple[Problem, ...]
    memory: MonitorState
    tunnel_alive: bool
    carries: bool = False  # packets come out of the tunnel, although no resolver answers
    busy: bool = False  # a repair is under way or due: look again soon


def decide(observed: Observation, memory: MonitorState, now: float) -> Decision:
    """Return the next step. Equal arguments give equal answers; nothing is done here."""
    memory, alive = _judge_tunnel(observed, memory, now)
    memory = _judge_restarts(observed, _judge_network(observed, memory, now), now)
    wanted = list(_wanted_steps(observed, memory))
    problems = [step.problem for step in wanted]
    crashing = [
        name for name, (first, last) in memory.restarts.items() if observed.docker and last - first >= CRASH_LOOP_S
    ]
    problems += [
        Problem(Code.CRASH_LOOP, f"{name} ends again and again, however often Docker starts it") for name in crashing
    ]
    if not observed.docker:
        problems.append(Problem(Code.DOCKER_SILENT, observed.trouble or "Docker does not answer"))
    carries = alive and memory.unanswered >= PATIENCE and now < memory.traffic_until
    if carries:
        problems.append(causes.of_dead_resolver(observed.resolvers))
    standing = {_key(step) for step in wanted}
    attempts = {key: value for key, value in memory.attempts.items() if key in standing or _cannot_tell(observed, key)}
    memory = replace(memory, attempts=attempts)
    dead = not alive and observed.tunnel is not None
    first = any(_comes_before_tunnel(step) for step in wanted)
    cause = _cause(observed, memory, first=first) if dead else None
    # An obstacle that is the cause is named once.
    problems += [one for one in observed.obstacles if cause is None or one.code != cause.code]
    if cause and not any(one.code == cause.code for one in problems):
        problems.append(cause)
    busy = bool(wanted) or dead or not observed.docker or (memory.unanswered > 0 and not carries)

    def decision(step: Step | None, memory: MonitorState) -> Decision:
        return Decision(step, tuple(problems), memory, alive, carries, busy)

    for step in wanted:
        if not _may_be_done(step, observed, memory, now):
            continue
        after, times = memory.attempts.get(_key(step), (0.0, 0))
        if now >= after:
            pause = _pause(PAUSES[step.act], times)
            return decision(step, replace(memory, attempts={**attempts, _key(step): (now + pause, times + 1)}))
    blocked = any(one.code in BLOCKS_TUNNEL for one in observed.obstacles)
    if not dead or observed.held or first or blocked or observed.online is False or now < memory.repair_after:
        return decision(None, memory)
    return decision(*_next_tunnel_repair(observed, memory, now))


def _cause(observed: Observation, memory: MonitorState, *, first: bool) -> Problem:
    """Return why the tunnel is dead, as far as this look tells."""
    if first and observed.online is not False:
        return Problem(Code.TUNNEL_DEAD, causes.DEAD)  # what is repaired first may be the reason
    tunnel = observed.tunnel or Tunnel()
    return causes.of_dead_tunnel(
        causes.Evidence(
            online=observed.online,
            obstacles=observed.obstacles,
            peer=observed.peer,
            endpoint=observed.endpoint,
            refused=observed.refused,
            interface=tunnel.interface,
            handshakes=tunnel.handshake_age is not None,
            trusted=memory.trusted,
            settled=memory.repair_index > 0 or memory.repair_rounds > 0,
        )
    )


def _forwarding_steps(observed: Observation) -> Iterator[Step]:
    if observed.forwarding_off:
        yield Step(Act.FORWARD, f"IPv4 forwarding is off on this host ({', '.join(observed.forwarding_off)})")


def _pause(first: float, times: int) -> float:
    # Bounded twice: after days of trying, the power of two alone is more than a float holds.
    return min(first * 2 ** min(times, 16), MAX_PAUSE_S)


def _key(step: Step) -> tuple[str, ...]:
    return (step.act, *step.targets)


def _cannot_tell(observed: Observation, key: tuple[str, ...]) -> bool:
    """Say whether this look does not show if the reason for a step is gone: its pauses then go on growing."""
    if key[0] == Act.RESTART_DOCKER:
        return not observed.docker or observed.network is None
    return not observed.docker and key[0] != Act.LOAD_BARRIER


def _may_be_done(step: Step, observed: Observation, memory: MonitorState, now: float) -> bool:
    # A barrier is put up in any case.
    if observed.held and step.act is not Act.LOAD_BARRIER:
        return False
    return step.act is not Act.RESTART_DOCKER or (
        memory.network_missing_since is not None and now >= memory.network_missing_since + NETWORK_MISSING_S
    )


def _comes_before_tunnel(step: Step) -> bool:
    """False for what only other dependants need: one that never starts must not keep the tunnel dead."""
    return not step.targets or HOLDER in step.targets or TUNNEL in step.targets


def _wanted_steps(observed: Observation, memory: MonitorState) -> Iterator[Step]:
    """Every step that what is observed calls for, the most urgent one first; the tunnel's own ladder is elsewhere."""
    if not observed.barrier:
        yield Step(Act.LOAD_BARRIER, "the outer barrier does not stand as written")
    yield from _forwarding_steps(observed)
    if not observed.docker:
        return
    # A Docker that is configured to make no rules makes none after a restart either.
    if memory.network_missing_since is not None and not any(
        one.code is Code.DOCKER_SETTINGS for one in observed.obstacles
    ):
        yield Step(Act.RESTART_DOCKER, "Docker's bridge or rules for the VPN network are gone")
        return
    states = {name: container.state for name, container in observed.containers.items()}
    if missing := tuple(name for name, state in states.items() if state is ContainerState.MISSING):
        yield Step(Act.BRING_UP, f"there is no container {' or '.join(missing)}", missing)
        if HOLDER in missing or TUNNEL in missing:
            return
    if HOLDER not in observed.containers:
        return
    if states[HOLDER] is ContainerState.STOPPED:
        yield Step(Act.BRING_UP, "the holder of the namespace does not run", code=Code.CONTAINER_STOPPED)
        return
    if states[HOLDER] is ContainerState.PAUSED:
        yield Step(Act.UNPAUSE, "the holder of the namespace is paused", (HOLDER,))
        return
    if states[HOLDER] is ContainerState.RUNNING and observed.containers[HOLDER].unhealthy:
        yield Step(Act.RELOAD_HOLDER, "the inner barrier or the namespace's routes are not as written")
    yield from _dependant_steps(observed)


def _dependant_steps(observed: Observation) -> Iterator[Step]:
    # The tunnel first, so that the others find a way out when they start.
    names = sorted(observed.containers, key=lambda name: name != TUNNEL)
    others = {name: found for name in names if (found := observed.containers[name]).state is not ContainerState.MISSING}
    others.pop(HOLDER)
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
                yield Step(Act.RESTART, "the tunnel is not as its files say", (name,), Code.TUNNEL_FILES)
            else:
                yield Step(Act.RESTART, f"{name} is not healthy", (name,), Code.CONTAINER_UNHEALTHY)


def _judge_tunnel(observed: Observation, memory: MonitorState, now: float) -> tuple[MonitorState, bool]:
    """Alive is a tunnel that answers, or has shaken repairs lately when nothing ever answered in it.

    Ages of handshakes are false after a step of the clock, and stay fresh for minutes after the line is cut: once a
    question was answered, answers are what counts, until other resolvers, peers or keys are used. Where no resolver
    answers, packets that come out of the tunnel all the same show that only names are dead.
    """
    if observed.tunnel is None:
        return memory, False
    memory = replace(memory, trusted=memory.trusted and memory.asked == observed.asked, asked=observed.asked)
    if observed.tunnel.answered:
        quiet = replace(memory, unanswered=0, received=None, traffic_until=0.0)
        return replace(quiet, trusted=True, repair_index=0, repair_after=0.0, repair_rounds=0), True
    before, after = memory.received, observed.tunnel.received
    # Only between two looks without an answer: what came before the first of them came before the line was cut.
    carried = before is not None and after is not None and after > before
    memory = replace(
        memory,
        unanswered=memory.unanswered + 1,
        received=after,
        traffic_until=now + TRAFFIC_PROOF_S if carried else memory.traffic_until,
    )
    if now < memory.traffic_until:
        return replace(memory, repair_index=0, repair_after=0.0, repair_rounds=0), True
    if memory.trusted:
        return memory, memory.unanswered < PATIENCE
    age = observed.tunnel.handshake_age
    if age is None or not 0 <= age < HANDSHAKE_LIFE_S:
        return memory, False
    return replace(memory, repair_index=0, repair_after=0.0, repair_rounds=0), True


def _judge_network(observed: Observation, memory: MonitorState, now: float) -> MonitorState:
    """Note since when Docker's side of the VPN network is missing; what was never there is not."""
    if not observed.docker or observed.network is None:
        return replace(memory, network_missing_since=None)
    if observed.network:
        return replace(memory, network_seen=True, network_missing_since=None)
    if not memory.network_seen:
        return memory
    return replace(
        memory, network_missing_since=now if memory.network_missing_since is None else memory.network_missing_since
    )


def _judge_restarts(observed: Observation, memory: MonitorState, now: float) -> MonitorState:
    """Note since when Docker restarts a container; that it runs for a moment between two restarts ends nothing."""
    if not observed.docker:
        return memory
    known = {name: times for name, times in memory.restarts.items() if now < times[1] + RECOVERED_S}
    found = [name for name, container in observed.containers.items() if container.state is ContainerState.RESTARTING]
    return replace(memory, restarts=known | {name: (known.get(name, (now, now))[0], now) for name in found})


def _next_tunnel_repair(observed: Observation, memory: MonitorState, now: float) -> tuple[Step, MonitorState]:
    if TUNNEL_REPAIRS[memory.repair_index][0] is Act.FAIL_OVER and observed.peers < 2:
        memory = replace(memory, repair_index=memory.repair_index + 1)
    act, patience = TUNNEL_REPAIRS[memory.repair_index]
    last = memory.repair_index == len(TUNNEL_REPAIRS) - 1
    pause = _pause(patience, memory.repair_rounds) if last else patience
    return Step(act, causes.DEAD), replace(
        memory,
        repair_index=0 if last else memory.repair_index + 1,
        repair_after=now + pause,
        repair_rounds=memory.repair_rounds + 1 if last else memory.repair_rounds,
    )
