# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that vpn-monitor can take, and the problem that each of them answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mediaserver.monitor.problems import Code, Problem


class Act(StrEnum):
    """What can be done; the value is the name in the journal and in the state file."""

    LOAD_BARRIER = "load the outer barrier"
    FORWARD = "switch on IPv4 forwarding"
    RESTART_DOCKER = "restart Docker"
    BRING_UP = "bring up the project"
    RELOAD_HOLDER = "have the holder load its barrier and routes again"
    RECREATE = "recreate"
    RESTART = "restart"
    START = "start"
    UNPAUSE = "unpause"
    RESOLVE = "resolve the endpoints again and reload the tunnel"
    FAIL_OVER = "go to the next peer"
    RESTART_TUNNEL = "restart the tunnel"


# What a step's reason is called in the state file, where the step does not say otherwise.
CODES = {
    Act.LOAD_BARRIER: Code.OUTER_BARRIER,
    Act.FORWARD: Code.FORWARDING_OFF,
    Act.RESTART_DOCKER: Code.DOCKER_NETWORK,
    Act.BRING_UP: Code.CONTAINER_MISSING,
    Act.RELOAD_HOLDER: Code.INNER_BARRIER,
    Act.RECREATE: Code.CONTAINER_STRANDED,
    Act.RESTART: Code.CONTAINER_STRANDED,
    Act.START: Code.CONTAINER_STOPPED,
    Act.UNPAUSE: Code.CONTAINER_PAUSED,
    Act.RESOLVE: Code.TUNNEL_DEAD,
    Act.FAIL_OVER: Code.TUNNEL_DEAD,
    Act.RESTART_TUNNEL: Code.TUNNEL_DEAD,
}


@dataclass(frozen=True)
class Step:
    """One thing to do, and why, in words for the journal."""

    act: Act
    why: str
    targets: tuple[str, ...] = ()
    code: Code | None = None  # of the reason, where the act alone does not tell

    @property
    def problem(self) -> Problem:
        return Problem(self.code or CODES[self.act], self.why)

    def __str__(self) -> str:
        return f"{self.why}: {' '.join([self.act, *self.targets])}"
