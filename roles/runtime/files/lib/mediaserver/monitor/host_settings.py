# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's own settings that the stack relies on: IPv4 forwarding, Docker's rules, policy routing, the LAN."""

from __future__ import annotations

import ipaddress
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mediaserver._core import obstacles
from mediaserver._core.names import VPN_BRIDGE
from mediaserver.monitor.problems import Code, Problem

SYSCTL = Path("/proc/sys/net/ipv4")
ROUTES = Path("/proc/net/route")
# Seconds between two looks at what changes rarely; ``ip`` is a child process.
PAUSE_S, SOON_S = 60.0, 10.0
COMMAND_TIMEOUT_S = 10


def _text(path: Path | str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _switches() -> dict[str, Path]:
    """The kernel's switches for forwarding, by name; that of the host sets all the others."""
    _networks, uplink = obstacles.connected(_text(ROUTES))
    devices = [name for name in (VPN_BRIDGE, uplink) if name]
    return {"net.ipv4.ip_forward": SYSCTL / "ip_forward"} | {
        f"net.ipv4.conf.{name}.forwarding": SYSCTL / "conf" / name / "forwarding" for name in devices
    }


def forwarding_off() -> tuple[str, ...]:
    """Name the switches that keep this host from forwarding between the VPN namespace, the LAN and the internet."""
    off = [name for name, path in _switches().items() if _text(path).strip() == "0"]
    return ("net.ipv4.ip_forward",) if "net.ipv4.ip_forward" in off else tuple(off)


def switch_on_forwarding() -> None:
    """Raises OSError where the kernel does not let it be written."""
    for path in _switches().values():
        if _text(path).strip() == "0":
            path.write_text("1\n", encoding="ascii")


def docker_problems(daemon_json: str, command_line: str) -> list[Problem]:
    return [
        Problem(
            Code.DOCKER_SETTINGS,
            f"Docker makes no firewall rules, because of {what}; nothing reaches the containers or leaves them. "
            "Remove that setting and restart Docker",
        )
        for what in obstacles.docker_switched_off(daemon_json, command_line)[:1]
    ]


def lan_problems(route_table: str, lan: Sequence[str]) -> list[Problem]:
    """Say so when the network that this host is in is no part of mediaserver_lan. An empty list is meant."""
    networks, uplink = obstacles.connected(route_table)
    own = [ipaddress.IPv4Network(cidr) for cidr, device in networks if device == uplink]
    allowed = [ipaddress.IPv4Network(cidr, strict=False) for cidr in lan]
    if not own or not allowed or any(one.overlaps(other) for one in own for other in allowed):
        return []
    named = ", ".join(map(str, own))
    return [
        Problem(
            Code.LAN_NOT_COVERED,
            f"this host is in {named} ({uplink}), and mediaserver_lan holds only {', '.join(lan)}: no client there can "
            f"open the web interfaces. Add {named} to mediaserver_lan and run the playbook again",
        )
    ]


def routing_problems(captured: Sequence[str]) -> list[Problem]:
    return [
        Problem(
            Code.POLICY_ROUTING,
            f"{captured[0]}, so web interfaces and tunnel get no replies. Another program made it (Tailscale's exit "
            "node does): switch that off on this host, or let the main table win for its own networks: "
            "sudo ip rule add priority 1000 lookup main suppress_prefixlength 0",
        )
    ] if captured else []  # fmt: skip


def run(command: list[str]) -> str:
    """Return what a command prints; empty where it fails or is missing."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=COMMAND_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def problems(lan: Sequence[str]) -> tuple[Problem, ...]:
    """Return every problem of the host that vpn-monitor does not repair."""
    pid = _text(obstacles.DOCKER_PID).strip()
    command_line = _text(f"/proc/{pid}/cmdline") if pid.isdigit() else ""
    routes = _text(ROUTES)
    return (
        *docker_problems(_text(obstacles.DAEMON_JSON), command_line),
        *routing_problems(obstacles.captured(routes, run)),
        *lan_problems(routes, lan),
    )


@dataclass
class HostObserver:
    """Looks at the host again only after a pause, or when its routes or Docker's settings have changed."""

    _key: object = None
    _after: float = 0.0
    _found: tuple[Problem, ...] = field(default=())

    def problems(self, lan: Sequence[str], now: float, *, soon: bool = False) -> tuple[Problem, ...]:
        try:
            changed = Path(obstacles.DAEMON_JSON).stat().st_mtime_ns
        except OSError:
            changed = 0
        key = (_text(ROUTES), changed, tuple(lan))
        if now >= self._after - (PAUSE_S - SOON_S if soon else 0.0) or key != self._key:
            self._found, self._key, self._after = problems(lan), key, now + PAUSE_S
        return self._found
