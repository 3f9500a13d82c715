# SPDX-License-Identifier: GPL-3.0-or-later
"""What the use case talks to, replaced: a scripted transport, and a daemon with the real one's habits."""

from __future__ import annotations

import base64
import json
import os
from typing import Any

from ansible_collections.household.mediaserver.plugins.module_utils import _supervisor as supervisor
from ansible_collections.household.mediaserver.plugins.module_utils._errors import ServiceProblem, Unreachable
from ansible_collections.household.mediaserver.plugins.module_utils._http import Response
from ansible_collections.household.mediaserver.plugins.module_utils._transmission_table import SETTINGS
from ansible_collections.household.mediaserver.plugins.module_utils._transmission_values import (
    to_file,
    verify_password,
)

URL = "http://127.0.0.1:9091/transmission/rpc"
# As the daemons of Debian 12, of the 4.0 line and of Debian 13 name themselves.
VERSIONS = {"3.00": "3.00 (bb6b5a062e)", "4.0": "4.0.6 (38c164933e)", "4.1": "4.1.0 (ac5c9e082d)"}


def answer(arguments: dict[str, Any] | None = None, result: str = "success") -> Response:
    return Response(200, {}, json.dumps({"result": result, "arguments": arguments or {}}).encode())


def handshake(session: str = "id-1") -> Response:
    return Response(409, {"x-transmission-session-id": session}, b"<h1>409: Conflict</h1>")


class ScriptedHttp:
    """Gives the listed answers to the listed calls; fails on any other, and `finish` on any missing."""

    def __init__(self, *script: tuple[str, Response | Exception]) -> None:
        self.script = list(script)
        self.headers: list[dict[str, str]] = []

    def request(
        self, method: str, url: str, *, headers: dict[str, str], body: bytes | None, timeout: float
    ) -> Response:
        assert (method, url) == ("POST", URL)
        call = json.loads(body or b"")["method"]
        assert self.script, f"unexpected call: {call}"
        expected, result = self.script.pop(0)
        assert call == expected
        self.headers.append(dict(headers))
        if isinstance(result, Exception):
            raise result
        return result

    def finish(self) -> None:
        assert not self.script, f"calls that were not made: {self.script}"


class Clock:
    """Time that passes only in sleep."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float, /) -> None:
        self.now += seconds


class Daemon:
    """Reads the file at its start and saves it at start and end, as the real one does."""

    can_stop = True

    def __init__(self, path: str, *, version: str = "4.1", writes_allowed: bool = True) -> None:
        self.path = path
        self.version = version
        self.held: dict[str, Any] = {}
        self.running = False
        self.killed_at_stop = False
        self.silent = False
        self.deaf_to: set[str] = set()
        self.writes_allowed = writes_allowed
        self.log: list[str] = []
        self.authorization = ""

    # as a supervisor
    def state(self) -> str:
        return supervisor.RUNNING if self.running else supervisor.STOPPED

    def start(self) -> None:
        assert self.writes_allowed, "a start in check mode"
        self.log.append("start")
        if self.running:
            raise ServiceProblem("it runs already")
        self.held = {
            "rpc-authentication-required": False,
            "peer-limit-global": 200,
            "umask": 18,
            "peer-port": 51413,
        }
        if os.path.exists(self.path):
            with open(self.path, encoding="utf-8") as file:
                self.held.update(json.load(file))
        self.running = True
        self._save()

    def stop(self) -> None:
        assert self.writes_allowed, "a stop in check mode"
        self.log.append("stop")
        self.running = False
        if not self.killed_at_stop:
            self._save()

    def _save(self) -> None:
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            json.dump(self.held, file)
        os.replace(self.path + ".new", self.path)

    # as a transport
    def request(
        self, method: str, url: str, *, headers: dict[str, str], body: bytes | None, timeout: float
    ) -> Response:
        if not self.running:
            raise Unreachable(f"{url}: Connection refused", refused=True)
        if self.silent:
            raise Unreachable(f"{url}: no answer in time")
        if self.held["rpc-authentication-required"] and not self._known(headers.get("Authorization", "")):
            return Response(401, {}, b"<h1>401: Unauthorized</h1>")
        if headers.get("X-Transmission-Session-Id") != "id-1":
            return handshake()
        call = json.loads(body or b"")
        self.log.append(call["method"])
        if call["method"] == "session-get":
            return answer(self.session())
        assert self.writes_allowed, "a writing call in check mode"
        names = {setting.rpc: setting for setting in SETTINGS if setting.rpc}
        for rpc, value in call["arguments"].items():
            setting = names[rpc]
            if setting.name not in self.deaf_to:
                self.held[setting.name] = [n[0] for n in setting.choices].index(value) if setting.choices else value
        return answer()

    def session(self) -> dict[str, Any]:
        told: dict[str, Any] = {"version": VERSIONS[self.version]}
        for setting in SETTINGS:
            if setting.rpc and setting.since <= self.version:
                default = {"bool": False, "text": "", "path": "/"}.get(setting.kind, 1)
                value = self.held.get(setting.name, default)
                told[setting.rpc] = setting.choices[value][-1] if setting.kind == "index" else value
        return told

    def _known(self, authorization: str) -> bool:
        name, _unused, password = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        return name == self.held.get("rpc-username") and verify_password(password, self.held.get("rpc-password"))


def filed(values: dict[str, Any]) -> dict[str, Any]:
    """Return normal forms as a file would hold them."""
    table = {setting.name: setting for setting in SETTINGS}
    return {name: to_file(table[name], value) for name, value in values.items()}
