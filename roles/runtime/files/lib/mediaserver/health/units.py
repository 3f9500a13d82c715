# SPDX-License-Identifier: GPL-3.0-or-later
"""The units of systemd that this installation needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mediaserver._core.names import (
    BARRIER_UNIT,
    DOCKER_UNIT,
    KEEPER_UNIT,
    MONITOR_UNIT,
    STACK_UNIT,
)
from mediaserver.health.environment import Environment
from mediaserver.health.model import Finding, bad, ok, unknown

UNITS = "units"
WANTED = (BARRIER_UNIT, KEEPER_UNIT, DOCKER_UNIT, STACK_UNIT, MONITOR_UNIT)
NOT_READ = "not known"


def states(environment: Environment, wanted: Sequence[str]) -> dict[str, str]:
    """Return systemd's word for each unit. One word for each; a systemd that does not answer prints a sentence."""
    answer = environment.run(["systemctl", "is-active", *wanted]).stdout.splitlines()
    if len(answer) != len(wanted):
        return dict.fromkeys(wanted, NOT_READ)
    return dict(zip(wanted, (line.strip() for line in answer), strict=True))


def read(environment: Environment) -> list[Finding]:
    return [judge(states(environment, [*WANTED, *environment.settings.units]))]


def judge(found: Mapping[str, str]) -> Finding:
    """Pure."""
    if set(found.values()) == {NOT_READ}:
        return unknown(UNITS, "systemd does not answer", "restart the host: sudo reboot")
    # One that starts or stops is seen again in the next run.
    down = {unit: state for unit, state in found.items() if state not in ("active", "activating", "reloading")}
    if not down:
        return ok(UNITS, f"{len(found)} units are active")
    first = next(iter(down))
    return bad(
        UNITS,
        ", ".join(f"{unit} is {state}" for unit, state in down.items()),
        f"see why: sudo journalctl --unit {first}; then start it: sudo systemctl start {first}",
    )
