# SPDX-License-Identifier: GPL-3.0-or-later
"""The server: files written at a start, the socket, restarts of the web host, the end."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from jackett_double import server_config
from jackett_double.answers import Answer
from jackett_double.application import Application
from jackett_double.config_file import Config, ConfigFile
from jackett_double.listener import Listener
from jackett_double.protection import Protection
from jackett_double.request import Request

ABORTED = 134
PORT_TAKEN = (
    "Error Address already in use: Most likely Jackett is already running. "
    "Failed to bind to address http://{}:{}: address already in use."
)


class Ended(Exception):
    """The program has ended by itself."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code


class Server:
    """Simulated Jackett on `folder`, its data folder (/config/Jackett in the container).

    `port`: None uses the port of the file, like the server. For tests, 0 replaces each port of the file by a free one
    on loopback, and another value replaces the first port. `startup_s` and `reload_s` are the seconds during which the
    port refuses connections at a start and at a restart of the web host.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        startup_s: float = 0.0,
        reload_s: float = 0.0,
        root: bool | None = None,
        indexer_url: str = "",
        definitions: Path | None = None,
        override: dict[str, Any] | None = None,
        log: Callable[[str], None] | None = None,
        ready: Callable[[], None] | None = None,
    ) -> None:
        """`root`: whether the server runs as root. `override`: fields that the command line sets.

        `ready` is called before the server listens for the first time.
        """
        self.folder = folder
        self.root = server_config.is_root() if root is None else root
        self.indexer_url = indexer_url
        # Like the server: $XDG_CONFIG_HOME/cardigann/definitions.
        self.definitions = definitions or folder.parent / "cardigann" / "definitions"
        self.file = ConfigFile(folder / "ServerConfig.json", self.say)
        self.config: Config = {}
        self.stopped = threading.Event()
        self.exit_code: int | None = None
        # In tests: the port that replaces a port of the file.
        self.ports: dict[int, int] | None = None if port is None else {}
        self._first_port = port or 0
        self._startup_s = startup_s
        self._reload_s = reload_s
        self._override = override or {}
        self._print = log or (lambda line: None)
        self._ready = ready or (lambda: None)
        self._lines: list[dict[str, str]] = []
        self._settled = threading.Event()
        self._listener: Listener | None = None

    @property
    def port(self) -> int:
        """The port on which the server listens."""
        assert self._listener is not None, "it does not listen"
        return self._listener.port

    @property
    def listens_on(self) -> str:
        """Address and port of the settings; `*` means all addresses."""
        return f"{'*' if self.config['AllowExternal'] else self.config['LocalBindAddress']}:{self.config['Port']}"

    def start(self) -> Server:
        """Start the server. Raises Ended where the real server ends by itself."""
        begun = time.monotonic()
        try:
            self.folder.mkdir(exist_ok=True, parents=True)
        except OSError as error:
            raise Ended(ABORTED, f"Could not create settings directory. {error.strerror}: {self.folder}") from None
        self.say(f"Info Starting Jackett {server_config.VERSION} (SIMULATED: a test double)")
        self.config = self.file.open()
        for name, value in self._override.items():
            if self.config[name] != value:
                self.config[name] = value
                self.file.save(self.config)
        self.stopped.clear()
        self.stopped.wait(self._startup_s)
        self._ready()
        self._open()
        self.say(f"Info Jackett startup finished in {time.monotonic() - begun:.3f} s")
        self.say(f"Now listening on: http://{self.listens_on}")
        return self

    def end(self, code: int = 0) -> None:
        self.exit_code = code
        # In another thread: the thread of a request would wait for itself.
        threading.Thread(target=self.stop, daemon=True).start()

    def stop(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()
        self.stopped.set()

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def reload(self) -> Callable[[], None]:
        """Announce a restart of the web host; return the function that restarts it, to be called after the response."""
        self._settled.clear()
        return threading.Thread(target=self._reload, daemon=True).start

    def settled(self, timeout_s: float = 5.0) -> bool:
        """Wait until the web host has restarted or the server has ended."""
        return self._settled.wait(timeout_s)

    def logged(self) -> list[dict[str, str]]:
        """Return the log, newest line first."""
        return self._lines[::-1]

    def _reload(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()
        time.sleep(self._reload_s)
        try:
            self._open()
            names = {-1: "Disabled", 0: "Http", 1: "Socks4", 2: "Socks5"}
            self.say(f"Info Using proxy: {names.get(self.config['ProxyType'])}")
        except Ended as end:
            self.say(str(end))
            self.exit_code = end.code
            self.stopped.set()
            self._settled.set()

    def _open(self) -> None:
        port = self.config["Port"]
        if not 0 < port < 65536:
            raise Ended(ABORTED, f"Unhandled exception. Port {port} is out of range")
        self.protection = Protection(self.folder / "DataProtection")
        application = Application(self)

        def respond(request: Request) -> Answer:
            return application.answer(request)

        host = "::" if self.config["AllowExternal"] else self.config["LocalBindAddress"]
        try:
            if self.ports is None:
                self._listener = Listener(host, port, respond)
            else:
                self._listener = Listener(
                    "127.0.0.1", self.ports.get(port, 0 if self.ports else self._first_port), respond
                )
                self.ports[port] = self._listener.port
        except OSError:
            raise Ended(1, PORT_TAKEN.format(host, port)) from None
        self._settled.set()

    def say(self, line: str) -> None:
        level, _, words = line.partition(" ")
        if level in ("Info", "Warn", "Error"):
            self._lines.append({"Level": level, "Message": words, "When": datetime.now().astimezone().isoformat()})
            with contextlib.suppress(OSError), (self.folder / "log.txt").open("a", encoding="utf-8") as log:
                log.write(f"{datetime.now():%m-%d %H:%M:%S} {line}\n")
        self._print(line)
