# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of ``mediaserver status`` on barriers, tunnel and services, from vpn-monitor's state file and systemd."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mediaserver._core import files
from mediaserver._core.errors import reason
from mediaserver._core.names import KEEPER_UNIT, MONITOR_UNIT, STACK_UNIT, STATE_FILE
from mediaserver.command import words
from mediaserver.command.frame import Context, list_schema, object_schema
from mediaserver.monitor.problems import Code

UNITS = (STACK_UNIT, MONITOR_UNIT, KEEPER_UNIT)
BARRIERS = {Code.OUTER_BARRIER: "outer", Code.INNER_BARRIER: "inner"}
# States in which vpn-monitor does not observe.
BLIND = {
    "": "vpn-monitor has written no state file",
    "stopped": "vpn-monitor was stopped",
    "blind": "vpn-monitor cannot observe the host",
}
STATES = {
    "online": "up",
    "healing": "down, and being repaired",
    "offline": "down, because this host has no internet",
    "held": "not repaired now, because a program works on the services",
    "waiting": "not there yet",
}
PROBLEM = object_schema({"code": {"type": "string"}, "text": {"type": "string"}})
PROPERTIES: Mapping[str, Any] = {
    "bypass": object_schema(
        {
            "answer": {
                "enum": ["no", "possible", "unknown"],
                "description": "no: both barriers stand; possible: one of them does not; unknown: not observed",
            },
            "text": {"type": "string"},
        }
    ),
    "tunnel": object_schema(
        {
            "state": {"type": "string", "description": f"as in {STATE_FILE}; empty without that file"},
            "since": {"type": ["string", "null"], "description": "when the state began, ISO 8601"},
            "peer": {"type": "string"},
            "problems": list_schema(PROBLEM),
        }
    ),
    "services": object_schema(
        {"running": {"type": "boolean"}, "units": {"type": "object", "additionalProperties": {"type": "string"}}}
    ),
}


def observe(context: Context) -> dict[str, Any]:
    told, why = _read(context)
    # One word for each unit; a systemd that does not answer prints a sentence.
    answer = context.run(["systemctl", "is-active", *UNITS]).stdout.splitlines()
    units = dict(zip(UNITS, answer if len(answer) == len(UNITS) else ["unknown"] * len(UNITS), strict=True))
    since = words.parse(str(told.get("since")))
    return {
        "bypass": bypass(told, units, why),
        "tunnel": {
            "state": str(told.get("state", "")),
            "since": None if since is None else words.moment(since),
            "peer": str(told.get("peer", "")),
            "problems": _problems(told),
        },
        "services": {"running": units[STACK_UNIT] == "active", "units": units},
    }


def _read(context: Context) -> tuple[dict[str, Any], str]:
    """Return the content of the state file, empty with the reason where it cannot be used."""
    try:
        found = json.loads(files.read(context.state_file) or "{}")
        return (found, "") if isinstance(found, dict) else ({}, f"{context.state_file} is damaged")
    except OSError as error:
        return {}, f"{context.state_file} cannot be read: {reason(error)}"
    except (ValueError, RecursionError):
        return {}, f"{context.state_file} is damaged"


def bypass(told: Mapping[str, Any], units: Mapping[str, str], why: str) -> dict[str, str]:
    """Answer whether anything is bypassing the VPN. Pure."""
    if units[MONITOR_UNIT] != "active":
        why = f"{MONITOR_UNIT} does not run ({units[MONITOR_UNIT]})"
    why = why or BLIND.get(str(told.get("state", "")), "")
    if why:
        text = f"not known, because vpn-monitor does not observe the barriers: {why}. Test: sudo mediaserver verify"
        return {"answer": "unknown", "text": text}
    codes = {one["code"] for one in _problems(told)}
    damaged = [name for code, name in BARRIERS.items() if code in codes]
    if len(damaged) == len(BARRIERS):
        text = "possible, because both barriers are damaged; vpn-monitor repairs them"
    elif damaged:
        text = f"not while the other barrier holds, but the {damaged[0]} one is damaged; vpn-monitor repairs it"
    elif units[KEEPER_UNIT] != "active":
        text = f"not while the inner barrier holds, but {KEEPER_UNIT} does not run ({units[KEEPER_UNIT]})"
    else:
        return {"answer": "no", "text": f"no, both barriers stand{_dropped(told.get('leak_attempts'))}"}
    return {"answer": "possible", "text": text}


def _problems(told: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the problems of the state file; another program's content counts as none."""
    found = told.get("problems")
    rows = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return [{"code": str(one.get("code")), "text": str(one.get("text"))} for one in rows]


def _dropped(number: object) -> str:
    if not isinstance(number, int) or number == 0:
        return ""
    packets = "1 packet" if number == 1 else f"{number} packets"
    return f"; the outer one has dropped {packets} that came past the inner one (each verify sends one on purpose)"


def lines(found: Mapping[str, Any], now: float) -> list[str]:
    tunnel, running = found["tunnel"], found["services"]["running"]
    since = words.parse(tunnel["since"] or "")
    when = "" if since is None else f" since {words.readable(since, now)}"
    peer = f", server {tunnel['peer']}" if tunnel["peer"] and tunnel["state"] == "online" else ""
    return [
        f"VPN bypassed  {found['bypass']['text']}",
        f"tunnel        {_state(found)}{when}{peer}",
        *(f"              {one['text']}" for one in tunnel["problems"]),
        f"services      {'started' if running else 'not started'} ({STACK_UNIT})",
    ]


def _state(found: Mapping[str, Any]) -> str:
    state = str(found["tunnel"]["state"])
    return STATES.get(state) or f"in an unknown state, because {BLIND.get(state, 'of ' + repr(state))}"


def attention(found: Mapping[str, Any]) -> list[str]:
    """Return what a person should know."""
    made = []
    if found["bypass"]["answer"] != "no":
        made.append(f"VPN bypassed: {found['bypass']['text']}")
    if found["tunnel"]["state"] != "online":
        made.append(f"the tunnel is {_state(found)}")
    made += [one["text"] for one in found["tunnel"]["problems"]]
    if not found["services"]["running"]:
        made.append(f"the services do not run; see: sudo systemctl status {STACK_UNIT}")
    return made
