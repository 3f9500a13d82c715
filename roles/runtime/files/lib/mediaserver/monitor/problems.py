# SPDX-License-Identifier: GPL-3.0-or-later
"""The problems that the state file, vpn-verify and the end of a playbook run name: one enum of codes, one form."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """What is wrong, for programs. docs/vpn-monitor.md lists every value."""

    # Repaired by vpn-monitor.
    OUTER_BARRIER = "outer-barrier"
    FORWARDING_OFF = "forwarding-off"
    DOCKER_NETWORK = "docker-network"
    CONTAINER_MISSING = "container-missing"
    CONTAINER_STOPPED = "container-stopped"
    CONTAINER_PAUSED = "container-paused"
    CONTAINER_STRANDED = "container-stranded"
    CONTAINER_UNHEALTHY = "container-unhealthy"
    INNER_BARRIER = "inner-barrier"
    TUNNEL_FILES = "tunnel-files"
    TUNNEL_DEAD = "tunnel-dead"
    # A person must act.
    KEY_OR_ENDPOINT = "key-or-endpoint"
    ENDPOINT_UNRESOLVED = "endpoint-unresolved"
    ENDPOINT_REFUSED = "endpoint-refused"
    DOCKER_SETTINGS = "docker-settings"
    POLICY_ROUTING = "policy-routing"
    LAN_NOT_COVERED = "lan-not-covered"
    MTU = "mtu"
    RESOLVER_DEAD = "resolver-dead"
    TORRENTS_UNREAD = "torrents-unread"
    CRASH_LOOP = "crash-loop"
    DOCKER_SILENT = "docker-silent"
    OFFLINE = "offline"
    BLIND = "blind"


# The causes of a dead tunnel that a setting of this host or of the inventory cures: a playbook run fails on them.
HOUSEHOLD_MUST_ACT = frozenset(
    {
        Code.FORWARDING_OFF,
        Code.DOCKER_SETTINGS,
        Code.POLICY_ROUTING,
        Code.KEY_OR_ENDPOINT,
        Code.ENDPOINT_UNRESOLVED,
        Code.ENDPOINT_REFUSED,
    }
)
# Settings of the host that keep the tunnel dead whichever server it uses.
BLOCKS_TUNNEL = frozenset({Code.FORWARDING_OFF, Code.DOCKER_SETTINGS, Code.POLICY_ROUTING})


@dataclass(frozen=True)
class Problem:
    """One problem: a code for programs, and a text for people that says what to do where vpn-monitor cannot."""

    code: Code
    text: str

    def as_json(self) -> dict[str, str]:
        return {"code": str(self.code), "text": self.text}
