# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What keeps a daemon running: a container, a unit, or nothing that the options name. These stop and start it."""

from __future__ import annotations

import json
import typing as t

from .docker import DockerClient
from .errors import DockerError, DockerNotRunning, ServiceProblem

# Returns status, standard output and standard error; a program that is not there is None.
Run = t.Callable[[list[str]], "tuple[int, str, str] | None"]

RUNNING = "running"
RESTARTING = "restarting"
STOPPED = "stopped"
UNKNOWN = "unknown"


class Supervisor(t.Protocol):
    """The state of the daemon, and a stop and a start where these are allowed."""

    can_stop: bool

    def state(self) -> str: ...

    def setup(self) -> dict[str, t.Any]:
        """Return the configuration that a container was created with, after state(); empty where it is unknown."""

    def stop(self) -> None: ...

    def start(self) -> None: ...


class Unmanaged:
    """No container and no unit was named: only the daemon itself can tell whether it runs."""

    can_stop = False

    def state(self) -> str:
        return UNKNOWN

    def setup(self) -> dict[str, t.Any]:
        return {}

    def stop(self) -> None:
        raise ServiceProblem("no container and no unit was named that may be stopped")

    def start(self) -> None:
        raise ServiceProblem("no container and no unit was named that may be started")


class Container:
    """A Docker container. Where Docker is not installed or not running, no container runs."""

    can_stop = True
    STATES: t.ClassVar[dict[str, str]] = {
        "running": RUNNING,
        "paused": RUNNING,
        "removing": RUNNING,
        "restarting": RESTARTING,
    }
    NOT_THERE = ("no such", "cannot connect to the docker daemon", "is the docker daemon running")
    FORMAT = '{"State":{{json .State}},"Config":{{json .Config}}}'

    def __init__(self, run: Run, name: str, *, stop_timeout: int) -> None:
        self.run = run
        self.name = name
        self.stop_timeout = stop_timeout
        self.config: dict[str, t.Any] = {}

    def state(self) -> str:
        result = self.run(["docker", "container", "inspect", "--format", self.FORMAT, self.name])
        if result is None:
            return STOPPED
        status, out, err = result
        if status != 0 and any(text in err.lower() for text in self.NOT_THERE):
            return STOPPED
        try:
            found = json.loads(out)
            self.config = found["Config"] or {}
            return self.STATES.get(found["State"]["Status"], STOPPED)
        except (ValueError, KeyError, TypeError) as error:
            raise ServiceProblem(
                f"container {self.name}: docker does not tell its state: {err.strip() or 'no JSON'}"
            ) from error

    def setup(self) -> dict[str, t.Any]:
        return self.config

    def stop(self) -> None:
        _do(self.run, ["docker", "stop", "-t", str(self.stop_timeout), self.name])

    def start(self) -> None:
        _do(self.run, ["docker", "start", self.name])


class ComposeService(Container):
    """The container of a service of a compose project, whatever its name is."""

    def __init__(self, run: Run, docker: DockerClient, project: str, service: str, *, stop_timeout: int) -> None:
        super().__init__(run, f"of service {service} in project {project}", stop_timeout=stop_timeout)
        self.docker = docker
        self.project, self.service = project, service

    def state(self) -> str:
        try:
            row = self.docker.service(self.project, self.service)
            found = self.docker.details(row["Id"]) if row else None
            if found is None:
                return STOPPED
            self.name, self.config = str(found["Id"]), found["Config"] or {}
            return self.STATES.get(found["State"]["Status"], STOPPED)
        except DockerNotRunning:
            return STOPPED
        except (DockerError, KeyError, TypeError) as error:
            raise ServiceProblem(f"container {self.name}: docker does not tell its state: {error}") from error


class Unit:
    """A systemd unit. How long its stop may take is its own setting."""

    can_stop = True
    AT_REST = ("inactive", "failed")

    def __init__(self, run: Run, name: str) -> None:
        self.run = run
        self.name = name

    def state(self) -> str:
        result = self.run(["systemctl", "show", "--property=ActiveState,SubState", self.name])
        if result is None:
            return STOPPED
        status, out, err = result
        found = dict(line.split("=", 1) for line in out.splitlines() if "=" in line)
        if status != 0 or "ActiveState" not in found:
            raise ServiceProblem(f"unit {self.name}: systemctl does not tell its state: {err or out}")
        if found.get("SubState") == "auto-restart":
            return RESTARTING
        return STOPPED if found["ActiveState"] in self.AT_REST else RUNNING

    def setup(self) -> dict[str, t.Any]:
        return {}

    def stop(self) -> None:
        _do(self.run, ["systemctl", "stop", self.name])

    def start(self) -> None:
        _do(self.run, ["systemctl", "start", self.name])


def _do(run: Run, command: list[str]) -> None:
    result = run(command)
    if result is None:
        raise ServiceProblem(f"{command[0]} is not installed")
    if result[0] != 0:
        raise ServiceProblem(f"{' '.join(command)} failed: {result[2].strip() or result[1].strip()}")
