# SPDX-License-Identifier: GPL-3.0-or-later
"""What vpn-monitor observes: the states of containers, tunnel and host at one time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mediaserver._core.names import TUNNEL
from mediaserver.monitor.problems import Problem


class ContainerState(StrEnum):
    """The state of a container, as far as a repair depends on it."""

    MISSING = "missing"
    STOPPED = "stopped"
    PAUSED = "paused"
    RESTARTING = "restarting"
    RUNNING = "running"


class NamespaceState(StrEnum):
    """Which network namespace a service of the VPN namespace is in."""

    HOLDERS = "the holder's"
    DEAD = "a dead one"  # of an earlier start of this holder: a restart of the service joins the present one
    FOREIGN = "that of a removed holder"  # the service must be recreated, because its container cannot start


class Use(StrEnum):
    """What an unhealthy service does, as far as a restart depends on it."""

    FREE = "nothing"
    IN_USE = "plays"
    MIGRATES = "starts or migrates"
    UNKNOWN = "unknown"  # it answers, but does not say whether it plays


@dataclass(frozen=True)
class Container:
    """One service of the project.

    ``unhealthy`` is Docker's health state. The holder is healthy when its barrier and routes match its files, and so
    is the tunnel. Whether the tunnel carries traffic is another question.
    """

    state: ContainerState = ContainerState.RUNNING
    unhealthy: bool = False
    namespace: NamespaceState = NamespaceState.HOLDERS
    starting: bool = False  # its health check has not passed since its start

    @property
    def ready(self) -> bool:
        return self.state is ContainerState.RUNNING and not self.unhealthy and not self.starting


@dataclass(frozen=True)
class Tunnel:
    """Whether the tunnel works. ``handshake_age`` in seconds, None without a handshake.

    ``received`` counts the packets that came out of the tunnel; WireGuard's own keepalives are not among them.
    """

    answered: bool = True
    handshake_age: float | None = None
    received: int | None = None
    interface: bool = True


@dataclass(frozen=True)
class Observation:
    """The host at one time. None: it could not be determined, which is no reason to act."""

    docker: bool = True
    held: bool = False
    barrier: bool = True
    network: bool | None = True  # Docker's bridge and rules for the VPN network exist
    containers: Mapping[str, Container] = field(default_factory=dict)
    tunnel: Tunnel | None = None
    online: bool | None = None  # the host itself; asked only when the tunnel is dead
    peers: int = 1
    asked: tuple[str, ...] = ()  # resolvers, peers and keys: what an answer through the tunnel depends on
    trouble: str = ""  # why Docker gave no answer
    forwarding_off: tuple[str, ...] = ()  # kernel settings that keep this host from forwarding
    obstacles: tuple[Problem, ...] = ()  # other settings of the host, which vpn-monitor does not change
    peer: str = ""  # the active peer, host:port
    endpoint: str | None = None  # its address, empty without one
    refused: str = ""  # why the present address of its name cannot be used
    resolvers: tuple[str, ...] = ()
    restarted_when_unhealthy: tuple[str, ...] = (TUNNEL,)  # services
    uses: Mapping[str, Use] = field(default_factory=dict)  # of unhealthy services that can be asked
    ordered: tuple[str, ...] = ()  # services in the VPN namespace whose start does not wait for the inner barrier
