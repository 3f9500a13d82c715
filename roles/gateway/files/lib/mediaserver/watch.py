# SPDX-License-Identifier: GPL-3.0-or-later
"""What vpn-monitor sees: one look at the host gives one ``Seen``. Nothing is changed here."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mediaserver import barrier, compose, dns, docker, keeper, netns
from mediaserver.decide import HOLDER, TUNNEL, Container, Home, Life, Seen, Tunnel
from mediaserver.gateway import Gateway
from mediaserver.nft import Nft
from mediaserver.report import words

PROJECT = "mediaserver"
INTERFACES = Path("/sys/class/net")
ONE_OFF = "com.docker.compose.oneoff"
# Where Docker keeps the VPN network's address translation: iptables' way, and that of its nftables back end.
DOCKER_TABLES = (("ip", "nat"), ("ip", "docker-bridges"))
LIVES = {
    "running": Life.RUNNING,
    "paused": Life.PAUSED,
    "restarting": Life.RESTARTING,
    "created": Life.STOPPED,
    "exited": Life.STOPPED,
    "dead": Life.STOPPED,
}


@dataclass
class Watch:
    """Looks at one project folder's stack; keeps what is costly to find out again."""

    root: Path
    _nft: Nft = field(default_factory=Nft)
    _holder: int = 0  # its process
    _project: tuple[tuple[int, ...], dict[str, str]] = ((), {})  # the compose files' times of change, and services

    def look(self, gateway: Gateway, *, held: bool = False) -> Seen:
        """Look at the host, for a gateway as it is configured now, and a hold.

        Raises OSError, GatewayError where the outer barrier cannot be seen; whatever goes wrong behind it, it is told.
        """
        common: dict[str, Any] = {
            "held": held,
            "barrier": keeper.stands(self._nft, gateway.outer()),
            "peers": sum(peer.host in gateway.state.addresses for peer in gateway.settings.peers),
            "asked": (*gateway.settings.resolvers, *(peer.name for peer in gateway.settings.peers)),
        }
        try:
            containers, pids = self._containers()
            holder = pids.get(HOLDER, 0)
            return Seen(
                network=self._network() if holder else None,
                containers=containers,
                tunnel=self._tunnel(holder, pids.get(TUNNEL, 0), gateway.settings.resolvers) if holder else None,
                **common,
            )
        except Exception as error:  # whatever Docker or compose has answered: a barrier is put up in any case
            return Seen(docker=False, trouble=words(error), network=None, **common)

    def leak_attempts(self) -> int | None:
        """Packets that the outer barrier has dropped on their way out since it was loaded; None without a barrier."""
        return self._nft.leak_attempts(barrier.OUTER_TABLE)

    def services(self) -> dict[str, str]:
        """Names of the project's services with their network modes; asked of compose when a file of it has changed."""
        changed = compose.changed(self.root)
        if not changed:
            return {}
        if changed != self._project[0]:
            try:
                project = compose.read(self.root)
            except compose.ComposeError as error:
                raise docker.DockerError(str(error)) from error
            if project.trouble:
                print(f"{project.trouble}; containers are repaired by {compose.FILE} alone", flush=True)
            found = json.loads(project.config)["services"]
            self._project = (changed, {name: str(one.get("network_mode", "")) for name, one in found.items()})
        return self._project[1]

    def _containers(self) -> tuple[dict[str, Container], dict[str, int]]:
        """Return every service's container, and the process ids of those that run.

        A container that vanishes meanwhile is left out: the next look tells whether it is missing, or made anew.
        """
        label = {"label": [f"com.docker.compose.project={PROJECT}"]}
        rows = docker.request("GET", "/containers/json", all="1", filters=label) or []
        # What "docker compose run" makes bears a service's name, and is none.
        services = [row for row in rows if row["Labels"].get(ONE_OFF, "").lower() != "true"]
        by_service = {row["Labels"].get("com.docker.compose.service", ""): row for row in services}
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
                containers[name] = Container(Life.MISSING)
                continue
            home = Home.HOLDERS
            if mode == f"service:{HOLDER}":
                if row["HostConfig"]["NetworkMode"] != f"container:{holder}":
                    home = Home.FOREIGN
                elif pids.get(name) and holders_namespace and netns.identity(pids[name]) != holders_namespace:
                    home = Home.DEAD
            unhealthy = "(unhealthy)" in row["Status"]
            containers[name] = Container(LIVES.get(row["State"], Life.RESTARTING), unhealthy, home)
        return containers, pids

    @staticmethod
    def _pid(row: dict[str, Any]) -> int | None:
        """Return the process of a container, None for one that is gone since it was listed."""
        try:
            return int(docker.request("GET", f"/containers/{row['Id']}/json")["State"]["Pid"])
        except docker.NotThereError:
            return None

    def _network(self) -> bool:
        """Say whether Docker's side of the VPN network is there."""
        rules = any(f'"{barrier.BRIDGE}"' in (self._nft.listing(*table) or "") for table in DOCKER_TABLES)
        return rules and (INTERFACES / barrier.BRIDGE).exists()

    def tunnel_socket(self) -> socket.socket:
        """Return a UDP socket in the VPN namespace that can only use the tunnel. Raises OSError without one."""
        return netns.inside(self._holder, _socket_in_tunnel)

    def _tunnel(self, holder: int, tunnel: int, resolvers: tuple[str, ...]) -> Tunnel:
        try:
            self._holder = holder
            with self.tunnel_socket() as line:
                if any(dns.answers(line, resolver, dns.ANSWER_TIMEOUT_S) for resolver in resolvers):
                    return Tunnel(answered=True)
        except OSError:
            pass  # no wg0, or no holder any more
        return Tunnel(answered=False, handshake_age=_handshake_age(tunnel))


def _socket_in_tunnel() -> socket.socket:
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"wg0")
    except OSError:
        line.close()
        raise
    return line


def _handshake_age(pid: int) -> float | None:
    """Ask wg in the tunnel's container, whose socket wireguard-go uses; a child, but only when in trouble."""
    if not pid:
        return None
    command = ["nsenter", "--target", str(pid), "--mount", "--net", "wg", "show", "wg0", "latest-handshakes"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    times = [int(line.split()[-1]) for line in asked.stdout.splitlines() if line.split()[-1].isdecimal()]
    return time.time() - max(times) if times and max(times) > 0 else None
