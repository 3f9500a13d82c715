# SPDX-License-Identifier: GPL-3.0-or-later
"""Observes the host: one call gives one ``Observation``. Nothing is changed here."""

from __future__ import annotations

import contextlib
import errno
import json
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mediaserver import journal, services
from mediaserver._core import clock, files, sockets
from mediaserver._core.docker import SERVICE_LABEL, DockerClient, label
from mediaserver._core.names import (
    GATEWAY_LOCK,
    HOLDER,
    JELLYFIN,
    OUTER_TABLE,
    PROJECT,
    TUNNEL,
    TUNNEL_DEVICE,
    VPN_BRIDGE,
)
from mediaserver.docker import compose
from mediaserver.firewall import keeper
from mediaserver.firewall.nft import Nft
from mediaserver.monitor import healing, host_settings, jellyfin_use
from mediaserver.monitor.observation import Container, ContainerState, NamespaceState, Observation, Tunnel, Use
from mediaserver.monitor.report import words
from mediaserver.tunnel import dns, liveness, netns
from mediaserver.tunnel.configuration import active_peer, forbidden
from mediaserver.tunnel.gateway import Gateway

INTERFACES = Path("/sys/class/net")
# The longest wait for another program that works on the gateway.
LOCK_PATIENCE_S = 30.0
# Where Docker keeps the VPN network's address translation: iptables' way, and that of its nftables back end.
DOCKER_TABLES = (("ip", "nat"), ("ip", "docker-bridges"))
# Docker's word for a container whose health check has not passed yet.
STARTING = "(health: starting)"
STATES = {
    "running": ContainerState.RUNNING,
    "paused": ContainerState.PAUSED,
    "restarting": ContainerState.RESTARTING,
    "created": ContainerState.STOPPED,
    "exited": ContainerState.STOPPED,
    "dead": ContainerState.STOPPED,
}


@dataclass
class Observer:
    """Observes the stack of one project folder; keeps what is costly to determine again."""

    root: Path
    _nft: Nft = field(default_factory=Nft)
    _lock: Path = GATEWAY_LOCK
    _docker: DockerClient = field(default_factory=DockerClient)
    _holder: int = 0  # its process
    _host: host_settings.HostObserver = field(default_factory=host_settings.HostObserver)
    _silent: bool = False  # no resolver answered in the last observation
    _project: tuple[tuple[int, ...], dict[str, str]] = ((), {})  # the compose files' times of change, and services

    def observe(self, gateway: Gateway, *, held: bool = False) -> Observation:
        """Observe the host, for a gateway as it is configured now.

        Raises OSError, GatewayError where the outer barrier cannot be observed; any other fault is in the observation.
        """
        common: dict[str, Any] = {
            "held": held,
            "barrier": self._barrier_stands(gateway),
            "peers": sum(peer.host in gateway.state.addresses for peer in gateway.settings.peers),
            "asked": asked(gateway),
            "forwarding_off": host_settings.forwarding_off(),
            "obstacles": self._host.problems(gateway.settings.lan, clock.now(), soon=self._silent),
            "resolvers": gateway.settings.resolvers,
            "restarted_when_unhealthy": services.restarted(gateway.settings.services),
            "ordered": services.ordered(gateway.settings.services),
            **endpoint_of(gateway),
        }
        try:
            containers, pids = self._containers()
            holder = pids.get(HOLDER, 0)
            observed = Observation(
                network=self._network() if holder else None,
                containers=containers,
                tunnel=(
                    self._tunnel(holder, pids.get(TUNNEL, 0), gateway.settings.resolvers, configured_at(gateway))
                    if holder
                    else None
                ),
                **common,
            )
            return replace(observed, uses=self._uses(observed))
        except Exception as error:  # from any answer of Docker or compose: the barrier is repaired in any case
            return Observation(docker=False, trouble=words(error), network=None, **common)

    def _uses(self, observed: Observation) -> dict[str, Use]:
        return {JELLYFIN: jellyfin_use.use_of(self.root)} if JELLYFIN in healing.unhealthy(observed) else {}

    def _barrier_stands(self, gateway: Gateway) -> bool:
        table = gateway.outer()
        if keeper.stands(self._nft, table):
            return True
        # "vpn-gateway apply" may just be restarting the keeper: its lock is held meanwhile.
        with contextlib.suppress(OSError), files.locked(self._lock, patience=LOCK_PATIENCE_S):
            pass
        return keeper.stands(self._nft, table)

    def leak_attempts(self) -> int | None:
        """Packets from the VPN network that the outer barrier has dropped and counted; None without a barrier."""
        return self._nft.leak_attempts(OUTER_TABLE)

    def services(self) -> dict[str, str]:
        """Names of the project's services with their network modes; asked of compose when a file of it has changed."""
        changed = compose.changed(self.root)
        if not changed:
            return {}
        if changed != self._project[0]:
            project = compose.read(self.root)
            if project.trouble:
                journal.warning(f"{project.trouble}; containers are repaired by {compose.FILE} alone")
            found = json.loads(project.config)["services"]
            self._project = (changed, {name: str(one.get("network_mode", "")) for name, one in found.items()})
        return self._project[1]

    def _containers(self) -> tuple[dict[str, Container], dict[str, int]]:
        """Return every service's container, and the process ids of those that run.

        A container that vanishes meanwhile is left out: the next observation shows whether it is missing or recreated.
        """
        by_service = {label(row, SERVICE_LABEL): row for row in self._docker.services(PROJECT)}
        asked = {name: self._pid(row) for name, row in by_service.items() if row["State"] == "running"}
        pids = {name: pid for name, pid in asked.items() if pid is not None}
        holder = by_service.get(HOLDER, {}).get("Id", "")
        holders_namespace = netns.identity(pids.get(HOLDER, 0))
        containers = {}
        for name, mode in self.services().items():
            if name in asked and asked[name] is None:
                continue
            row = by_service.get(name)
            if row is None:
                containers[name] = Container(ContainerState.MISSING)
                continue
            namespace = NamespaceState.HOLDERS
            if mode == f"service:{HOLDER}":
                if row["HostConfig"]["NetworkMode"] != f"container:{holder}":
                    namespace = NamespaceState.FOREIGN
                elif pids.get(name) and holders_namespace and netns.identity(pids[name]) != holders_namespace:
                    namespace = NamespaceState.DEAD
            unhealthy = "(unhealthy)" in row["Status"]
            state = STATES.get(row["State"], ContainerState.RESTARTING)
            containers[name] = Container(state, unhealthy, namespace, STARTING in row["Status"])
        return containers, pids

    def _pid(self, row: dict[str, Any]) -> int | None:
        """Return the process of a container, None for one that is gone since it was listed."""
        found = self._docker.details(row["Id"])
        return int(found["State"]["Pid"]) if found else None

    def _network(self) -> bool:
        """Say whether Docker's bridge and rules for the VPN network exist."""
        rules = any(f'"{VPN_BRIDGE}"' in (self._nft.listing(*table) or "") for table in DOCKER_TABLES)
        return rules and (INTERFACES / VPN_BRIDGE).exists()

    def inside(self, make: Callable[[], socket.socket]) -> socket.socket:
        """Return a socket that is made in the VPN namespace. Raises OSError."""
        return netns.inside(self._holder, make)

    def tunnel_socket(self) -> socket.socket:
        """Return a UDP socket in the VPN namespace that can only use the tunnel. Raises OSError without one."""
        return netns.inside(self._holder, tunnel_socket)

    def _tunnel(self, holder: int, tunnel: int, resolvers: tuple[str, ...], configured: float = 0.0) -> Tunnel:
        self._holder = holder
        interface = True
        try:
            if self._silent:  # so that the next observation sees whether the tunnel carries anything
                netns.inside(holder, lambda: liveness.provoke(resolvers))
            with self.tunnel_socket() as line:
                if any(dns.answers(line, resolver, dns.ANSWER_TIMEOUT_S) for resolver in resolvers):
                    self._silent = False
                    return Tunnel(answered=True)
        except OSError as error:
            interface = error.errno != errno.ENODEV  # no wg0, or no holder any more
        self._silent = True
        return Tunnel(
            answered=False,
            handshake_age=_handshake_age(tunnel, configured),
            received=liveness.received(holder),
            interface=interface,
        )


