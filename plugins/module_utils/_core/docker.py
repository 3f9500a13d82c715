# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Docker's API at its socket, for modules and host programs alike.

A container is found by the labels that compose gives it. Its name is no evidence: a user's own container may have it.

Requests are HTTP/1.0, so that an answer ends with its connection, and written here: http.client takes 1.4 MB of
vpn-monitor's memory. Paths carry no version, so the engine uses its own. Source: Docker Engine API,
https://docs.docker.com/reference/api/engine/.
"""

from __future__ import annotations

import json
import re
import socket
import typing as t
import urllib.parse
from dataclasses import dataclass

from .errors import DockerError, DockerNotFound, DockerNotRunning, reason

DOCKER_SOCKET = "/run/docker.sock"
PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
ONE_OFF_LABEL = "com.docker.compose.oneoff"
FOLDER_LABEL = "com.docker.compose.project.working_dir"
TIMEOUT_S = 10.0
# Statuses without content: 204 is done, 304 was done already.
EMPTY = (204, 304)
# What other statuses say of an answer without content.
NO_CONTENT = re.compile(rb"^content-length:\s*0\s*$", re.IGNORECASE | re.MULTILINE)
NOT_FOUND = 404
# The option of a bridge network that names its interface, and the default name.
BRIDGE_NAME, BRIDGE_PREFIX, ID_LENGTH = "com.docker.network.bridge.name", "br-", 12

Row = dict[str, t.Any]


@dataclass(frozen=True)
class Endpoint:
    """Where a container is reached: its IPv4 address, and the bridge of this host that it is attached to."""

    address: str
    bridge: str


class DockerClient:
    """The Docker engine at one socket. ``timeout``: seconds for each piece of an answer."""

    def __init__(self, address: str | None = None, *, timeout: float = TIMEOUT_S) -> None:
        self._address = address
        self._timeout = timeout

    def request(
        self, method: str, path: str, *, content: t.Any = None, timeout: float | None = None, **query: t.Any
    ) -> t.Any:
        """Return the decoded answer, None for one without content. Raises DockerError.

        ``content`` is sent as JSON.
        """
        with self._send(method, path, query, timeout, content) as connection:
            answer = b"".join(iter(lambda: _receive(connection), b""))
        head, _unused, body = answer.partition(b"\r\n\r\n")
        status = _status(head)
        if status >= 400:
            kind = DockerNotFound if status == NOT_FOUND else DockerError
            raise kind(f"Docker answers {method} {path} with status {status}: {_message(body)}")
        if status in EMPTY or (not body and NO_CONTENT.search(head)):
            return None
        try:
            return json.loads(body)
        except ValueError as error:
            raise DockerError(f"Docker's answer to {method} {path} is incomplete or not JSON") from error

    def get(self, path: str, **query: t.Any) -> t.Any:
        """Return the decoded answer to a GET, None for an object that does not exist. Raises DockerError."""
        try:
            return self.request("GET", path, **query)
        except DockerNotFound:
            return None

    def containers(self, *labels: str) -> list[Row]:
        """Return the rows of all containers with these labels, stopped ones included."""
        found = self.request("GET", "/containers/json", all=True, filters={"label": list(labels)})
        return found if isinstance(found, list) else []

    def services(self, project: str, *labels: str) -> list[Row]:
        """Return the rows of a compose project's services; containers of "docker compose run" are none."""
        rows = self.containers(f"{PROJECT_LABEL}={project}", *labels)
        return [row for row in rows if label(row, ONE_OFF_LABEL).lower() != "true"]

    def service(self, project: str, service: str) -> Row | None:
        """Return the row of a compose service's container, None without one."""
        rows = self.services(project, f"{SERVICE_LABEL}={service}")
        # There are two while compose replaces one by the other.
        return next((row for row in rows if row.get("State") == "running"), rows[0] if rows else None)

    def required(self, project: str, service: str) -> Row:
        """Return the same row. Raises DockerNotFound without one."""
        found = self.service(project, service)
        if found is None:
            raise DockerNotFound(f"service {service} of project {project} has no container")
        return found

    def details(self, container: str) -> Row | None:
        """Return everything about a container, by its id; None when it has gone since it was listed."""
        found: Row | None = self.get(f"/containers/{container}/json")
        return found

    def endpoint(self, container: Row) -> Endpoint | None:
        """Return where a container is reached, None where it has no address on a bridge.

        One that shares another container's network is reached at that container's address.
        """
        mode = str((container.get("HostConfig") or {}).get("NetworkMode") or "")
        if mode.startswith("container:"):
            other = self.details(mode.partition(":")[2])
            return self.endpoint(other) if other else None
        networks = (container.get("NetworkSettings") or {}).get("Networks") or {}
        for _name, joined in sorted(networks.items()):
            if joined.get("IPAddress"):
                bridge = bridge_of(self.get(f"/networks/{joined['NetworkID']}") or {})
                if bridge:
                    return Endpoint(joined["IPAddress"], bridge)
        return None

    def start_command(self, container: str, command: t.Sequence[str]) -> str:
        """Have a command start in a running container, as the container's user; return its id. Raises DockerError."""
        made = self.request("POST", f"/containers/{container}/exec", content={"Cmd": list(command)})
        self.request("POST", f"/exec/{made['Id']}/start", content={"Detach": True})
        return str(made["Id"])

    def exit_code(self, command: str) -> int | None:
        """Return the exit code of a command by its id, None while it runs; -1 for one that has gone."""
        found = self.get(f"/exec/{command}/json")
        if found is None:
            return -1
        return None if found["Running"] else int(found["ExitCode"] or 0)

    def events(self, project: str) -> Events:
        """Return the stream of container events of one compose project. Raises DockerError."""
        wanted = {"type": ["container"], "event": Events.KINDS, "label": [f"{PROJECT_LABEL}={project}"]}
        return Events(self._send("GET", "/events", {"filters": wanted}))

    def _send(
        self,
        method: str,
        path: str,
        query: dict[str, t.Any],
        timeout: float | None = None,
        content: t.Any = None,
    ) -> socket.socket:
        text = urllib.parse.urlencode({k: v if isinstance(v, str) else json.dumps(v) for k, v in query.items()})
        body = b"" if content is None else json.dumps(content).encode()
        kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
        head = f"{method} {path}{'?' if text else ''}{text} HTTP/1.0\r\nHost: docker\r\n{kind}\r\n"
        address = self._address or DOCKER_SOCKET
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(self._timeout if timeout is None else timeout)
        try:
            connection.connect(address)
            connection.sendall(head.encode() + body)
        except OSError as error:
            connection.close()
            absent = isinstance(error, (FileNotFoundError, ConnectionRefusedError))
            raise (DockerNotRunning if absent else DockerError)(
                f"Docker does not answer at {address}: {reason(error)}"
            ) from error
        return connection


