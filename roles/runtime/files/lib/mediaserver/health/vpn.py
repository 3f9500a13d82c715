# SPDX-License-Identifier: GPL-3.0-or-later
"""The VPN: what vpn-monitor has observed, as long as it runs; and the host's forwarding."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mediaserver._core import files
from mediaserver._core.names import KEEPER_UNIT, MONITOR_UNIT
from mediaserver.health import units
from mediaserver.health.environment import Environment
from mediaserver.health.model import Finding, Value, bad, ok, unknown, warning
from mediaserver.monitor import host_settings
from mediaserver.monitor.problems import Code

TUNNEL, OUTER, INNER = "vpn-tunnel", "vpn-outer-barrier", "vpn-inner-barrier"
DROPS, FORWARDING = "vpn-drops", "vpn-forwarding"
DROPPED, TUNNEL_UP = "mediaserver_vpn_dropped_packets", "mediaserver_vpn_tunnel_up"
BARRIERS = {OUTER: Code.OUTER_BARRIER, INNER: Code.INNER_BARRIER}
CONTAINERS = (
    Code.CONTAINER_MISSING,
    Code.CONTAINER_STOPPED,
    Code.CONTAINER_PAUSED,
    Code.CONTAINER_STRANDED,
    Code.CONTAINER_UNHEALTHY,
    Code.CRASH_LOOP,
    Code.DOCKER_SILENT,
)
# States in which vpn-monitor does not observe.
BLIND = ("", "blind", "stopped")
WORDS = {
    "healing": "it is down, and vpn-monitor repairs it",
    "waiting": "it is not up yet",
    "offline": "it is down, because this host has no internet",
}
SEE = f"see why: sudo mediaserver doctor; sudo journalctl --unit {MONITOR_UNIT}"
VERIFY = "test it: sudo mediaserver verify"


def read(environment: Environment) -> list[Finding]:
    states = units.states(environment, (MONITOR_UNIT, KEEPER_UNIT))
    try:
        told = json.loads(files.read(environment.state_file) or "{}")
    except (OSError, ValueError, RecursionError):
        told = {}
    return judge(
        told if isinstance(told, dict) else {},
        monitor=states[MONITOR_UNIT],
        keeper=states[KEEPER_UNIT],
        forwarding_off=host_settings.forwarding_off(),
        dropped_before=environment.before.get(DROPPED),
    )


def judge(
    told: Mapping[str, Any],
    *,
    monitor: str,
    keeper: str,
    forwarding_off: Sequence[str],
    dropped_before: float | None,
) -> list[Finding]:
    """Judge vpn-monitor's state file. ``monitor``, ``keeper``: the states of these units. Pure."""
    found = [_forwarding(forwarding_off)]
    state = str(told.get("state", ""))
    if monitor != "active" or state in BLIND:
        why = "vpn-monitor does not observe" if monitor == "active" else f"{MONITOR_UNIT} is {monitor}"
        return [*(unknown(one, why, VERIFY) for one in (TUNNEL, OUTER, INNER, DROPS)), *found]
    problems = _problems(told)
    found += [_barrier(check, problems.get(code, ""), keeper) for check, code in BARRIERS.items()]
    return [_tunnel(state, problems), *found, _drops(told.get("leak_attempts"), dropped_before)]


def _problems(told: Mapping[str, Any]) -> dict[str, str]:
    rows = told.get("problems")
    return {
        str(one.get("code")): str(one.get("text"))
        for one in (rows if isinstance(rows, list) else ())
        if isinstance(one, dict)
    }


def _tunnel(state: str, problems: Mapping[str, str]) -> Finding:
    # While the tunnel is up, the check of a service names what is wrong with its container.
    elsewhere = {*BARRIERS.values(), Code.FORWARDING_OFF, *(CONTAINERS if state == "online" else ())}
    texts = [text for code, text in problems.items() if code not in elsewhere]
    up = Value(TUNNEL_UP, float(state == "online"))
    if state == "held":
        return ok(TUNNEL, "it is not observed now, because a program works on the services")
    if state != "online":
        text = texts[0] if texts else WORDS.get(state, f"it is in state {state!r}")
        # Without internet there is nothing to repair here.
        return (warning if state in ("offline", "waiting") else bad)(TUNNEL, text, SEE, up)
    if texts:
        return warning(TUNNEL, f"it is up, but {'; '.join(texts)}", SEE, up)
    return ok(TUNNEL, "it is up", up)


def _barrier(check: str, problem: str, keeper: str) -> Finding:
    if problem:
        return bad(check, problem, f"vpn-monitor repairs it; {VERIFY}")
    if check == OUTER and keeper != "active":
        return bad(check, f"{KEEPER_UNIT} is {keeper}", f"start it: sudo systemctl start {KEEPER_UNIT}")
    return ok(check, "it is as configured")


def _drops(counted: object, before: float | None) -> Finding:
    if isinstance(counted, bool) or not isinstance(counted, int):
        return unknown(DROPS, "the outer barrier's counter was not read")
    value = Value(DROPPED, counted)
    # After a reboot the counter begins again.
    risen = 0 if before is None else counted - int(before) if counted >= before else counted
    if risen:
        text = f"the outer barrier has dropped {risen} more packets that came past the inner one"
        return warning(DROPS, text, f"each verify sends one on purpose; {VERIFY}", value)
    return ok(DROPS, "no packet has come past the inner barrier since the last check", value)


def _forwarding(off: Sequence[str]) -> Finding:
    if off:
        return bad(FORWARDING, f"IPv4 forwarding is off on this host ({', '.join(off)})", "run the playbook again")
    return ok(FORWARDING, "IPv4 forwarding is on")
