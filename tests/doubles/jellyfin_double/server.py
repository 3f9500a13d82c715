# SPDX-License-Identifier: GPL-3.0-or-later
"""The server: phases of a start, listening socket, application, restarts."""

from __future__ import annotations

import os
import pwd
import socket
import threading
import uuid
from pathlib import Path

from jellyfin_double import startup, unsynced
from jellyfin_double.answers import Answer
from jellyfin_double.application import RELEASES, Application, Folders
from jellyfin_double.clock import Clock
from jellyfin_double.listener import Listener, free_port
from jellyfin_double.request import Request
from jellyfin_double.settings import Log
from jellyfin_double.startup import Phase, Timing
from jellyfin_double.store import Broken, Store


class Server:
    """Simulated Jellyfin. `sync` runs the work that is due by the clock; with real time a thread calls it."""

    def __init__(
        self,
        config: Path,
        *,
        version: str = "12.0",
        host: str = "127.0.0.1",
        port: int = 0,
        data: Path | None = None,
        cache: Path = Path("/cache"),
        timing: Timing | None = None,
        clock: Clock | None = None,
        account: str | None = None,
        hostname: str | None = None,
        scan_item_s: float = 0.0,
        log: Log | None = None,
    ) -> None:
        """`data` is the program data folder; by default `config`, as in the container."""
        if version not in RELEASES:
            raise ValueError(f"version {version!r} is none of {', '.join(RELEASES)}")
        data = data or config
        self.version = version
        self.host = host
        self.port = port or free_port(host)
        self.clock = clock or Clock()
        self.timing = timing or Timing()
        self.phase = Phase.DOWN
        self.stopped = threading.Event()
        self._folders = Folders(config=config / "config", data=data, log=config / "log", cache=cache)
        self._account = account or _account()
        self._hostname = hostname or socket.gethostname()
        self._scan_item_s = scan_item_s
        self._log: Log = log or (lambda line: None)
        self._store = Store(data / "data" / "jellyfin.db")
        self._application: Application | None = None
        self._listener: Listener | None = None
        self._begun = 0.0
        self._temporary_done: float | None = None
        self._migrating = False
        self._wish: bool | None = None  # a restart (True) or a stop (False) that a client has requested
        self._lock = threading.RLock()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def application(self) -> Application:
        assert self._application is not None, "the double has not come up yet"
        return self._application

    def start(self, *, ticking: bool = False) -> Server:
        """Start the server; `ticking` starts the thread for real time."""
        for folder in (self._folders.config, self._folders.log, self._folders.data / "metadata"):
            folder.mkdir(parents=True, exist_ok=True)
        self.stopped.clear()
        self._log(f"Jellyfin {RELEASES[self.version]} (SIMULATED: a test double, not the media server)")
        self._begin()
        self.sync()
        if ticking:
            threading.Thread(target=self._follow, daemon=True).start()
        return self

    def stop(self) -> None:
        with self._lock:
            self._enter(Phase.DOWN)
            self._application = None
            self.stopped.set()

    def power_cut(self) -> list[Path]:
        """Stop at once and truncate files that were written since the last sync; return them."""
        self.stop()
        return unsynced.power_cut(self._folders.data)

    def synced(self) -> None:
        """Record a sync of the configuration's filesystem."""
        unsynced.synced(self._folders.data)

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _begin(self) -> None:
        self._begun = self.clock.monotonic()
        self._temporary_done = None
        self._migrating = False
        self._application = None
        self._wish = None

    def _follow(self) -> None:
        while not self.stopped.wait(0.05):
            self.sync()

    def sync(self) -> None:
        """Enter the phase that is due, and run its work."""
        with self._lock:
            if self.stopped.is_set():
                return
            if self._wish is not None:
                again = self._wish
                self._enter(Phase.DOWN)
                if not again:
                    self.stop()
                    return
                self._begin()
            self._enter(self._due())
            if self._application is not None and self.phase is Phase.HEALTHY:
                self._application.tick()

    def _due(self) -> Phase:
        elapsed = self.clock.monotonic() - self._begun
        if self.phase is Phase.FAILED:
            return Phase.FAILED
        if elapsed < self.timing.down_s:
            return Phase.DOWN
        if self._temporary_done is None:
            phase = self._prepare(elapsed - self.timing.down_s)
            if phase is not None:
                return phase
            self._temporary_done = self.clock.monotonic()
        phase = self.timing.later(self.clock.monotonic() - self._temporary_done)
        if phase in (Phase.LOADING, Phase.HEALTHY) and self._application is None:
            self._application = self._come_up()
        return phase

    def _prepare(self, elapsed: float) -> Phase | None:
        """Run the phase of the temporary server: open and migrate the database. Returns None at its end."""
        if not self._store.state:
            try:
                self._store.load(self.version)
            except Broken as error:
                self._log(str(error))
                return Phase.FAILED
        if not self._migrating and self._store.locked():
            # A held or abandoned lock: the server waits for it without limit and without a message.
            return Phase.TEMPORARY
        length = self.timing.degraded_s
        if self.version == "12.0" and self._store.state["schema"] == "10.11":
            if not self._migrating:
                self._migrating = True
                self._store.copy_before_migration(self.clock.stamp())
                self._store.lock(self.clock.stamp())
            length += self.timing.migration_s
        if elapsed < length:
            return Phase.TEMPORARY
        if self._migrating:
            self._store.state["schema"] = self.version
            self._store.state["legacy_off"] = True
            self._store.save()
            self._store.unlock()
            self._migrating = False
        return None

    def _come_up(self) -> Application:
        application = Application(
            version=self.version,
            folders=self._folders,
            store=self._store,
            clock=self.clock,
            account=self._account,
            hostname=self._hostname,
            log=self._log,
            restart=self._ask,
            scan_item_s=self._scan_item_s,
        )
        self._identify()
        if self._store.state.pop("legacy_off", False):
            settings = application.settings
            settings.save_system({**settings.system, "EnableLegacyAuthorization": False})
            self._store.save()
        return application

    def _identify(self) -> None:
        """Read the server's id from data/device.txt. A new id, without that file, invalidates all tokens."""
        path, state = self._folders.data / "data" / "device.txt", self._store.state
        known = path.read_text(encoding="utf-8").strip() if path.exists() else ""
        if known == state["server_id"]:
            return
        if state.pop("identified", False):
            state["server_id"], state["devices"] = known or uuid.uuid4().hex, []
        state["identified"] = True
        unsynced.write(path, state["server_id"])
        self._store.save()

    def _ask(self, again: bool) -> None:
        self._wish = again

    def _enter(self, phase: Phase) -> None:
        if phase is self.phase:
            return
        # Two servers: a connection to the temporary server does not continue on the real one.
        kept = {Phase.LOADING, Phase.HEALTHY} >= {phase, self.phase}
        if self._listener is not None and not kept:
            self._listener.close()
            self._listener = None
        self.phase = phase
        if phase is Phase.DOWN:
            self._store.state = {}
        if phase.listens and self._listener is None:
            self._listener = Listener(self.host, self.port, self._respond)
        self._log(f"simulated start-up: {phase.name.lower()}")

    def _respond(self, request: Request) -> Answer:
        phase, application = self.phase, self._application
        if phase in (Phase.TEMPORARY, Phase.FAILED) or application is None:
            return startup.temporary(
                request,
                server=self._store.state.get("server_id", ""),
                name=self._hostname,
                release=RELEASES[self.version],
                failed=phase is Phase.FAILED,
            )
        if phase is Phase.LOADING:
            early = startup.loading(request, needs_token=application.needs_token(request))
            if early is not None:
                return early
        return application.answer(request)


def _account() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # the image has no name for this uid; the server's value, from memory
        return "MyJellyfinUser"
