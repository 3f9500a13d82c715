# SPDX-License-Identifier: GPL-3.0-or-later
"""Stops and starts a service's container, and proves that the service works: what it answers, not only its health."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mediaserver._core import clock as boot_clock
from mediaserver._core import secret_file
from mediaserver._core.clock import Clock
from mediaserver._core.docker import DockerClient
from mediaserver._core.errors import AccessDenied, DockerError, MediaserverError, ServiceProblem
from mediaserver._core.names import JELLYFIN, PROJECT, TRANSMISSION
from mediaserver._core.transport import Http
from mediaserver._jellyfin.client import JellyfinClient, expect_list, expect_object
from mediaserver._jellyfin.key_file import key_in
from mediaserver._transmission.access import Access
from mediaserver.health.settings import Settings as HealthSettings
from mediaserver.importer.jellyfin import OwnHttp
from mediaserver.importer.transmission import Torrents
from mediaserver.monitor import hold
from mediaserver.restore.service import Expected

OWNER = "mediaserver restore"
# The services' own stop_grace_period is at most a minute.
STOP_S = 120
# Jellyfin reads its database, and may migrate it.
PROOF_S = 600.0
HOLD_S = 1800.0
PAUSE_S = 2.0
# A container without a health check counts as working after it has run so long.
STEADY_S = 15.0
CLIENT, DEVICE_ID = "household.mediaserver restore", "household-mediaserver-restore"
# Tables of Jellyfin's database, and what its API lists of them.
USERS = "Users"


@dataclass
class Containers:
    """The services of the project on this host. The transports are for tests."""

    root: Path
    docker: Callable[[], DockerClient] = DockerClient
    clock: Clock = time
    hold_file: Path = hold.HOLD
    jellyfin_http: Http | None = None
    transmission_http: Http | None = None

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        hold.take(OWNER, HOLD_S, boot_clock.now(), self.hold_file)
        try:
            yield
        finally:
            hold.release(self.hold_file)

    def require(self, service: str) -> None:
        if self.docker().service(PROJECT, service) is None:
            raise ServiceProblem(
                f"{service} has no container, so nothing could show that it works. Start the stack: systemctl start"
                " mediaserver. Nothing was changed"
            )

    def stop(self, service: str) -> None:
        self._request(service, "stop")

    def start(self, service: str) -> None:
        self._request(service, "start")

    def _request(self, service: str, verb: str) -> None:
        docker = self.docker()
        found = docker.required(PROJECT, service)["Id"]
        docker.request("POST", f"/containers/{found}/{verb}", timeout=STOP_S)

    def prove(self, service: str, expected: Expected) -> list[str]:
        """Return what was seen. Raises MediaserverError."""
        deadline = self.clock.monotonic() + PROOF_S
        seen = [self._wait_for_container(service, deadline)]
        if service == JELLYFIN:
            seen += self._jellyfin(expected, deadline)
        if service == TRANSMISSION:
            seen += self._transmission(expected, deadline)
        return seen

    def _wait_for_container(self, service: str, deadline: float) -> str:
        begun = self.clock.monotonic()
        while True:
            state = self._state(service)
            health = str((state.get("Health") or {}).get("Status") or "")
            if state.get("Running") and health == "healthy":
                return "its container is healthy"
            steady = self.clock.monotonic() - begun >= STEADY_S
            if state.get("Running") and not state.get("Restarting") and not health and steady:
                return f"its container runs since {STEADY_S:g} s"
            if self.clock.monotonic() >= deadline:
                raise ServiceProblem(f"its container is {health or state.get('Status') or 'gone'} after {PROOF_S:g} s")
            self.clock.sleep(PAUSE_S)

    def _state(self, service: str) -> dict[str, Any]:
        docker = self.docker()
        try:
            details = docker.details(docker.required(PROJECT, service)["Id"])
        except DockerError:
            return {}
        found = (details or {}).get("State")
        return found if isinstance(found, dict) else {}

    def _jellyfin(self, expected: Expected, deadline: float) -> list[str]:
        """Healthy is not working: libraries, items and users must be readable (a database of another version)."""
        settings = HealthSettings.read(self.root).jellyfin
        if settings is None:
            raise ServiceProblem(f"{self.root / 'health.json'} does not name Jellyfin; run the playbook again")
        key = key_in(secret_file.read(str(self.root / "secrets" / "jellyfin.key")))
        client = JellyfinClient(
            self.jellyfin_http or OwnHttp(settings.url),
            settings.url,
            client=CLIENT,
            device_id=DEVICE_ID,
            clock=self.clock,
            token=key,
        )
        client.wait_until_healthy(max(deadline - self.clock.monotonic(), 1.0))
        libraries = expect_list(client.get("/Library/VirtualFolders"), "GET /Library/VirtualFolders")
        counts = expect_object(client.get("/Items/Counts"), "GET /Items/Counts")
        users = expect_list(client.get("/Users"), "GET /Users")
        wanted = expected.tables.get(USERS)
        if not libraries:
            raise ServiceProblem("it lists no library")
        if wanted is not None and len(users) != wanted:
            raise ServiceProblem(f"it lists {len(users)} users, and the snapshot has {wanted}")
        films, episodes = counts.get("MovieCount", 0), counts.get("EpisodeCount", 0)
        return [f"it lists {len(libraries)} libraries, {len(users)} users, {films} films and {episodes} episodes"]

    def _transmission(self, expected: Expected, deadline: float) -> list[str]:
        """It answers before it has loaded its torrents."""
        access = Access.read(str(self.root / "gateway" / "transmission.json"))
        torrents = Torrents.connect(access, self.transmission_http)
        number = -1
        while True:
            try:
                number = len(torrents.known())
            except AccessDenied:
                raise
            except MediaserverError:
                if self.clock.monotonic() >= deadline:
                    raise
            if number >= expected.torrents:
                return [f"it has {number} torrents"]
            if self.clock.monotonic() >= deadline:
                raise ServiceProblem(f"it has {number} torrents, and the snapshot has {expected.torrents}")
            self.clock.sleep(PAUSE_S)
