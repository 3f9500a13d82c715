# SPDX-License-Identifier: GPL-3.0-or-later
"""The application: routes, authorization, and the parts of the server."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jellyfin_double import configuration, items, keys, libraries, login, marks, playback, system, users, wizard
from jellyfin_double.answers import Answer, Refused, failed, nothing
from jellyfin_double.authentication import Credentials, credentials
from jellyfin_double.clock import Clock
from jellyfin_double.media import Media
from jellyfin_double.network import lets_in
from jellyfin_double.request import Request
from jellyfin_double.router import Access, Route, Router
from jellyfin_double.settings import Log, Settings
from jellyfin_double.store import Store
from jellyfin_double.virtual_folders import VirtualFolders

# Values that differ between the versions.
RELEASES = {"10.11": "10.11.11", "12.0": "12.0.0"}
ROUTES = (
    *wizard.ROUTES,
    *login.ROUTES,
    *keys.ROUTES,
    *users.ROUTES,
    *configuration.ROUTES,
    *system.ROUTES,
    *libraries.ROUTES,
    *items.ROUTES,
    *marks.ROUTES,
    *playback.ROUTES,
)


@dataclass(frozen=True)
class Folders:
    """The server's folders; in the container config=/config/config and data=/config."""

    config: Path
    data: Path
    log: Path
    cache: Path = Path("/cache")
    web: Path = Path("/jellyfin/jellyfin-web")


@dataclass(frozen=True)
class Caller:
    """The sender of a request: a user's session, an API key, or neither."""

    user: dict[str, Any] | None = None
    device: dict[str, Any] | None = None
    key: bool = False

    @property
    def administrator(self) -> bool:
        return self.key or (self.user is not None and bool(self.user["policy"]["IsAdministrator"]))


@dataclass(frozen=True)
class Call:
    """A request with the values of its route."""

    app: Application
    request: Request
    values: dict[str, str]
    caller: Caller
    credentials: Credentials


class Application:
    """The application between a start and a stop of the server."""

    def __init__(
        self,
        *,
        version: str,
        folders: Folders,
        store: Store,
        clock: Clock,
        account: str,
        hostname: str,
        log: Log,
        restart: Callable[[bool], None],
        scan_item_s: float = 0.0,
    ) -> None:
        self.version = version
        self.release = RELEASES[version]
        self.folders = folders
        self.store = store
        self.clock = clock
        self.account = account
        self.hostname = hostname
        self.log = log
        self.restart = restart
        self.settings = Settings(folders.config, version, log)
        self.started = clock.stamp()
        self.metrics = bool(self.settings.system["EnableMetrics"])
        self.virtual_folders = VirtualFolders(folders.data, store, clock)
        self.media = Media(self.virtual_folders, store, clock, self.settings, scan_item_s=scan_item_s)
        # Devices that have sent something, and what each plays. In memory only, as on the server: after a restart the
        # sessions are gone until a device sends its next report.
        self.active: set[str] = set()
        self.playing: dict[str, dict[str, Any]] = {}
        # What was answered about a file that has to be converted, by PlaySessionId.
        self.conversions: dict[str, dict[str, Any]] = {}
        self.lock = threading.RLock()
        self._router = Router(ROUTES)

    @property
    def state(self) -> dict[str, Any]:
        return self.store.state

    @property
    def downgraded(self) -> bool:
        """Return whether this is 10.11 with data that 12.0 has migrated: healthy, but it cannot list a library."""
        return self.version == "10.11" and self.state["schema"] == "12.0"

    def answer(self, request: Request) -> Answer:
        with self.lock:
            self.media.tick()
            try:
                return self._route(request)
            except Refused as refused:
                return refused.answer

    def tick(self) -> None:
        """Check the file monitor, and run the work that is due."""
        with self.lock:
            self.media.tick()

    def _route(self, request: Request) -> Answer:
        if not lets_in(request.remote, self.settings.named["network"]):
            return nothing(503)
        found = self._router.find(request.method, request.path)
        if isinstance(found, list):
            return Answer(405, headers=(("Allow", ", ".join(found)),)) if found else nothing(404)
        sender = credentials(request, legacy=self.settings.legacy_authorization)
        caller = self.caller(sender.token)
        refusal = self._refusal(found.route, caller)
        if refusal:
            return nothing(refusal)
        if caller.device:
            self.active.add(caller.device["device_id"])
        return found.route.handler(Call(self, request, found.values, caller, sender))

    def needs_token(self, request: Request) -> bool:
        """Return whether a request needs a token; used while the server is loading."""
        found = self._router.find(request.method, request.path)
        if isinstance(found, list):
            return False
        sender = credentials(request, legacy=self.settings.legacy_authorization)
        return self._refusal(found.route, self.caller(sender.token)) == 401

    def _refusal(self, route: Route, caller: Caller) -> int:
        """Return the status of the refusal, 0 when the request is allowed."""
        if route.access is Access.PUBLIC or (route.access is Access.SETUP and not self.settings.wizard_completed):
            return 0
        if not caller.key and caller.user is None:
            return 401
        if route.access is not Access.TOKEN and not caller.administrator:
            return 403
        return 0

    def caller(self, token: str) -> Caller:
        if not token:
            return Caller()
        if any(key["token"] == token for key in self.state["keys"]):
            return Caller(key=True)
        device = next((device for device in self.state["devices"] if device["token"] == token), None)
        if device is None:
            return Caller()
        user = self.user(device["user"])
        return Caller(user=user, device=device) if user and not user["policy"]["IsDisabled"] else Caller()

    def user(self, identifier: str) -> dict[str, Any] | None:
        """Return a user by id, with or without dashes."""
        wanted = identifier.replace("-", "").lower()
        return next((user for user in self.state["users"] if user["id"] == wanted), None)

    def broken_by_downgrade(self) -> None:
        if self.downgraded:
            raise Refused(failed(500))
