# SPDX-License-Identifier: GPL-3.0-or-later
"""The few requests to Docker's API that watching takes, without a child process or a library.

HTTP/1.0, so that an answer ends with its connection. Paths carry no version: the engine's own is used. Source:
Docker Engine API, https://docs.docker.com/reference/api/engine/.
"""

from __future__ import annotations

import json
import socket
import urllib.parse
from typing import Any

SOCKET = "/run/docker.sock"
TIMEOUT_S = 10.0
PROJECT = "mediaserver"
PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
ONE_OFF_LABEL = "com.docker.compose.oneoff"
# Statuses that come without content: 204 is done, 304 was so already.
EMPTY = (204, 304)
NOT_FOUND = 404


class DockerError(Exception):
    """Docker does not answer, or refuses; the text says which."""


class NotThereError(DockerError):
    """Docker knows no such container (any more)."""


def request(method: str, path: str, *, address: str | None = None, timeout: float = TIMEOUT_S, **query: Any) -> Any:
    """Return the decoded answer, None for one without content; ``timeout`` in seconds. Raises DockerError."""
    with _open(method, path, query, address) as line:
        line.settimeout(timeout)
        answer = b"".join(iter(lambda: _receive(line), b""))
    head, _unused, body = answer.partition(b"\r\n\r\n")
    status = _status(head)
    if status >= 400:
        kind = NotThereError if status == NOT_FOUND else DockerError
        raise kind(f"Docker answers {method} {path} with {status}: {body.decode(errors='replace').strip()}")
    if status in EMPTY:
        return None
    try:
        return json.loads(body)
    except ValueError as error:
        raise DockerError(f"Docker's answer to {method} {path} is cut off") from error


def containers() -> list[dict[str, Any]]:
    """Return the rows of this project's services, found by compose's labels: a name may be another container's.

    What "docker compose run" makes bears a service's label and is no service. Raises DockerError.
    """
    label = {"label": [f"{PROJECT_LABEL}={PROJECT}"]}
    rows = request("GET", "/containers/json", all="1", filters=label) or []
    return [row for row in rows if row["Labels"].get(ONE_OFF_LABEL, "").lower() != "true"]


def container(service: str) -> dict[str, Any]:
    """Return the row of a service's container. Raises NotThereError when it has none, DockerError."""
    found = [row for row in containers() if row["Labels"].get(SERVICE_LABEL) == service]
    if not found:
        raise NotThereError(f"service {service} of project {PROJECT} has no container")
    # Two while compose replaces one by the other.
    return next((row for row in found if row["State"] == "running"), found[0])


class Events:
    """The stream of container events of one compose project; to be waited for with select(2)."""

    # Health checks run by exec and would wake us all the time; a change of health is an event of its own.
    KINDS = ("create", "start", "die", "destroy", "pause", "unpause", "health_status")

    def __init__(self, project: str, *, address: str | None = None) -> None:
        wanted = {"type": ["container"], "event": self.KINDS, "label": [f"{PROJECT_LABEL}={project}"]}
        self._line = _open("GET", "/events", {"filters": wanted}, address)

    def fileno(self) -> int:
        return self._line.fileno()

    def drain(self) -> bool:
        """Take what has come; say whether the stream goes on."""
        try:
            return bool(_receive(self._line))
        except DockerError:
            return False

    def close(self) -> None:
        self._line.close()


def _open(method: str, path: str, query: dict[str, Any], address: str | None) -> socket.socket:
    address = address or SOCKET
    text = urllib.parse.urlencode({k: v if isinstance(v, str) else json.dumps(v) for k, v in query.items()})
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(TIMEOUT_S)
    try:
        line.connect(address)
        line.sendall(f"{method} {path}{'?' if text else ''}{text} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
    except OSError as error:
        line.close()
        raise DockerError(f"Docker does not answer at {address}: {error}") from error
    return line


def _receive(line: socket.socket) -> bytes:
    try:
        return line.recv(65536)
    except OSError as error:
        raise DockerError(f"Docker stopped answering: {error}") from error


def _status(head: bytes) -> int:
    try:
        return int(head.split(maxsplit=2)[1])
    except (IndexError, ValueError) as error:
        raise DockerError("Docker closed the connection without an answer") from error
