# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out each step of a decision: requests to Docker, to systemd and to the gateway."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mediaserver import journal
from mediaserver._core import files
from mediaserver._core.docker import DockerClient
from mediaserver._core.errors import DockerError, GatewayError
from mediaserver._core.names import DOCKER_UNIT, GATEWAY_LOCK, HOLDER, PROJECT, TUNNEL
from mediaserver.docker import compose
from mediaserver.monitor import host_settings
from mediaserver.monitor.problems import Code
from mediaserver.monitor.steps import Act, Step
from mediaserver.tunnel.configuration import Settings, State, failed_over, resolved_again
from mediaserver.tunnel.gateway import Gateway, Host, look_up, look_up_nothing

STEP_TIMEOUT_S = 180
LOG_LINES = 3
# Steps that are one request to Docker for each target.
CONTAINER_VERBS: dict[Act, tuple[str, dict[str, str]]] = {
    Act.START: ("start", {}),
    Act.UNPAUSE: ("unpause", {}),
    # Without a network, Transmission would wait a minute for its trackers; it saves its state before that.
    Act.RESTART: ("restart", {"t": "10"}),
    Act.RESTART_TUNNEL: ("restart", {"t": "2"}),
}


def run(*command: str) -> None:
    """Run a repair. Raises GatewayError with the last lines that it printed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=STEP_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise GatewayError(f"{' '.join(command)} has not ended after {STEP_TIMEOUT_S} s") from error
    if done.returncode != 0:
        said = " ".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-LOG_LINES:])
        raise GatewayError(f"{' '.join(command)} failed: {said}")


@dataclass(frozen=True)
class Repairs:
    """Carries out the steps."""

    root: Path

    def do(self, step: Step) -> None:
        """Raises MediaserverError, OSError; the step is tried again later then."""
        if step.code is Code.CONTAINER_UNHEALTHY:
            self._restart_unhealthy(*step.targets)
            return
        if step.act in CONTAINER_VERBS:
            docker, (path, query) = DockerClient(), CONTAINER_VERBS[step.act]
            for service in step.targets or (TUNNEL,):
                found = docker.required(PROJECT, service)["Id"]
                docker.request("POST", f"/containers/{found}/{path}", timeout=STEP_TIMEOUT_S, **query)
            return
        {
            Act.LOAD_BARRIER: lambda: Host().reload_barrier(),
            Act.FORWARD: host_settings.switch_on_forwarding,
            Act.RESTART_DOCKER: lambda: run("systemctl", "restart", DOCKER_UNIT),
            # Running containers are left alone, the holder above all. Ansible recreates containers and removes orphans:
            # only it has checked that no other project has this name.
            Act.BRING_UP: lambda: self._compose("--no-recreate"),
            Act.RECREATE: lambda: self._compose("--force-recreate", "--no-deps", *step.targets),
            Act.RELOAD_HOLDER: self._reload_holder,
            Act.RESOLVE: self._resolve,
            Act.FAIL_OVER: lambda: self._change(failed_over),
        }[step.act]()

    @staticmethod
    def _restart_unhealthy(service: str) -> None:
        """Restart a service that may not react, with its own time to stop, while vpn-monitor continues."""
        found = DockerClient().required(PROJECT, service)["Id"]

        def restart() -> None:
            try:
                DockerClient().request("POST", f"/containers/{found}/restart", timeout=STEP_TIMEOUT_S)
            except DockerError as error:
                journal.warning(f"{service} could not be restarted: {error}")

        threading.Thread(target=restart, name=f"restart {service}", daemon=True).start()

    @staticmethod
    def _reload_holder() -> None:
        Host().signal(HOLDER)
        # A program that changed the namespace's routes has mostly removed the tunnel's as well.
        Host().signal(TUNNEL)

    def _resolve(self) -> None:
        # Why an endpoint is not used: its name has no address now, or one in the LAN.
        for note in self._change(lambda settings, state: resolved_again(settings, state, look_up)):
            journal.warning(note)
        # In any case: its routes may be the fault.
        Host().signal(TUNNEL)

    def _compose(self, *arguments: str) -> None:
        chosen: tuple[str, ...] = ("--project-directory", str(self.root))
        if compose.override(self.root):
            chosen = compose.read(self.root).arguments
        run("docker", "compose", *chosen, "up", "--detach", "--pull", "never", "--no-build", *arguments)

    def apply(self) -> None:
        """Bring files, barrier and containers in line with what is known."""
        with files.locked(GATEWAY_LOCK):
            Gateway(self.root, resolve=look_up_nothing).apply(Host())

    def _change(self, change: Callable[[Settings, State], State]) -> list[str]:
        """Return notes on endpoints that are not used."""
        with files.locked(GATEWAY_LOCK):
            gateway = Gateway(self.root, resolve=look_up, change=change)
            gateway.apply(Host())
        return gateway.notes()
