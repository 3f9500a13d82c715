# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives the provider's forwarded port to a household's own service: a file in its configuration, and a command.

The file holds the number and a line break. The command is run in the service's container when the number is another
one, and after each start of the container, once its health check has passed. While no port is forwarded, the file stays
as it is: the inner barrier has closed the port.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from mediaserver import journal
from mediaserver._core import files
from mediaserver._core.docker import DockerClient
from mediaserver._core.errors import DockerError, reason
from mediaserver._core.names import PROJECT
from mediaserver.monitor.observe import STARTING
from mediaserver.services import Service

FILE_MODE = 0o644
# Seconds until a command that failed is run again, and until one that still runs is reported.
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

    def refresh(self, service: Service | None, port: int, now: float) -> None:
        """Give ``port`` (0: none is forwarded) to a service.

        Logs what is new; a failure is logged once and tried again later.
        """
        if service is None or not port:
            return
        try:
            self._refresh(service, port, now)
        except (DockerError, OSError) as error:
            self._command, self._until = "", now + RETRY_S
            self._fail(service, port, reason(error))

    def _refresh(self, service: Service, port: int, now: float) -> None:
        if self._command:
            self._finish(service, port, now)
            return
        if now < self._until:
            return
        row = self.docker.service(PROJECT, service.name)
        details = self.docker.details(row["Id"]) if row else None
        running = bool(row and details and row["State"] == "running")
        wanted = (service, port, details["State"]["StartedAt"] if running and details else "")
        if self._done == wanted:
            return
        if self._written != wanted:
            folder, _slash, file = service.port_file.removeprefix("config/").partition("/")
            files.write_below(self.root / "config" / folder, file, f"{port}\n", mode=FILE_MODE)
            self._written = wanted
        if row is None or not running or STARTING in row["Status"]:
            return
        if not service.port_command:
            self._succeed(wanted)
            return
        self._command, self._until = self.docker.start_command(row["Id"], service.port_command), now + LONGEST_S

    def _finish(self, service: Service, port: int, now: float) -> None:
        """Look after the command that runs."""
        code = self.docker.exit_code(self._command)
        if code is None:
            if now >= self._until:
                self._fail(service, port, f"{' '.join(service.port_command)} has not ended after {LONGEST_S:g} s")
                # Docker does not end it, so a second one is started beside it for another port only.
                if self._written and self._written[:2] != (service, port):
                    self._command = ""
            return
        self._command = ""
        if code == 0 and self._written and self._written[:2] == (service, port):
            self._until = 0.0
            self._succeed(self._written)
            return
        self._until = now + RETRY_S
        if code == 0:
            return  # another port has come meanwhile
        self._fail(service, port, f"{' '.join(service.port_command)} ended with exit code {code}")

    def _succeed(self, delivered: Delivery) -> None:
        self._done, self._complaint = delivered, ""
        journal.info(f"{delivered[0].title} has got the forwarded port {delivered[1]}")

    def _fail(self, service: Service, port: int, why: str) -> None:
        complaint = f"{service.title} does not get the forwarded port {port}: {why}"
        if complaint != self._complaint:
            journal.warning(complaint)
        self._complaint = complaint
