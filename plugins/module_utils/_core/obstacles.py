# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Settings of a host that keep the stack from working, whatever the provider does: Docker's, and policy routing."""

from __future__ import annotations

import ipaddress
import json
import re
import typing as t

from .names import JELLYFIN_BRIDGE, OWN_BRIDGE_PREFIX, VPN_BRIDGE

DAEMON_JSON = "/etc/docker/daemon.json"
DOCKER_PID = "/run/docker.pid"
# dockerd without one of these makes no rules for published ports, or does not translate addresses.
DOCKER_SWITCHES = ("iptables", "ip-masq")
# Docker's own program that carries connections from one of its networks to a port of the host.
DOCKER_PROXY = "userland-proxy"
MAIN_PRIORITY = 32766
BRIDGE = re.compile(rf"{VPN_BRIDGE}|{JELLYFIN_BRIDGE}|{OWN_BRIDGE_PREFIX}.*|docker0|br-[0-9a-f]{{12}}")

Run = t.Callable[[list[str]], str]
Network = tuple[str, str]


def docker_switched_off(daemon_json: str, command_line: str, switches: t.Sequence[str] = DOCKER_SWITCHES) -> list[str]:
    """Name which switches are off, by file and by dockerd's command line. No other key is returned."""
    try:
        found = json.loads(daemon_json)
    except ValueError:
        found = {}
    off = [
        f'"{key}": false in {DAEMON_JSON}' for key in switches if isinstance(found, dict) and found.get(key) is False
    ]
    flags = "|".join(switches)
    given = re.findall(rf"(?:^|\0)(--(?:{flags})=(?:false|f|0))(?=\0|$)", command_line, re.IGNORECASE)
    return off + [f"{flag} on dockerd's command line" for flag in given]


def connected(route_table: str) -> tuple[list[Network], str]:
    """Read /proc/net/route: the networks of each interface as (CIDR, interface), and the default route's interface."""
    networks: list[Network] = []
    defaults: list[tuple[int, str]] = []
    for line in route_table.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 8:
            continue
        # Hexadecimal, in the byte order of the (little-endian) machine.
        target, gateway, mask = (ipaddress.IPv4Address(bytes.fromhex(fields[i])[::-1]) for i in (1, 2, 7))
        if int(mask) == 0:
            defaults.append((int(fields[6]), fields[0]))
        elif int(gateway) == 0:
            networks.append((f"{target}/{bin(int(mask)).count('1')}", fields[0]))
    return networks, min(defaults)[1] if defaults else ""


def target(answer: str) -> tuple[str, str]:
    """Return the device and the routing table that ``ip -o route get`` names; main where it names none."""
    device, table = (re.search(rf"\b{word} (\S+)", answer) for word in ("dev", "table"))
    return device[1] if device else "", table[1] if table else "main"


def rule_of(table: str, rules: str) -> str:
    """Return the rule before table main that leads to ``table``, as ``ip rule show`` prints it; empty for none."""
    for line in rules.splitlines():
        priority, _colon, what = line.partition(":")
        looks_up = re.search(r"lookup (\S+)", what)
        if priority.isdigit() and int(priority) < MAIN_PRIORITY and looks_up and looks_up[1] == table:
            return f"{priority} ({' '.join(what.split())})"
    return ""


def captured(route_table: str, run: Run) -> list[str]:
    """Name the networks of the LAN and of Docker whose packets a policy-routing rule sends elsewhere.

    The kernel itself is asked, so rules that do not apply (by firewall mark, or without a matching route) are harmless.
    """
    networks, default = connected(route_table)
    ours = [(cidr, device) for cidr, device in networks if device == default or BRIDGE.fullmatch(device)]
    lan = next((cidr for cidr, device in ours if device == default), "")
    asked: list[tuple[str, str, list[str]]] = [(cidr, device, [_host(cidr)]) for cidr, device in ours if _host(cidr)]
    if lan and _host(lan):
        # Replies of a container to a client on the LAN.
        asked += [
            (lan, default, [_host(lan), "from", _host(cidr), "iif", device])
            for cidr, device in ours
            if device != default and _host(cidr)
        ]
    found: dict[str, str] = {}
    rules = ""
    for cidr, device, question in asked:
        taken, table = target(run(["ip", "-4", "-o", "route", "get", *question]))
        if not taken or taken in (device, "lo") or table == "main":
            continue
        rules = rules or run(["ip", "-4", "rule", "show"])
        rule = rule_of(table, rules)
        if rule:
            found.setdefault(
                cidr, f"the policy-routing rule {rule} sends packets for {cidr} to {taken} instead of {device}"
            )
    return list(found.values())


def _host(cidr: str) -> str:
    """Return the last usable address: neither the network's own nor, mostly, this host's or its router's."""
    network = ipaddress.IPv4Network(cidr)
    return str(network[-2]) if network.prefixlen < 31 else ""
