# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Pure parsers for Docker's lists of containers and networks, reduced to what identifies their owner."""

from __future__ import annotations

import typing as t

from .._core.docker import FOLDER_LABEL, PROJECT_LABEL, SERVICE_LABEL, bridge_of, label

Rows = t.Iterable[dict[str, t.Any]]
# States in which a container holds its ports, or held them before its last exit.
LIVE = ("running", "restarting", "paused")


def name_of(row: dict[str, t.Any]) -> str:
    return str((row.get("Names") or [""])[0]).lstrip("/")


def project_of(row: dict[str, t.Any]) -> str:
    return label(row, PROJECT_LABEL)


def containers(rows: Rows, real: t.Callable[[str], str]) -> list[dict[str, str]]:
    """Return name, project, service and project folder of each container.

    ``real`` resolves symbolic links in the folder's path.
    """
    found = []
    for row in rows:
        folder = label(row, FOLDER_LABEL)
        found.append(
            {
                "name": name_of(row),
                "project": project_of(row),
                "service": label(row, SERVICE_LABEL),
                "folder": real(folder) if folder else "",
            }
        )
    return sorted(found, key=lambda container: container["name"])


def networks(rows: Rows) -> list[dict[str, t.Any]]:
    """Return name, project, bridge and subnets of each network."""
    found: list[dict[str, t.Any]] = []
    for row in rows:
        pools = (row.get("IPAM") or {}).get("Config") or []
        found.append(
            {
                "name": str(row.get("Name", "")),
                "project": project_of(row),
                "bridge": bridge_of(row),
                "subnets": [str(pool["Subnet"]) for pool in pools if pool.get("Subnet")],
            }
        )
    return sorted(found, key=lambda network: str(network["name"]))


def configured_ports(details: dict[str, t.Any]) -> set[int]:
    """Return the TCP ports of the host that a container publishes while it runs, from its inspection."""
    bindings = (details.get("HostConfig") or {}).get("PortBindings") or {}
    return {
        int(binding["HostPort"])
        for port, given in bindings.items()
        if port.endswith("/tcp")
        for binding in given or []
        if str(binding.get("HostPort") or "").isdecimal()
    }


def publishers(ports: set[int], rows: Rows, details: t.Callable[[str], dict[str, t.Any]]) -> dict[int, dict[str, str]]:
    """Return the container that is configured to publish each port.

    For ports that docker-proxy holds and Docker's list shows at no container, because the container is restarting.
    A live container takes precedence over a stopped one.
    """
    found: dict[int, dict[str, str]] = {}
    for row in sorted(rows, key=lambda container: container.get("State") in LIVE):
        for port in ports & configured_ports(details(str(row.get("Id", "")))):
            found[port] = {"container": name_of(row), "project": project_of(row)}
    return found
