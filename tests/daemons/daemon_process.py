# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts and stops a real transmission-daemon, and runs the module's use case on it."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.household.mediaserver.plugins.module_utils._core import supervisor
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import ServiceProblem
from ansible_collections.household.mediaserver.plugins.module_utils._core.json_file import JsonFile
from ansible_collections.household.mediaserver.plugins.module_utils._core.transport import UrlHttp
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.client import TransmissionClient
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.model import read_wanted
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.settings import (
    TransmissionOutcome,
    TransmissionSettings,
)
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.table import SETTINGS, Setting

USER = "family"
PASSWORD = "correct horse: ö"
STOP_TIMEOUT_S = 20
ANSWER_TIMEOUT_S = 20
# The parent of the configuration folders, inside the root of a system.
CONFIG_FOLDER = "var/lib/household-tests"
# No peer discovery and no port forwarding.
QUIET: dict[str, Any] = {
    "dht-enabled": False,
    "lpd-enabled": False,
    "pex-enabled": False,
    "port-forwarding-enabled": False,
    "utp-enabled": False,
    "download-dir": "/tmp",
    "incomplete-dir": "/tmp",
    "rpc-bind-address": "127.0.0.1",
}
PORTS = itertools.count(20001)


@dataclass(frozen=True)
class System:
    """One of Debian's versions of Transmission.

    `line` is the version in the module's table of settings, `lacks` the settings that a beta does not have yet.
    """

    name: str
    line: str
    version: str
    json_rpc: bool = False
    lacks: frozenset[str] = frozenset()

    def knows(self, setting: Setting) -> bool:
        since = setting.since <= self.line and setting.name not in self.lacks
        return since and (not setting.until or self.line <= setting.until)

    def settings(self, where: str) -> list[Setting]:
        return [setting for setting in SETTINGS if setting.where == where and self.knows(setting)]


SYSTEMS = (
    System("bookworm", "3.00", "3.00"),
    System(
        "trixie",
        "4.1",
        "4.1.0-beta.2",
        lacks=frozenset({"preferred-transports", "torrent-complete-verify-enabled"}),
    ),
    System("trixie-backports", "4.1", "4.1.", json_rpc=True),
)


def another(setting: Setting, value: Any) -> Any:
    """Return a valid value in normal form that differs from ``value``."""
    if setting.kind == "bool":
        return not value
    if setting.kind == "index":
        return (value + 1) % len(setting.choices)
    if setting.kind == "choice":
        return next(names[0] for names in setting.choices if names[0] != value)
    if setting.kind == "list":
        return ["utp", "tcp"] if value != ["utp", "tcp"] else ["tcp", "utp"]
    if setting.kind in ("int", "float"):
        step = 1 if setting.kind == "int" else 0.5
        return value + step if setting.high is None or value < setting.high else value - step
    others = {
        "path": ("/tmp/a", "/tmp/b"),
        "csv": ("127.0.0.1,::1,10.*.*.*", "127.0.0.1,192.168.*.*"),
        "umask": ("002", "027"),
        "mode": ("0700", "0770"),
    }.get(setting.kind, ("http://127.0.0.1:9/a", "http://127.0.0.1:9/b"))
    return next(other for other in others if other != value)


@dataclass
class Daemon:
    """A daemon with its own configuration folder. It implements the interface of a supervisor."""

    system: System
    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    can_stop: bool = True

    def __post_init__(self) -> None:
        self.port = next(PORTS)
        self.inside = f"/{CONFIG_FOLDER}/{self.port}"
        self.folder = self.root / CONFIG_FOLDER / str(self.port)
        self.path = self.folder / "settings.json"
        self.log = self.folder / "log"
        self.process: subprocess.Popen[bytes] | None = None
        self.kill_next = False
        self.kept = {**QUIET, "rpc-port": self.port, "peer-port": next(PORTS)}

    def prepare(self, **settings: Any) -> None:
        """Create the configuration folder again, with these settings in settings.json."""
        self.remove()
        self.folder.mkdir(parents=True)
        self.path.write_text(json.dumps({**self.kept, **settings}))

    def remove(self) -> None:
        if self.state() == supervisor.RUNNING:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    # The interface of a supervisor.
    def state(self) -> str:
        return supervisor.RUNNING if self.process and self.process.poll() is None else supervisor.STOPPED

    def setup(self) -> dict[str, Any]:
        return {}

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["chroot", self.root, "transmission-daemon", "--foreground", "--config-dir", self.inside],
                env={"PATH": os.environ["PATH"], "HOME": "/tmp", **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def stop(self) -> None:
        assert self.process is not None
        if self.kill_next:
            self.kill()
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise ServiceProblem(f"the daemon has not stopped in {STOP_TIMEOUT_S} s: {self.log.read_text()}") from error

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(STOP_TIMEOUT_S)

    # For tests.
    def client(self, *, username: str = USER, password: str = PASSWORD) -> TransmissionClient:
        url = f"http://127.0.0.1:{self.port}/transmission/rpc"
        return TransmissionClient(UrlHttp(), url, username=username, password=password)

    def begin(self, **settings: Any) -> TransmissionClient:
        """Start the daemon with a new configuration; return a client after its first answer."""
        self.prepare(**settings)
        self.start()
        client = self.client()
        client.wait_for_session(timeout=ANSWER_TIMEOUT_S, clock=time)
        return client

    def run(
        self, wanted: dict[str, Any], *, login: bool = False, check: bool = False, **more: Any
    ) -> TransmissionOutcome:
        """Run the module's use case. With `login`, user name and password are set too."""
        return TransmissionSettings(
            wanted=read_wanted(wanted, **({"username": USER, "password": PASSWORD} if login else {})),
            **{
                "client": self.client(),
                "supervisor": self,
                "clock": time,
                "file": JsonFile(str(self.path)),
                "timeout": ANSWER_TIMEOUT_S,
                "check_mode": check,
                **more,
            },
        ).run()

    def four_times(self, wanted: dict[str, Any], **more: Any) -> TransmissionOutcome:
        """Run in check mode and really, then both again; return the outcome of the first real run.

        Asserts that check mode predicts that run, and that the last two change nothing.
        """
        before = self.path.read_bytes()
        predicted = self.run(wanted, check=True, **more)
        assert self.path.read_bytes() == before
        outcome = self.run(wanted, **more)
        assert predicted.plan.diff() == outcome.plan.diff()
        assert predicted.stopped_for == outcome.stopped_for
        assert outcome.plan
        for check in (True, False):
            assert not self.run(wanted, check=check, **more).plan
        return outcome

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.path.read_text())
        return found