def asked(gateway: Gateway) -> tuple[str, ...]:
    """Return what an answer through the tunnel depends on: resolvers, peers, and a digest of the keys."""
    keys = [files.read(gateway.folder / "private.key") or ""]
    keys += [f"{peer.public_key} {peer.preshared_key}" for peer in gateway.settings.peers]
    peers = (peer.name for peer in gateway.settings.peers)
    return (*gateway.settings.resolvers, *peers, files.digest("\n".join(keys)))


def configured_at(gateway: Gateway) -> float:
    """Return when the tunnel's configuration was written last; a handshake before that proves nothing of it."""
    try:
        return (gateway.folder / "run" / "tunnel" / "wg0.conf").stat().st_mtime
    except OSError:
        return 0.0


def endpoint_of(gateway: Gateway) -> dict[str, str]:
    """Return the active peer, its address, and why the address that its name has now is refused."""
    peer = active_peer(gateway.settings, gateway.state)
    address = gateway.state.addresses.get(peer.host, "")
    observed = gateway.state.rejected.get(peer.host, "")
    refused = f"its address {observed} is {forbidden(gateway.settings, observed)}" if observed and not address else ""
    return {"peer": peer.name, "endpoint": address, "refused": refused}


def tunnel_socket() -> socket.socket:
    return sockets.udp(TUNNEL_DEVICE)


def _handshake_age(pid: int, configured: float) -> float | None:
    """Ask wg in the tunnel's container, whose socket wireguard-go uses; a child, but only when in trouble."""
    if not pid:
        return None
    command = ["nsenter", "--target", str(pid), "--mount", "--net", "wg", "show", TUNNEL_DEVICE, "latest-handshakes"]
    shown = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    times = [int(line.split()[-1]) for line in shown.stdout.splitlines() if line.split()[-1].isdecimal()]
    # A whole second earlier, because wg tells no fractions.
    return time.time() - max(times) if times and max(times) > 0 and max(times) >= configured - 1 else None
