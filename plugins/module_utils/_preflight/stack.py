# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Preflight checks of the household's services, and of their ports on the host.

``preflight_services`` are the household's services in their normal form (package ``_services``), and
``preflight_registered`` the names of those that there are.
"""

from __future__ import annotations

import typing as t

from .ownership import PROJECT
from .problem import (
    Facts,
    Problem,
    Settings,
    problem,
)

PORTS = "mediaserver_ports"
# Nothing works without the services of these namespaces.
NEEDED = ("holder", "tunnel")
Port = t.Mapping[str, t.Any]


def check_selection(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    """Reject unknown services, which the normal form omits, and a selection without the tunnel."""
    registered = settings.get("preflight_registered") or []
    selected = settings.get("stack_services")
    for variable, names in (("stack_services", selected), ("stack_memory_limits", settings.get("stack_memory_limits"))):
        for name in [name for name in names or () if registered and name not in registered]:
            yield problem(variable, f"there is no service {name!r}", f"use some of {', '.join(registered)}")
    found = [one["namespace"] for one in settings.get("preflight_services") or ()]
    if selected is not None and registered and any(needed not in found for needed in NEEDED):
        yield problem(
            "stack_services",
            "it lacks vpn or wireguard, without which no other service has a way out",
            "put both into the list, first",
        )


def check_ports(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    registered = settings.get("preflight_registered") or []
    given = settings.get(PORTS)
    for name in [name for name in given or () if registered and name not in registered]:
        yield problem(PORTS, f"there is no service {name!r}", f"use some of {', '.join(registered)}")
    users: dict[int, list[tuple[str, str]]] = {}
    for service, port in _ports(settings):
        value = _given(port, settings)
        if not _is_port(value, none_allowed=not port["variable"].startswith(PORTS)):
            several = "0 to 65535, 0 for none" if not port["variable"].startswith(PORTS) else "a number from 1 to 65535"
            yield problem(port["variable"], f"{value!r} is not a port", f"use {several}")
        elif port["host"]:
            users.setdefault(port["host"], []).append((service, port["variable"]))
    for number, found in sorted(users.items()):
        if len(found) > 1:
            names = [service if variable.startswith(PORTS) else variable for service, variable in found]
            others = [variable for _service, variable in found if not variable.startswith(PORTS)]
            yield problem(
                others[-1] if others else PORTS,
                f"port {number} is used twice, by {' and '.join(names)}",
                "choose a different port for each service",
            )
    for entry in facts.get("ports_listening", []):
        found = users.get(entry["port"], [])
        if found and entry.get("project") != PROJECT:
            yield problem(
                found[0][1],
                f"port {entry['port']} is used by {listener(entry)}",
                "stop or remove that program, or choose another port",
            )


def listener(entry: t.Mapping[str, t.Any]) -> str:
    """Return what listens at a measured port (an entry of ports_listening), in words."""
    if entry.get("container"):
        return f"container {entry['container']}"
    return str(entry.get("process") or "an unknown program")


def _ports(settings: Settings) -> t.Iterator[tuple[str, Port]]:
    for service in settings.get("preflight_services") or ():
        for port in service["ports"]:
            yield service["name"], port


def _given(port: Port, settings: Settings) -> t.Any:
    """Return the given value of a port of the host, or the port itself where none is given: it is valid."""
    variable, _dot, name = port["variable"].partition(".")
    if not name:
        return settings.get(variable) or 0
    ports = settings.get(variable)
    return ports.get(name, port["host"]) if isinstance(ports, t.Mapping) else port["host"]


def _is_port(value: t.Any, *, none_allowed: bool) -> bool:
    try:
        return (0 if none_allowed else 1) <= int(value) < 65536
    except (TypeError, ValueError):
        return False