class Events:
    """A stream of container events, to be waited for with select(2)."""

    # Health checks run by exec and would wake us all the time; a change of health is an event of its own.
    KINDS = ("create", "start", "die", "destroy", "pause", "unpause", "health_status")

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def fileno(self) -> int:
        return self._connection.fileno()

    def drain(self) -> bool:
        """Read what has arrived; return whether the stream continues."""
        try:
            return bool(_receive(self._connection))
        except DockerError:
            return False

    def close(self) -> None:
        self._connection.close()


def label(row: Row, name: str) -> str:
    """Return a label of a container or network, empty without it."""
    return str((row.get("Labels") or {}).get(name, ""))


def bridge_of(network: Row) -> str:
    """Return the name of a network's interface on this host; empty for a network of another kind."""
    if network.get("Driver") != "bridge":
        return ""
    name = (network.get("Options") or {}).get(BRIDGE_NAME)
    return str(name or BRIDGE_PREFIX + str(network["Id"])[:ID_LENGTH])


def _receive(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except OSError as error:
        raise DockerError(f"Docker stopped answering: {reason(error)}") from error


def _status(head: bytes) -> int:
    try:
        return int(head.split(maxsplit=2)[1])
    except (IndexError, ValueError) as error:
        raise DockerError("Docker closed the connection without an answer") from error


def _message(body: bytes) -> str:
    """Return the text of an error answer, whose form is {"message": …}."""
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace").strip()
