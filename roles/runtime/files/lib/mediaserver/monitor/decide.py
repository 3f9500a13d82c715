# SPDX-License-Identifier: GPL-3.0-or-later
"""What vpn-monitor does next: a pure function of the observation, its state and the time.

One step at a time. Each kind of step on each target has a backoff of its own. A running holder is never stopped, and
the tunnel is left alone while the host has no internet. Times are seconds since boot.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from mediaserver._core.names import HOLDER, TUNNEL
from mediaserver.monitor import assess, causes, healing
from mediaserver.monitor.monitor_state import MAX_PAUSE_S, MonitorState
from mediaserver.monitor.observation import Observation, Tunnel
from mediaserver.monitor.problems import BLOCKS_TUNNEL, Code, Problem
from mediaserver.monitor.steps import Act, Step
from mediaserver.monitor.wanted_steps import wanted_steps

# Docker briefly removes its rules on every change. It is restarted only after they have been missing for this time.
NETWORK_MISSING_S = 4.0
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
# A container that is started this often, each time soon after it ended, is crash-looping. Its next start is immediate
# only after it has run for STEADY_S longer than its pause.
CRASH_STARTS, STEADY_S = 4, 15.0
# The repairs of a dead tunnel in their order, and the seconds that each gets before the next one.
TUNNEL_REPAIRS = ((Act.RESOLVE, 5.0), (Act.FAIL_OVER, 12.0), (Act.RESTART_TUNNEL, 15.0))


@dataclass(frozen=True)
class Decision:
    """The step to take now (mostly none), the problems, and the new state."""

    step: Step | None
    problems: tuple[Problem, ...]
    state: MonitorState
    tunnel_alive: bool
    carries: bool = False  # packets come out of the tunnel, although no resolver answers
    busy: bool = False  # a repair is under way or due: observe again soon


def decide(observed: Observation, state: MonitorState, now: float) -> Decision:
    """Return the next step. Equal arguments give equal results, and nothing is done here."""
    state, alive = assess.assess_tunnel(observed, state, now)
    state = assess.assess_restarts(observed, assess.assess_network(observed, state, now), now)
    state = healing.assess_health(observed, state, now)
    wanted = list(wanted_steps(observed, state))
    waiting = {step: healing.obstacle(step.targets[0], observed, state, now) for step in wanted if _heals(step)}
    problems = [
        Problem(step.problem.code, f"{step.why}; it is {why}") if (why := waiting.get(step)) else step.problem
        for step in wanted
    ]
    problems += [
        Problem(Code.CRASH_LOOP, f"{name} ends again and again, however often Docker starts it")
        for name in assess.crash_loops(observed, state)
    ]
    if not observed.docker:
        problems.append(Problem(Code.DOCKER_SILENT, observed.trouble or "Docker does not answer"))
    carries = alive and assess.resolvers_are_dead(state, now)
    if carries:
        problems.append(causes.of_dead_resolver(observed.resolvers))
    due = {_key(step) for step in wanted}
    attempts = {
        key: value
        for key, value in state.attempts.items()
        if key in due
        or _is_unknown(observed, key)
        or _has_just_started(key, value, now)
        or _is_recovering(observed, key)
    }
    problems += [
        Problem(Code.CRASH_LOOP, f"{key[1]} ends soon after each start, {times} times by now; its log says why")
        for key, (_after, times) in attempts.items()
        if key[0] == Act.START and times >= CRASH_STARTS and key not in due
    ]
    state = replace(state, attempts=attempts)
    dead = not alive and observed.tunnel is not None
    first = any(_comes_before_tunnel(step) for step in wanted)
    cause = _cause(observed, state, first=first) if dead else None
    # An obstacle that is the cause is named once.
    problems += [one for one in observed.obstacles if cause is None or one.code != cause.code]
    if cause and not any(one.code == cause.code for one in problems):
        problems.append(cause)
    # An unhealthy service that waits is not observed more often.
    busy = (
        any(not waiting.get(step) for step in wanted)
        or dead
        or not observed.docker
        or (state.unanswered > 0 and not carries)
    )

    def decision(step: Step | None, state: MonitorState) -> Decision:
        return Decision(step, tuple(problems), state, alive, carries, busy)

    for step in wanted:
        if waiting.get(step) or not _is_permitted(step, observed, state, now):
            continue
        after, times = state.attempts.get(_key(step), (0.0, 0))
        if now >= after:
            pause = _pause(healing.PAUSE_S if _heals(step) else PAUSES[step.act], times)
            return decision(step, replace(state, attempts={**attempts, _key(step): (now + pause, times + 1)}))
    blocked = any(one.code in BLOCKS_TUNNEL for one in observed.obstacles)
    if not dead or observed.held or first or blocked or observed.online is False or now < state.repair_after:
        return decision(None, state)
    return decision(*_next_tunnel_repair(observed, state, now))


def _cause(observed: Observation, state: MonitorState, *, first: bool) -> Problem:
    """Return why the tunnel is dead, as far as this observation shows."""
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
            trusted=state.trusted,
            settled=state.repair_index > 0 or state.repair_rounds > 0,
        )
    )


def _pause(first: float, times: int) -> float:
    # Bounded twice: after days of retries, the power of two alone exceeds a float.
    return min(first * 2 ** min(times, 16), MAX_PAUSE_S)


def _key(step: Step) -> tuple[str, ...]:
    return (step.act, *step.targets)


def _is_unknown(observed: Observation, key: tuple[str, ...]) -> bool:
    """Say whether this observation does not show that the reason for a step is gone: its backoff then continues."""
    if key[0] == Act.RESTART_DOCKER:
        return not observed.docker or observed.network is None
    return not observed.docker and key[0] != Act.LOAD_BARRIER


def _has_just_started(key: tuple[str, ...], attempt: tuple[float, int], now: float) -> bool:
    """Return whether a started service may still be crash-looping: its backoff then continues.

    The tunnel has repairs of its own, so its start is never delayed.
    """
    return key[0] == Act.START and TUNNEL not in key and HOLDER not in key and now < attempt[0] + STEADY_S


def _is_recovering(observed: Observation, key: tuple[str, ...]) -> bool:
    """Return whether a restarted service has not become healthy yet: its backoff then continues."""
    found = [observed.containers.get(name) for name in key[1:]] if key[0] == Act.RESTART else []
    return any(one.starting for one in found if one)


def _heals(step: Step) -> bool:
    return step.code is Code.CONTAINER_UNHEALTHY


def _is_permitted(step: Step, observed: Observation, state: MonitorState, now: float) -> bool:
    # The barrier is loaded even during a hold.
    if observed.held and step.act is not Act.LOAD_BARRIER:
        return False
    return step.act is not Act.RESTART_DOCKER or (
        state.network_missing_since is not None and now >= state.network_missing_since + NETWORK_MISSING_S
    )


def _comes_before_tunnel(step: Step) -> bool:
    """False for what only other services need: one that never starts must not keep the tunnel dead."""
    return not step.targets or HOLDER in step.targets or TUNNEL in step.targets


def _next_tunnel_repair(observed: Observation, state: MonitorState, now: float) -> tuple[Step, MonitorState]:
    if TUNNEL_REPAIRS[state.repair_index][0] is Act.FAIL_OVER and observed.peers < 2:
        state = replace(state, repair_index=state.repair_index + 1)
    act, patience = TUNNEL_REPAIRS[state.repair_index]
    last = state.repair_index == len(TUNNEL_REPAIRS) - 1
    pause = _pause(patience, state.repair_rounds) if last else patience
    return Step(act, causes.DEAD), replace(
        state,
        repair_index=0 if last else state.repair_index + 1,
        repair_after=now + pause,
        repair_rounds=state.repair_rounds + 1 if last else state.repair_rounds,
    )
