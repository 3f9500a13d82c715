# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives the provider's forwarded port to a household's own service: a file in its configuration, and a command.

The file holds the number and a line break. The command is run in the service's container when the number is another
one, and after each start of the container, once its health check has passed. While no port is forwarded, the file stays
as it is: the inner barrier has closed the port.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from mediaserver._core import files
from mediaserver._core.docker import DockerClient
from mediaserver._core.errors import DockerError
from mediaserver._core.names import PROJECT
from mediaserver.monitor.observe import STARTING
from mediaserver.services import Service

FILE_MODE = 0o644
# Seconds until a command that failed is run again, and until one that still runs counts as failed.
RETRY_S, LONGEST_S = 20.0, 60.0
# Service, port, and start of the container: when one of them changes, the service gets the port again.
Delivery = tuple[Service, int, str]


@dataclass
class PortDelivery:
    """Remembers what a service has got; after a start of this program, it gets the port once more."""

    root: Path
    docker: DockerClient = field(default_factory=DockerClient)
    _done: Delivery | None = None
    _written: Delivery | None = None
    _command: str = ""  # id of a command that runs
    _until: float = 0.0  # of that command, or of the pause after one that failed
    _complaint: str = ""

    def refresh(self, service: Service | None, port: int, now: float) -> str | None:
        """Give ``port`` (0: none is forwarded) to a service; return a line for the journal, or None.

        A failure is reported once, and tried again later.
        """
        if service is None or not port:
            return None
        try:
            return self._refresh(service, port, now)
        except (DockerError, OSError) as error:
            self._command, self._until = "", now + RETRY_S
            return self._failure(service, port, str(error))

    @property
    def failing(self) -> bool:
        """The last attempt has failed."""
        return bool(self._complaint)

    def _refresh(self, service: Service, port: int, now: float) -> str | None:
        if self._command:
            return self._finish(service, port, now)
        if now < self._until:
            return None
        row = self.docker.service(PROJECT, service.name)
        details = self.docker.details(row["Id"]) if row else None
        running = bool(row and details and row["State"] == "running")
        wanted = (service, port, details["State"]["StartedAt"] if running and details else "")
        if self._done == wanted:
            return None
        if self._written != wanted:
            folder, _slash, file = service.port_file.removeprefix("config/").partition("/")
            files.write_below(self.root / "config" / folder, file, f"{port}\n", mode=FILE_MODE)
            self._written = wanted
        if row is None or not running or STARTING in row["Status"]:
            return None
        if not service.port_command:
            return self._success(service, wanted)
        self._command, self._until = self.docker.start_command(row["Id"], service.port_command), now + LONGEST_S
        return None

    def _finish(self, service: Service, port: int, now: float) -> str | None:
        """Look after the command that runs."""
        code = self.docker.exit_code(self._command)
        if code is None and now < self._until:
            return None
        self._command = ""
        if code == 0 and self._written and self._written[:2] == (service, port):
            self._until = 0.0
            return self._success(service, self._written)
        self._until = now + RETRY_S
        if code == 0:
            return None  # another port has come meanwhile
        ended = f"has not ended after {LONGEST_S:g} s" if code is None else f"ended with exit code {code}"
        return self._failure(service, port, f"{' '.join(service.port_command)} {ended}")

    def _success(self, service: Service, delivered: Delivery) -> str | None:
        self._done, self._complaint = delivered, ""
        return f"{service.title} has got the forwarded port {delivered[1]}"

    def _failure(self, service: Service, port: int, why: str) -> str | None:
        complaint = f"{service.title} does not get the forwarded port {port}: {why}"
        said, self._complaint = self._complaint == complaint, complaint
        return None if said else complaint
