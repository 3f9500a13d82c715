# SPDX-License-Identifier: GPL-3.0-or-later
"""What the use case talks to, replaced: a scripted transport, and a daemon with the real one's habits."""

from __future__ import annotations

import base64
import json
import os
import urllib.parse
from typing import Any

from ansible_collections.household.mediaserver.plugins.module_utils._core import supervisor
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import ServiceProblem, Unreachable
from ansible_collections.household.mediaserver.plugins.module_utils._core.transport import Response
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.password import verify_password
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.protocol import Bespoke, JsonRpc
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.table import SETTINGS
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.values import to_file

URL = "http://127.0.0.1:9091/transmission/rpc"
# As the daemons of Debian 12, of the 4.0 line and of Debian 13 name themselves.
VERSIONS = {"3.00": "3.00 (bb6b5a062e)", "4.0": "4.0.6 (38c164933e)", "4.1": "4.1.0 (ac5c9e082d)"}


def answer(arguments: dict[str, Any] | None = None, result: str = "success") -> Response:
    return Response(200, {}, json.dumps({"result": result, "arguments": arguments or {}}).encode())


def json_rpc(result: dict[str, Any] | None = None, **more: Any) -> Response:
    content = {"jsonrpc": "2.0", "id": 1, **({} if "error" in more else {"result": result or {}}), **more}
    return Response(200, {}, json.dumps(content).encode())


def handshake(session: str = "id-1", rpc_version: str = "") -> Response:
    headers = {"x-transmission-session-id": session}
    if rpc_version:
        headers["x-transmission-rpc-version"] = rpc_version
    return Response(409, headers, b"<h1>409: Conflict</h1>")


class ScriptedHttp:
    """Gives the listed answers to the listed calls; fails on any other, and `finish` on any missing."""

    def __init__(self, *script: tuple[str, Response | Exception]) -> None:
        self.script = list(script)
        self.headers: list[dict[str, str]] = []
        self.calls: list[dict[str, Any]] = []

    def request(
        self, method: str, url: str, *, headers: dict[str, str], body: bytes | None, timeout: float
    ) -> Response:
        assert (method, url) == ("POST", URL)
        self.calls.append(json.loads(body or b""))
        call = self.calls[-1]["method"]
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
    """Reads the file at its start and saves it at start and end, as the real one does.

    It holds settings by our names; a name in the file that it does not know it keeps, and ignores as well.
    """

    can_stop = True

    def __init__(self, path: str, *, version: str = "4.1", snake: bool = False) -> None:
        self.path = path
        self.version = version
        self.snake = snake
        self.json_rpc = version == "4.1"
        self.held: dict[str, Any] = {}
        self.running = False
        self.killed_at_stop = False
        self.silent = False
        self.locked = False
        self.deaf_to: set[str] = set()
        self.writes_allowed = True
        self.config: dict[str, Any] = {}
        self.log: list[str] = []

    # as a supervisor
    def state(self) -> str:
        return supervisor.RUNNING if self.running else supervisor.STOPPED

    def setup(self) -> dict[str, Any]:
        return self.config

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
                content = json.load(file)
            names = {setting.in_file: setting.name for setting in SETTINGS}
            if self.version == "4.1":
                names |= {setting.in_snake_file: setting.name for setting in SETTINGS}
            self.held.update({names.get(key, key): value for key, value in content.items()})
        self.running, self.locked = True, False
        self._save()

    def stop(self) -> None:
        assert self.writes_allowed, "a stop in check mode"
        self.log.append("stop")
        self.running = False
        if not self.killed_at_stop:
            self._save()

    def _save(self) -> None:
        names = {setting.name: setting.in_snake_file if self.snake else setting.in_file for setting in SETTINGS}
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            json.dump({names.get(name, name): value for name, value in self.held.items()}, file)
        os.replace(self.path + ".new", self.path)

    # as a transport
    def request(
        self, method: str, url: str, *, headers: dict[str, str], body: bytes | None, timeout: float
    ) -> Response:
        if not self.running:
            raise Unreachable(f"{url}: Connection refused", refused=True)
        if self.silent:
            raise Unreachable(f"{url}: no answer in time")
        refusal = self._refusal(url, headers)
        if refusal:
            return refusal
        if headers.get("X-Transmission-Session-Id") != "id-1":
            return handshake(rpc_version="6.0.1" if self.json_rpc else "")
        call = json.loads(body or b"")
        assert ("jsonrpc" in call) == self.json_rpc, "the other protocol was offered"
        names = JsonRpc.NAMES if self.json_rpc else Bespoke.NAMES
        self.log.append(call["method"].replace("_", "-"))
        if self.log[-1] == "session-get":
            wire = {name: rpc for rpc, name in names.items()}
            told = {wire.get(name, name): value for name, value in self.session().items()}
            return json_rpc(told) if self.json_rpc else answer(told)
        assert self.writes_allowed, "a writing call in check mode"
        table = {setting.name: setting for setting in SETTINGS}
        for rpc, value in call["params" if self.json_rpc else "arguments"].items():
            setting = table[names[rpc]]
            if setting.name not in self.deaf_to:
                index = -1 if self.json_rpc else 0
                self.held[setting.name] = [n[index] for n in setting.choices].index(value) if setting.choices else value
        return json_rpc() if self.json_rpc else answer()

    def _refusal(self, url: str, headers: dict[str, str]) -> Response | None:
        """In the order of the real one: the lock, the address, the password, the host's name."""
        forbidden = b"<h1>403: Forbidden</h1>"
        if self.locked:
            old = b"<p>Too many unsuccessful login attempts.</p>"
            return Response(403, {}, forbidden + (old if self.version == "3.00" else b""))
        if "10.*" in str(self.held.get("rpc-whitelist", "")):
            return Response(403, {}, forbidden + (b"<p>Unauthorized IP.</p>" if self.version == "3.00" else b""))
        if self.held["rpc-authentication-required"] and not self._known(headers.get("Authorization", "")):
            return Response(401, {}, b"<h1>401: Unauthorized</h1>")
        if not self._listed(url):
            return Response(421, {}, b"<h1>421: Misdirected Request</h1>")
        return None

    def session(self) -> dict[str, Any]:
        told: dict[str, Any] = {"version": VERSIONS[self.version]}
        for setting in SETTINGS:
            if setting.rpc and setting.since <= self.version:
                default = {"bool": False, "text": "", "path": "/"}.get(setting.kind, 1)
                value = self.held.get(setting.name, default)
                told[setting.name] = setting.choices[value][-1] if setting.kind == "index" else value
        return told

    def _listed(self, url: str) -> bool:
        """Host names are not looked at where a password is asked for, nor addresses and localhost at all."""
        host = urllib.parse.urlsplit(url).hostname or ""
        if self.held["rpc-authentication-required"] or not self.held.get("rpc-host-whitelist-enabled"):
            return True
        listed = str(self.held.get("rpc-host-whitelist", "")).split(",")
        return host == "localhost" or host.replace(".", "").isdecimal() or host in listed

    def _known(self, authorization: str) -> bool:
        name, _unused, password = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        return name == self.held.get("rpc-username") and verify_password(password, self.held.get("rpc-password"))


def filed(values: dict[str, Any]) -> dict[str, Any]:
    """Return normal forms as a file of the older style would hold them."""
    table = {setting.name: setting for setting in SETTINGS}
    return {table[name].in_file: to_file(table[name], value) for name, value in values.items()}
