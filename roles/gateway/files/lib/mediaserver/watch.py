# SPDX-License-Identifier: GPL-3.0-or-later
"""What vpn-monitor sees: one look at the host gives one ``Seen``. Nothing is changed here."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mediaserver import barrier, dns, docker, hold, keeper, netns
from mediaserver.decide import HOLDER, TUNNEL, Container, Home, Life, Seen, Tunnel
from mediaserver.gateway import Gateway, look_up_nothing
from mediaserver.nft import Nft

PROJECT = "mediaserver"
BRIDGE = "br-vpn"
ANSWER_TIMEOUT_S = 2.0
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


def now() -> float:
    """Seconds since boot: no step of the clock, and no sleep, falsifies them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass
class Watch:
    """Looks at one project folder's stack; keeps what is costly to find out again."""

    root: Path
    _nft: Nft = field(default_factory=Nft)
    _network_seen: bool = False
    _holder: int = 0  # its process
    _project: tuple[int, dict[str, str]] = (0, {})  # the compose file's time of change, and its services

    def look(self) -> Seen:
        """Raises GatewayError when the configuration cannot be read; everything else is part of what is seen."""
        gateway = Gateway(self.root, resolve=look_up_nothing)
        held = hold.look(now())
        common: dict[str, Any] = {
            "held": bool(held and held.valid),
            "barrier": keeper.stands(self._nft, gateway.outer()),
            "peers": sum(peer.host in gateway.state.addresses for peer in gateway.settings.peers),
        }
        try:
            containers, pids = self._containers()
        except docker.DockerError:
            return Seen(docker=False, **common)
        holder = pids.get(HOLDER, 0)
        return Seen(
            network=self._network() if holder else None,
            containers=containers,
            tunnel=self._tunnel(holder, pids.get(TUNNEL, 0), gateway.settings.resolvers) if holder else None,
            **common,
        )

    def house_is_online(self) -> bool:
        """Say whether one of the host's own resolvers answers; asked only while the tunnel is dead."""
        try:
            text = Path("/etc/resolv.conf").read_text(encoding="utf-8")
        except OSError:
            return False
        for resolver in re.findall(r"^nameserver\s+([0-9.]+)\s*$", text, re.MULTILINE):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
                if dns.answers(line, resolver, ANSWER_TIMEOUT_S):
                    return True
        return False

    def leak_attempts(self) -> int | None:
        """Packets that the outer barrier has dropped on their way out since it was loaded; None without a barrier."""
        return self._nft.leak_attempts(barrier.OUTER_TABLE)

    def services(self) -> dict[str, str]:
        """Names of the project's services with their network modes; asked of compose when its file has changed."""
        path = self.root / "compose.yml"
        try:
            changed = path.stat().st_mtime_ns
        except FileNotFoundError:
            return {}
        if changed != self._project[0]:
            asked = subprocess.run(
                ["docker", "compose", "--project-directory", str(self.root), "config", "--format", "json"],
                capture_output=True, text=True, check=False, timeout=60,
            )  # fmt: skip
            if asked.returncode != 0:
                raise docker.DockerError(f"compose cannot read {path}: {asked.stderr.strip()}")
            found = json.loads(asked.stdout)["services"]
            self._project = (changed, {name: str(one.get("network_mode", "")) for name, one in found.items()})
        return self._project[1]

    def _containers(self) -> tuple[dict[str, Container], dict[str, int]]:
        """Return every service's container, and the process ids of those that run."""
        label = {"label": [f"com.docker.compose.project={PROJECT}"]}
        rows = docker.request("GET", "/containers/json", all="1", filters=label) or []
        by_service = {row["Labels"].get("com.docker.compose.service", ""): row for row in rows}
        pids = {name: self._pid(row) for name, row in by_service.items() if row["State"] == "running"}
        holder = by_service.get(HOLDER, {}).get("Id", "")
        holders_namespace = netns.identity(pids.get(HOLDER, 0))
        containers = {}
        for name, mode in self.services().items():
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
    def _pid(row: dict[str, Any]) -> int:
        return int(docker.request("GET", f"/containers/{row['Id']}/json")["State"]["Pid"])

    def _network(self) -> bool | None:
        """Say whether Docker's side of the VPN network is there; what was never seen is not missed."""
        bridge = Path(f"/sys/class/net/{BRIDGE}").exists()
        rules = any(f'"{BRIDGE}"' in (self._nft.listing(*table) or "") for table in DOCKER_TABLES)
        self._network_seen = self._network_seen or (bridge and rules)
        return (bridge and rules) if self._network_seen else None

    def tunnel_socket(self) -> socket.socket:
        """Return a UDP socket in the VPN namespace that can only use the tunnel. Raises OSError without one."""
        return netns.inside(self._holder, _socket_in_tunnel)

    def _tunnel(self, holder: int, tunnel: int, resolvers: tuple[str, ...]) -> Tunnel:
        try:
            self._holder = holder
            with self.tunnel_socket() as line:
                if any(dns.answers(line, resolver, ANSWER_TIMEOUT_S) for resolver in resolvers):
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
    times = [int(line.split()[-1]) for line in asked.stdout.splitlines() if line.split()[-1].isdigit()]
    return time.time() - max(times) if times and max(times) > 0 else None
