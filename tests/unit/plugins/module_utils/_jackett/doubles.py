# SPDX-License-Identifier: GPL-3.0-or-later
"""A double of Jackett's handling of ServerConfig.json, as recorded with 0.24.2440."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ansible_collections.household.mediaserver.plugins.module_utils._core import supervisor
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import Unreachable
from ansible_collections.household.mediaserver.plugins.module_utils._core.transport import Response

URL = "http://127.0.0.1:9117"
KEY = "madeupapikey00000000000000000001"
ID = "madeupinstanceid000000000000000000000000000000000000000000000001"
OK = Response(200, {}, b'{"status":"OK"}')
REFUSED = Unreachable("Connection refused", refused=True)

# Content of Jackett's first file, with other keys; the recorded file has 716 bytes as well.
FIRST: dict[str, Any] = {
    "Port": 9117,
    "LocalBindAddress": "127.0.0.1",
    "AllowExternal": True,
    "AllowCORS": False,
    "APIKey": KEY,
    "AdminPassword": None,
    "InstanceId": ID,
    "BlackholeDir": None,
    "UpdateDisabled": False,
    "UpdatePrerelease": False,
    "BasePathOverride": None,
    "BaseUrlOverride": None,
    "CacheEnabled": True,
    "CacheTtl": 2100,
    "CacheMaxResultsPerIndexer": 1000,
    "FlareSolverrUrl": None,
    "FlareSolverrMaxTimeout": 55000,
    "OmdbApiKey": None,
    "OmdbApiUrl": None,
    "ProxyType": 0,
    "ProxyUrl": None,
    "ProxyPort": None,
    "ProxyUsername": None,
    "ProxyPassword": None,
    "ProxyIsAnonymous": True,
}


def stored_hash(password: str, key: str = KEY) -> str:
    return hashlib.sha512((password + key).encode("utf-16-le")).hexdigest()


def as_written(**fields: Any) -> str:
    """Return the text of the file as Jackett writes it."""
    return json.dumps({**FIRST, **fields}, indent=2, ensure_ascii=False)


class Jackett:
    """Reads its file at its start, replaces an invalid one by defaults, and writes only by save()."""

    can_stop = True

    def __init__(self, path: str) -> None:
        self.path = path
        self.held: dict[str, Any] = {}
        self.running = False
        self.restarting = False
        self.stubborn = False
        self.sick = False
        self.replaces_at_start = False
        self.saves_while_stopping: dict[str, Any] = {}
        self.writes_allowed = True
        self.log: list[str] = []

    # Interface of a supervisor.
    def state(self) -> str:
        if self.restarting:
            return supervisor.RESTARTING
        return supervisor.RUNNING if self.running else supervisor.STOPPED

    def start(self) -> None:
        assert self.writes_allowed, "a start in check mode"
        assert not self.running, "a start while it runs"
        self.log.append("start")
        read = None if self.replaces_at_start else self._read()
        self.held = {**FIRST, **(read or {"APIKey": "", "InstanceId": ""})}
        self.running = True
        if not (self.held["APIKey"] or "").strip() or not (self.held["InstanceId"] or "").strip():
            self.held["APIKey"] = (self.held["APIKey"] or "").strip() or "anewkey0000000000000000000000001"
            self.save()

    def stop(self) -> None:
        assert self.writes_allowed, "a stop in check mode"
        self.log.append("stop")
        if self.saves_while_stopping:
            self.save(**self.saves_while_stopping)
        self.running, self.restarting = self.stubborn, False

    def save(self, **fields: Any) -> None:
        """Save as the web interface does: in place, without unknown fields."""
        self.held = {name: value for name, value in {**self.held, **fields}.items() if name in FIRST}
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(as_written(**self.held))

    def logs_in(self, password: str) -> bool:
        return self.held["AdminPassword"] in (None, stored_hash(password, self.held["APIKey"]))

    def _read(self) -> dict[str, Any] | None:
        try:
            with open(self.path, encoding="utf-8-sig") as file:
                read = json.load(file)
        except (OSError, ValueError):
            return None
        if not isinstance(read, dict):
            return None
        known = {name.lower(): name for name in FIRST}
        for name, value in read.items():
            kind = type(FIRST.get(known.get(name.lower(), "")))
            if kind in (bool, int) and not (type(value) is kind or str(value).lstrip("-").isdigit()):
                return None
        return {known.get(name.lower(), name): value for name, value in read.items()}

    # Interface of a transport.
    def request(
        self, method: str, url: str, *, headers: dict[str, str], body: bytes | None, timeout: float
    ) -> Response:
        assert (method, url, body) == ("GET", f"{URL}/health", None)
        if not self.running:
            raise REFUSED
        return Response(500, {}, b"") if self.sick else OK
