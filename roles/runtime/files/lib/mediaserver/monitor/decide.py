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
CARRIED_S = 20.0
LONGEST_PAUSE_S = 300.0
# Restarting Docker is heavy, and its rules are away for a moment whenever it changes them: so long in every look.
GONE_S = 4.0
# Docker's restarts: seen so long they go round and round; not seen so long they are over, as Docker itself has it.
ROUND_S, STEADY_S = 10.0, 10.0


# Seconds until the same step on the same target is tried again; doubled every time, up to LONGEST_PAUSE_S.
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
# The ladder for a dead tunnel, and the seconds that each rung gets before the next one.
LADDER = ((Act.RESOLVE, 5.0), (Act.FAIL_OVER, 12.0), (Act.RESTART_TUNNEL, 15.0))


class Life(StrEnum):
    """How a container is."""

    MISSING = "missing"
    STOPPED = "stopped"
    PAUSED = "paused"
    RESTARTING = "restarting"
    RUNNING = "running"


class Home(StrEnum):
    """Which network namespace a dependant is in."""

    HOLDERS = "the holder's"
    DEAD = "a dead one"  # made for this holder, which has started anew since
    FOREIGN = "that of a holder that is gone"  # cannot even be restarted


@dataclass(frozen=True)
class Container:
    """One service of the project.

    ``unhealthy`` is Docker's verdict. The holder is healthy when its barrier and its routes are as its files say, and
    so is the tunnel; whether it carries is another question.
    """

    life: Life = Life.RUNNING
    unhealthy: bool = False
    home: Home = Home.HOLDERS


@dataclass(frozen=True)
class Tunnel:
    """Signs of life of the tunnel; ``handshake_age`` in seconds, None without any.

    ``received`` counts the packets that came out of the tunnel; WireGuard's own keepalives are none of them.
    """

    answered: bool = True
    handshake_age: float | None = None
    received: int | None = None
    interface: bool = True


@dataclass(frozen=True)
class Seen:
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
class Memory:
    """What one look remembers for the next."""

    # By step and targets: when it may be done again, and how often it was done in a row.
    tries: Mapping[tuple[str, ...], tuple[float, int]] = field(default_factory=dict)
    unanswered: int = 0
    received: int | None = None  # packets out of the tunnel by the last look without an answer
    carried_until: float = 0.0  # the tunnel counts as carrying although no resolver answers
    trusted: bool = False  # a question through the tunnel was answered since boot, with these resolvers and peers:
    asked: tuple[str, ...] = ()
    # By container that Docker restarts: when that was seen first, and last.
    restarts: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    network_seen: bool = False  # Docker's side of the VPN network was there since boot; else it is not missed
    network_gone: float | None = None  # since when it is missing, in every look
    swarm_pending: bool = False  # the tunnel was away, and whether torrents went on since is not judged yet
    rung: int = 0  # of the ladder, the next one
    rung_after: float = 0.0
    rounds: int = 0  # of the whole ladder, without success


@dataclass(frozen=True)
class Verdict:
    """What to do now (nothing, mostly), what is wrong in plain words, and what to remember."""

    step: Step | None
    problems: tuple[Problem, ...]
    memory: Memory
    tunnel_alive: bool
    carries: bool = False  # packets come out of the tunnel, although no resolver answers
    busy: bool = False  # a repair is under way or due: look again soon


def decide(seen: Seen, memory: Memory, now: float) -> Verdict:
    """Return the next step. Equal arguments give equal answers; nothing is done here."""
    memory, alive = _judge_tunnel(seen, memory, now)
    memory = _judge_restarts(seen, _judge_network(seen, memory, now), now)
    wished = list(_wishes(seen, memory))
    problems = [step.problem for step in wished]
    crashing = [name for name, (first, last) in memory.restarts.items() if seen.docker and last - first >= ROUND_S]
    problems += [
        Problem(Code.CRASH_LOOP, f"{name} ends again and again, however often Docker starts it") for name in crashing
    ]
    if not seen.docker:
        problems.append(Problem(Code.DOCKER_SILENT, seen.trouble or "Docker does not answer"))
    carries = alive and memory.unanswered >= PATIENCE and now < memory.carried_until
    if carries:
        problems.append(causes.of_dead_resolver(seen.resolvers))
    standing = {_key(step) for step in wished}
    tries = {key: value for key, value in memory.tries.items() if key in standing or _cannot_tell(seen, key)}
    memory = replace(memory, tries=tries)
    dead = not alive and seen.tunnel is not None
    first = any(_comes_before_tunnel(step) for step in wished)
    cause = _cause(seen, memory, first=first) if dead else None
    # An obstacle that is the cause is named once.
    problems += [one for one in seen.obstacles if cause is None or one.code != cause.code]
    if cause and not any(one.code == cause.code for one in problems):
        problems.append(cause)
    busy = bool(wished) or dead or not seen.docker or (memory.unanswered > 0 and not carries)

    def verdict(step: Step | None, memory: Memory) -> Verdict:
        return Verdict(step, tuple(problems), memory, alive, carries, busy)

    for step in wished:
        if not _may_be_done(step, seen, memory, now):
            continue
        after, times = memory.tries.get(_key(step), (0.0, 0))
        if now >= after:
            pause = _pause(PAUSES[step.act], times)
            return verdict(step, replace(memory, tries={**tries, _key(step): (now + pause, times + 1)}))
    blocked = any(one.code in BLOCKS_TUNNEL for one in seen.obstacles)
    if not dead or seen.held or first or blocked or seen.online is False or now < memory.rung_after:
        return verdict(None, memory)
    return verdict(*_climb(seen, memory, now))


