# SPDX-License-Identifier: GPL-3.0-or-later
"""A Jellyfin double with its own folder, and an HTTP client for it."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jellyfin_double import ManualClock, Server, Timing

PASSWORD = "a-Password-1"


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


def sender(device: str, token: str = "") -> str:
    value = f'MediaBrowser Client="test", Device="here", DeviceId="{device}", Version="1"'
    return f'{value}, Token="{token}"' if token else value


class Installation:
    """A server with its folders, which stay when the server is stopped, killed or replaced by another version."""

    def __init__(self, folder: Path, version: str = "12.0", **options: Any) -> None:
        self.folder = folder
        self.clock = ManualClock()
        self.options = options
        self.token = ""
        self.lines: list[str] = []
        self.server = self.start(version)

    @property
    def config(self) -> Path:
        return self.folder / "config"

    @property
    def system_xml(self) -> Path:
        return self.config / "config" / "system.xml"

    def start(self, version: str, timing: Timing | None = None) -> Server:
        self.server = Server(
            self.config,
            version=version,
            clock=self.clock,
            timing=timing,
            account="root",
            hostname="pi",
            log=self.lines.append,
            **self.options,
        ).start()
        return self.server

    def restart(self, version: str | None = None, timing: Timing | None = None) -> Server:
        self.server.stop()
        return self.start(version or self.server.version, timing)

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.server.sync()

    def send(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Reply:
        sent = dict(headers or {})
        content = None
        if body is not None:
            sent["Content-Type"] = "application/json"
            content = json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        try:
            connection.request(method, path, content, sent)
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.headers), answer.read().decode())
        finally:
            connection.close()

    def call(self, method: str, path: str, body: Any = None, /, **query: Any) -> Reply:
        """Send a request as the administrator, if `token` is set."""
        target = path + ("?" + urlencode(query, quote_via=quote) if query else "")
        headers = {"Authorization": f'MediaBrowser Token="{self.token}"'} if self.token else {}
        return self.send(method, target, body, headers)

    def login(self, name: str = "admin", password: str = PASSWORD, device: str = "one") -> Reply:
        body = {"Username": name, "Pw": password}
        return self.send("POST", "/Users/AuthenticateByName", body, {"Authorization": sender(device)})

    def set_up(self) -> Installation:
        """Complete the wizard, then log in."""
        assert self.call("GET", "/Startup/User").status == 200
        assert self.call("POST", "/Startup/User", {"Name": "admin", "Password": PASSWORD}).status == 204
        assert self.call("POST", "/Startup/Complete").status == 204
        self.token = self.login().json["AccessToken"]
        return self

    # Libraries and films.

    def media(self, name: str = "movies", *, keep: bool = True) -> Path:
        folder = self.folder / "media" / name
        folder.mkdir(parents=True, exist_ok=True)
        if keep:
            (folder / ".keep").touch()
        return folder

    def add_library(self, *folders: Path, name: str = "Movies", refresh: bool = False, **options: Any) -> None:
        chosen = {"EnableRealtimeMonitor": True, **options, "PathInfos": [{"Path": str(path)} for path in folders]}
        query = {"name": name, "collectionType": "movies", "refreshLibrary": str(refresh).lower()}
        assert self.call("POST", "/Library/VirtualFolders", {"LibraryOptions": chosen}, **query).status == 204

    def library(self, name: str = "Movies") -> dict[str, Any]:
        found: dict[str, Any] = next(
            entry for entry in self.call("GET", "/Library/VirtualFolders").json if entry["Name"] == name
        )
        return found

    def monitor_delay(self, seconds: int) -> None:
        settings = self.call("GET", "/System/Configuration").json
        assert self.call("POST", "/System/Configuration", settings | {"LibraryMonitorDelay": seconds}).status == 204

    def films(self) -> set[str]:
        listed = self.call("GET", "/Items", recursive="true", fields="Path", includeItemTypes="Movie").json
        return {entry["Name"] for entry in listed["Items"]}


def film(folder: Path, name: str) -> Path:
    """Create a film in its own folder."""
    path = folder / name
    path.mkdir(parents=True)
    (path / f"{name}.mkv").touch()
    return path
