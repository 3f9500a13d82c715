# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Reads Docker's API: which container is a service's, and at which address only this host reaches it.

A container is found by the labels that compose gives it. Its name is no evidence: a user's own container may have it.
"""

from __future__ import annotations

import http.client
import json
import socket
import typing as t
import urllib.parse
from dataclasses import dataclass

DOCKER_SOCKET = "/run/docker.sock"
PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
ONE_OFF_LABEL = "com.docker.compose.oneoff"
TIMEOUT_S = 10.0
NOT_FOUND = 404
# The setting of a bridge network that names its interface, and how Docker names it otherwise.
BRIDGE_NAME, BRIDGE_PREFIX, ID_LENGTH = "com.docker.network.bridge.name", "br-", 12


class EngineError(Exception):
    """Docker refuses, or answers something else than expected."""


class EngineAbsent(EngineError):
    """Docker is not installed or does not run."""


class _Line(http.client.HTTPConnection):
    def __init__(self, address: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._address = address

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._address)


@dataclass(frozen=True)
class Endpoint:
    """Where a container is reached: its IPv4 address, and the bridge of this host that it is attached to."""

    address: str
    bridge: str


class Engine:
    """Docker's API at its socket, as much of it as reading takes."""

    def __init__(self, address: str = DOCKER_SOCKET, *, timeout: float = TIMEOUT_S) -> None:
        self._address = address
        self._timeout = timeout

    def get(self, path: str, **query: t.Any) -> t.Any:
        """Return the decoded answer, None for what does not exist. Raises EngineAbsent, EngineError."""
        text = urllib.parse.urlencode({name: json.dumps(value) for name, value in query.items()})
        line = _Line(self._address, self._timeout)
        try:
            line.request("GET", f"{path}?{text}" if text else path)
            answer = line.getresponse()
            body = answer.read()
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise EngineAbsent(f"Docker does not answer at {self._address}: {error}") from error
        except (OSError, http.client.HTTPException) as error:
            raise EngineError(f"Docker does not answer GET {path}: {error}") from error
        finally:
            line.close()
        if answer.status == NOT_FOUND:
            return None
        try:
            found = json.loads(body)
        except ValueError as error:
            raise EngineError(f"Docker's answer to GET {path} is not JSON") from error
        if answer.status >= http.client.BAD_REQUEST:
            raise EngineError(f"Docker answers GET {path} with {answer.status}: {found}")
        return found

    def containers(self, *labels: str) -> list[dict[str, t.Any]]:
        """Return the rows of all containers with these labels, stopped ones included."""
        found = self.get("/containers/json", all=True, filters={"label": list(labels)})
        return found if isinstance(found, list) else []

    def service(self, project: str, service: str) -> dict[str, t.Any] | None:
        """Return the row of a compose service's container, None where there is none."""
        rows = self.containers(f"{PROJECT_LABEL}={project}", f"{SERVICE_LABEL}={service}")
        own = [row for row in rows if (row.get("Labels") or {}).get(ONE_OFF_LABEL, "").lower() != "true"]
        # Two while compose replaces one by the other.
        return next((row for row in own if row.get("State") == "running"), own[0] if own else None)

    def endpoint(self, container: dict[str, t.Any]) -> Endpoint | None:
        """Return where a container is reached, None where it has no address on a bridge.

        One that shares another one's network is reached at that one's address.
        """
        mode = str((container.get("HostConfig") or {}).get("NetworkMode") or "")
        if mode.startswith("container:"):
            other = self.get(f"/containers/{mode.partition(':')[2]}/json")
            return self.endpoint(other) if other else None
        networks = (container.get("NetworkSettings") or {}).get("Networks") or {}
        for _name, joined in sorted(networks.items()):
            if joined.get("IPAddress"):
                bridge = bridge_of(self.get(f"/networks/{joined['NetworkID']}") or {})
                if bridge:
                    return Endpoint(joined["IPAddress"], bridge)
        return None


def bridge_of(network: dict[str, t.Any]) -> str:
    """Return the name of a network's interface on this host; empty for a network of another kind."""
    if network.get("Driver") != "bridge":
        return ""
    name = (network.get("Options") or {}).get(BRIDGE_NAME)
    return str(name or BRIDGE_PREFIX + str(network["Id"])[:ID_LENGTH])