def _cause(seen: Seen, memory: Memory, *, first: bool) -> Problem:
    """Return why the tunnel is dead, as far as this look tells."""
    if first and seen.online is not False:
        return Problem(Code.TUNNEL_DEAD, causes.DEAD)  # what is repaired first may be the reason
    tunnel = seen.tunnel or Tunnel()
    return causes.of_dead_tunnel(
        causes.Evidence(
            online=seen.online,
            obstacles=seen.obstacles,
            peer=seen.peer,
            endpoint=seen.endpoint,
            refused=seen.refused,
            interface=tunnel.interface,
            handshakes=tunnel.handshake_age is not None,
            trusted=memory.trusted,
            settled=memory.rung > 0 or memory.rounds > 0,
        )
    )


def _forwarding_wishes(seen: Seen) -> Iterator[Step]:
    if seen.forwarding_off:
        yield Step(Act.FORWARD, f"IPv4 forwarding is off on this host ({', '.join(seen.forwarding_off)})")


def _pause(first: float, times: int) -> float:
    # Bounded twice: after days of trying, the power of two alone is more than a float holds.
    return min(first * 2 ** min(times, 16), LONGEST_PAUSE_S)


def _key(step: Step) -> tuple[str, ...]:
    return (step.act, *step.targets)


def _cannot_tell(seen: Seen, key: tuple[str, ...]) -> bool:
    """Say whether this look does not show if the reason for a step is gone: its pauses then go on growing."""
    if key[0] == Act.RESTART_DOCKER:
        return not seen.docker or seen.network is None
    return not seen.docker and key[0] != Act.LOAD_BARRIER


def _may_be_done(step: Step, seen: Seen, memory: Memory, now: float) -> bool:
    # A barrier is put up in any case.
    if seen.held and step.act is not Act.LOAD_BARRIER:
        return False
    return step.act is not Act.RESTART_DOCKER or (
        memory.network_gone is not None and now >= memory.network_gone + GONE_S
    )


def _comes_before_tunnel(step: Step) -> bool:
    """False for what only other dependants need: one that never starts must not keep the tunnel dead."""
    return not step.targets or HOLDER in step.targets or TUNNEL in step.targets


def _wishes(seen: Seen, memory: Memory) -> Iterator[Step]:
    """Every step that what is seen calls for, the most urgent one first; the tunnel's own ladder is elsewhere."""
    if not seen.barrier:
        yield Step(Act.LOAD_BARRIER, "the outer barrier does not stand as written")
    yield from _forwarding_wishes(seen)
    if not seen.docker:
        return
    # A Docker that is configured to make no rules makes none after a restart either.
    if memory.network_gone is not None and not any(one.code is Code.DOCKER_SETTINGS for one in seen.obstacles):
        yield Step(Act.RESTART_DOCKER, "Docker's bridge or rules for the VPN network are gone")
        return
    lives = {name: container.life for name, container in seen.containers.items()}
    if missing := tuple(name for name, life in lives.items() if life is Life.MISSING):
        yield Step(Act.BRING_UP, f"there is no container {' or '.join(missing)}", missing)
        if HOLDER in missing or TUNNEL in missing:
            return
    if HOLDER not in seen.containers:
        return
    if lives[HOLDER] is Life.STOPPED:
        yield Step(Act.BRING_UP, "the holder of the namespace does not run", code=Code.CONTAINER_STOPPED)
        return
    if lives[HOLDER] is Life.PAUSED:
        yield Step(Act.UNPAUSE, "the holder of the namespace is paused", (HOLDER,))
        return
    if lives[HOLDER] is Life.RUNNING and seen.containers[HOLDER].unhealthy:
        yield Step(Act.RELOAD_HOLDER, "the inner barrier or the namespace's routes are not as written")
    yield from _wishes_for_dependants(seen)


