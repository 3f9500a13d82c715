# SPDX-License-Identifier: GPL-3.0-or-later
"""What the checks ask of the host: containers, interfaces, counters and sockets in the VPN namespace."""

from __future__ import annotations

import errno
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mediaserver._core.docker import SERVICE_LABEL, DockerClient, label
from mediaserver._core.errors import CheckFailed
from mediaserver._core.names import MONITOR_UNIT, PROJECT, TUNNEL_DEVICE, UPLINK
from mediaserver.firewall.nft import Nft
from mediaserver.tunnel import netns

MISSING = {
    TUNNEL_DEVICE: f"tunnel interface ({TUNNEL_DEVICE}) in the VPN namespace, so no name can be looked up in it. "
    "Container wireguard makes it; its log says why it did not: docker logs mediaserver-wireguard-1",
    UPLINK: f"uplink ({UPLINK}) in the VPN namespace. Have it made again: systemctl restart mediaserver",
}


def service_rows() -> dict[str, dict[str, Any]]:
    """Return the rows of the project's services by name. Raises DockerError."""
    return {label(row, SERVICE_LABEL): row for row in DockerClient().services(PROJECT)}


def container_of(service: str) -> str:
    """Return the id of a service's running container. Raises CheckFailed when it has none, DockerError."""
    found = DockerClient().service(PROJECT, service)
    if found is None or found["State"] != "running":
        raise CheckFailed(f"service {service} does not run; see: journalctl --unit {MONITOR_UNIT}")
    return str(found["Id"])


def pid_of(service: str) -> int:
    """Raises CheckFailed when the service's container does not run, DockerError."""
    found = DockerClient().details(container_of(service))
    pid = int(found["State"]["Pid"]) if found else 0
    if pid <= 0:
        raise CheckFailed(f"service {service} does not run; see: journalctl --unit {MONITOR_UNIT}")
    return pid


def address_of(device: str) -> bytes:
    """Return the hardware address of an interface of the host. Raises CheckFailed where there is none."""
    try:
        text = Path(f"/sys/class/net/{device}/address").read_text(encoding="ascii")
    except FileNotFoundError as error:
        raise CheckFailed(f"Docker's bridge {device} is missing; restart Docker: systemctl restart docker") from error
    return bytes.fromhex(text.strip().replace(":", ""))


def leak_attempts(nft: Nft, table: str) -> int:
    """Return how many packets a table has dropped on their way out. Raises CheckFailed without the table."""
    found = nft.leak_attempts(table)
    if found is None:
        raise CheckFailed(f"table inet {table} is not loaded; run the playbook again")
    return found


def open_inside(pid: int, device: str, make: Callable[[str], socket.socket]) -> socket.socket:
    """Return a socket on an interface of the VPN namespace. Raises CheckFailed where that is missing, OSError."""
    try:
        return netns.inside(pid, lambda: make(device))
    except OSError as error:
        if error.errno != errno.ENODEV:
            raise
        raise CheckFailed(f"there is no {MISSING[device]}") from error


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