def _wishes_for_dependants(seen: Seen) -> Iterator[Step]:
    # The tunnel first, so that the others find a way out when they start.
    names = sorted(seen.containers, key=lambda name: name != TUNNEL)
    others = {name: found for name in names if (found := seen.containers[name]).life is not Life.MISSING}
    others.pop(HOLDER)
    if lost := tuple(name for name, found in others.items() if found.home is Home.FOREIGN):
        yield Step(Act.RECREATE, f"{' and '.join(lost)} would join the namespace of a holder that is gone", lost)
    for name, found in others.items():
        if found.home is Home.FOREIGN:
            continue
        if found.life is Life.STOPPED:
            yield Step(Act.START, f"{name} does not run", (name,))
        elif found.life is Life.PAUSED:
            yield Step(Act.UNPAUSE, f"{name} is paused", (name,))
        elif found.life is Life.RUNNING and found.home is Home.DEAD:
            yield Step(Act.RESTART, f"{name} is in a dead namespace", (name,))
        elif name in seen.restarted_when_unhealthy and found.life is Life.RUNNING and found.unhealthy:
            if name == TUNNEL:
                yield Step(Act.RESTART, "the tunnel is not as its files say", (name,), Code.TUNNEL_FILES)
            else:
                yield Step(Act.RESTART, f"{name} is not healthy", (name,), Code.CONTAINER_UNHEALTHY)


def _judge_tunnel(seen: Seen, memory: Memory, now: float) -> tuple[Memory, bool]:
    """Alive is a tunnel that answers, or has shaken hands lately when nothing ever answered in it.

    Ages of handshakes are false after a step of the clock, and stay fresh for minutes after the line is cut: once a
    question was answered, answers are what counts, until other resolvers, peers or keys are used. Where no resolver
    answers, packets that come out of the tunnel all the same show that only names are dead.
    """
    if seen.tunnel is None:
        return memory, False
    memory = replace(memory, trusted=memory.trusted and memory.asked == seen.asked, asked=seen.asked)
    if seen.tunnel.answered:
        quiet = replace(memory, unanswered=0, received=None, carried_until=0.0)
        return replace(quiet, trusted=True, rung=0, rung_after=0.0, rounds=0), True
    before, after = memory.received, seen.tunnel.received
    # Only between two looks without an answer: what came before the first of them came before the line was cut.
    carried = before is not None and after is not None and after > before
    memory = replace(
        memory,
        unanswered=memory.unanswered + 1,
        received=after,
        carried_until=now + CARRIED_S if carried else memory.carried_until,
    )
    if now < memory.carried_until:
        return replace(memory, rung=0, rung_after=0.0, rounds=0), True
    if memory.trusted:
        return memory, memory.unanswered < PATIENCE
    age = seen.tunnel.handshake_age
    if age is None or not 0 <= age < HANDSHAKE_LIFE_S:
        return memory, False
    return replace(memory, rung=0, rung_after=0.0, rounds=0), True


def _judge_network(seen: Seen, memory: Memory, now: float) -> Memory:
    """Note since when Docker's side of the VPN network is missing; what was never there is not."""
    if not seen.docker or seen.network is None:
        return replace(memory, network_gone=None)
    if seen.network:
        return replace(memory, network_seen=True, network_gone=None)
    if not memory.network_seen:
        return memory
    return replace(memory, network_gone=now if memory.network_gone is None else memory.network_gone)


def _judge_restarts(seen: Seen, memory: Memory, now: float) -> Memory:
    """Note since when Docker restarts a container; that it runs for a moment between two restarts ends nothing."""
    if not seen.docker:
        return memory
    known = {name: times for name, times in memory.restarts.items() if now < times[1] + STEADY_S}
    found = [name for name, container in seen.containers.items() if container.life is Life.RESTARTING]
    return replace(memory, restarts=known | {name: (known.get(name, (now, now))[0], now) for name in found})


def _climb(seen: Seen, memory: Memory, now: float) -> tuple[Step, Memory]:
    if LADDER[memory.rung][0] is Act.FAIL_OVER and seen.peers < 2:
        memory = replace(memory, rung=memory.rung + 1)
    act, patience = LADDER[memory.rung]
    last = memory.rung == len(LADDER) - 1
    pause = _pause(patience, memory.rounds) if last else patience
    return Step(act, causes.DEAD), replace(
        memory,
        rung=0 if last else memory.rung + 1,
        rung_after=now + pause,
        rounds=memory.rounds + 1 if last else memory.rounds,
    )
