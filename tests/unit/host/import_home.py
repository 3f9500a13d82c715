# SPDX-License-Identifier: GPL-3.0-or-later
"""A household for tests of the import: real folders, a Transmission with both protocols, and Jellyfin's double."""

from __future__ import annotations

import base64
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jellyfin_installation import Installation
from mediaserver._core.errors import Unreachable
from mediaserver._core.transport import Response
from mediaserver._transmission.access import Access
from mediaserver.importer import jellyfin, listing
from mediaserver.importer.program import runner
from mediaserver.importer.runner import Runner
from mediaserver.importer.settings import Credentials, Library, Settings
from mediaserver.importer.state import State, StateFile

URL = "http://172.31.254.2:9091/transmission/rpc"
PASSWORD = "pass-word"
FOLDERS = ("movies", "tv", "music", "books", "misc")
DISK = "0123456789abcdef" * 2


class FakeClock:
    """Wall clock and monotonic clock; Jellyfin's double passes the same time."""

    def __init__(self, installation: Installation | None) -> None:
        self.installation = installation
        self.now = 1_800_000_000.0
        self.passed = 0.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.passed

    def sleep(self, seconds: float, /) -> None:
        self.now += seconds
        self.passed += seconds
        if self.installation is not None:
            self.installation.pass_time(seconds)


def _snake(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


def _snaked(value: Any) -> Any:
    if isinstance(value, list):
        return [_snaked(one) for one in value]
    if isinstance(value, dict):
        return {_snake(key): _snaked(one) for key, one in value.items()}
    return value


@dataclass
class Transmission:
    """A daemon: handshake, password, and the calls that the import makes.

    ``downloads``: a torrent that is added has of each file what lies there.
    """

    torrents: dict[str, dict[str, Any]] = field(default_factory=dict)
    json_rpc: bool = False
    password: str = PASSWORD
    down: bool = False
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    attempts: int = 0
    downloads: Path | None = None

    def request(
        self, method: str, url: str, *, headers: dict[str, str], body: bytes | None, timeout: float
    ) -> Response:
        self.attempts += 1
        if self.down:
            raise Unreachable(f"{url}: Connection refused", refused=True)
        pair = base64.b64decode(headers.get("Authorization", "").partition(" ")[2]).decode()
        if pair != f"family:{self.password}":
            return Response(401, {}, b"<h1>401: Unauthorized</h1>")
        if headers.get("X-Transmission-Session-Id") != "one":
            version = {"x-transmission-rpc-version": "6.0.1"} if self.json_rpc else {}
            return Response(409, {"x-transmission-session-id": "one", **version})
        asked = json.loads(body or b"")
        name = str(asked["method"]).replace("_", "-")
        arguments = asked.get("params" if self.json_rpc else "arguments", {})
        self.calls.append((name, arguments))
        result = self._answer(name, arguments)
        if self.json_rpc:
            content: dict[str, Any] = {"jsonrpc": "2.0", "id": asked["id"], "result": _snaked(result)}
        else:
            content = {"result": "success", "arguments": result}
        return Response(200, {}, json.dumps(content).encode())

    def _answer(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if name in ("torrent-remove", "torrent-set", "torrent-verify", "torrent-start"):
            for one in arguments["ids"]:
                self._change(name, one, arguments)
            return {}
        if name == "torrent-add":
            self._add_again(arguments)
            return {}
        if name == "session-get":
            if self.json_rpc:
                return {"downloadDir": "/downloads/complete", "seedRatioLimit": 2, "seedRatioLimited": True}
            return {"download-dir": "/downloads/complete", "seedRatioLimit": 2, "seedRatioLimited": True}
        assert name == "torrent-get"
        chosen = [one for key, one in self.torrents.items() if key in arguments.get("ids", self.torrents)]
        wanted = [re.sub("_(.)", lambda found: found[1].upper(), one) for one in arguments["fields"]]
        return {"torrents": [{key: one[key] for key in wanted} for one in chosen]}

    def _change(self, name: str, torrent: str, arguments: dict[str, Any]) -> None:
        if name == "torrent-remove":
            self.torrents.pop(torrent, None)
        elif name == "torrent-set":
            given = {re.sub("_(.)", lambda found: found[1].upper(), key): value for key, value in arguments.items()}
            self.torrents[torrent].update({key: value for key, value in given.items() if key != "ids"})
        elif name == "torrent-verify":
            self._measure(self.torrents[torrent])

    def _add_again(self, arguments: dict[str, Any]) -> None:
        """A torrent that was known is the same again."""
        known = json.loads(base64.b64decode(arguments["metainfo"]))
        folder = arguments["download_dir" if self.json_rpc else "download-dir"]
        made = self.torrents[known["hashString"]] = {**known, "downloadDir": folder}
        if self.downloads is not None:
            unwanted = arguments.get("files_unwanted" if self.json_rpc else "files-unwanted", [])
            for index, one in enumerate(made["fileStats"]):
                one["wanted"] = index not in unwanted
            self._measure(made)

    def _measure(self, torrent: dict[str, Any]) -> None:
        """Look what is on the disk. A daemon that starts without any data of a torrent has it at error 3 before."""
        if self.downloads is None:
            return
        folder = self.downloads / str(torrent["downloadDir"]).removeprefix("/downloads").lstrip("/")
        torrent.update(error=0, errorString="", leftUntilDone=0)
        for one, stats in zip(torrent["files"], torrent["fileStats"], strict=True):
            path = folder / one["name"]
            size = path.stat().st_size if path.exists() else 0
            one["bytesCompleted"] = stats["bytesCompleted"] = min(size, one["length"])
            torrent["leftUntilDone"] += one["length"] - size if stats["wanted"] else 0

    def add(self, torrent: str, name: str, files: list[dict[str, Any]], **more: Any) -> None:
        number = bool if self.json_rpc else int
        whole = [one for one in files if one.get("wanted", True)]
        size = sum(one["length"] for one in whole)
        done = sum(one.get("completed", one["length"]) for one in whole)
        self.torrents[torrent] = {
            "hashString": torrent,
            "name": name,
            "leftUntilDone": size - done,
            "sizeWhenDone": size,
            "metadataPercentComplete": 1,
            "labels": [],
            "downloadDir": "/downloads/complete",
            "error": 0,
            "errorString": "",
            "files": [
                {"name": one["name"], "length": one["length"], "bytesCompleted": one.get("completed", one["length"])}
                for one in files
            ],
            "fileStats": [
                {
                    "bytesCompleted": one.get("completed", one["length"]),
                    "wanted": number(one.get("wanted", True)),
                    "priority": 0,
                }
                for one in files
            ],
            "uploadRatio": 0.0,
            "seedRatioLimit": 2.0,
            "seedRatioMode": 0,
            "torrentFile": f"/config/torrents/{torrent}.torrent",
            **more,
        }


def hash_of(number: int) -> str:
    return f"{number:040x}"


class Household:
    """Downloads, library and state below one folder."""

    def __init__(self, folder: Path, *, with_jellyfin: bool = True, json_rpc: bool = False) -> None:
        self.folder = folder
        self.media, self.downloads = folder / "media", folder / "downloads"
        self.spool, self.state = folder / "import", folder / "importer"
        for name in FOLDERS:
            (self.media / name).mkdir(parents=True)
            (self.media / name / ".mediaserver").touch()
        for path in (self.downloads / "complete", self.spool, self.state):
            path.mkdir(parents=True)
        self.disk_id = folder / ".mediaserver-disk-id"
        self.disk_id.write_text(f"{DISK}\n")
        self.transmission = Transmission(json_rpc=json_rpc, downloads=self.downloads)
        self.installation: Installation | None = None
        self.key = ""
        if with_jellyfin:
            self.installation = Installation(folder).set_up()
            self.installation.monitor_delay(1)
            self._make_libraries(self.installation)
        self.clock = FakeClock(self.installation)
        self.password = PASSWORD
        self.ignore: tuple[str, ...] = ("sonarr", "radarr")

    def _make_libraries(self, installation: Installation) -> None:
        for name, kind in (("movies", "movies"), ("tv", "tvshows"), ("music", "music"), ("books", "books")):
            body = {"LibraryOptions": {"PathInfos": [{"Path": str(self.media / name)}]}}
            query = {"name": name, "collectionType": kind, "refreshLibrary": "true"}
            assert installation.call("POST", "/Library/VirtualFolders", body, **query).status == 204
        installation.pass_time(10)
        assert installation.call("POST", "/Auth/Keys", app="import").status == 204
        self.key = installation.call("GET", "/Auth/Keys").json["Items"][0]["AccessToken"]

    @property
    def settings(self) -> Settings:
        url, libraries = "", ()
        if self.installation is not None:
            url = f"http://127.0.0.1:{self.installation.server.port}"
            libraries = tuple(
                Library(name, kind)
                for name, kind in (("movies", "movies"), ("tv", "tvshows"), ("music", "music"), ("books", "books"))
            )
        return Settings(
            media=self.media,
            downloads=self.downloads,
            spool=self.spool,
            state=self.state,
            disk_id=self.disk_id,
            torrent_files=self.folder / "torrents",
            ignore=self.ignore,
            jellyfin_url=url,
            libraries=libraries,
        )

    def runner(self) -> Runner:
        credentials = Credentials(Access(URL, "family", self.password), self.key)
        return runner(
            self.settings, credentials, transmission_http=self.transmission, clock=self.clock, guess=lambda _name: {}
        )

    def run(self) -> None:
        self.runner().run()

    # What downloads bring.

    def download(
        self, number: int, name: str, paths: list[str], *, done: bool = True, size: int = 100, **more: Any
    ) -> str:
        """Add a torrent with its files, complete, and let Transmission's script write its hash."""
        torrent = hash_of(number)
        for path in paths:
            file = self.downloads / "complete" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(path.encode()[:20].ljust(size, b"x"))
        self.transmission.add(torrent, name, [{"name": path, "length": size} for path in paths], **more)
        if done:
            self.done(torrent)
        return torrent

    def film(self, number: int, title: str = "Dune", year: int = 2021, **more: Any) -> str:
        name = f"{title}.{year}.1080p.WEB"
        return self.download(number, name, [f"{name}/{name}.mkv"], **more)

    def done(self, torrent: str) -> None:
        (self.spool / torrent).touch()

    # What there is afterwards.

    def library(self) -> dict[str, int]:
        """Return the inode of each file in the library by its path; hidden ones too, but for the fixed marker files."""
        return {
            str(path.relative_to(self.media)): path.lstat().st_ino
            for path in sorted(self.media.rglob("*"))
            if not path.is_dir() and path.name != ".mediaserver"
        }

    def source_inode(self, path: str) -> int:
        return (self.downloads / "complete" / path).lstat().st_ino

    def found(self) -> State:
        return StateFile(self.state / "importer.json").read()

    def pending(self) -> list[str]:
        folder = self.state / "pending"
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def listed(self) -> set[str]:
        """Return the paths that Jellyfin lists, relative to the media root."""
        assert self.installation is not None
        self.installation.server.sync()
        answer = self.installation.call("GET", "/Items", recursive="true", fields="Path,MediaSources")
        items = [one for one in answer.json["Items"] if not one["IsFolder"]]
        sources = [source["Path"] for one in items for source in one["MediaSources"]]
        return {os.path.relpath(path, self.media) for path in [*(one["Path"] for one in items), *sources]}


def media_as_jellyfin_sees_it(monkeypatch: pytest.MonkeyPatch, home: Household) -> None:
    """The double runs on this host, so it has no /media."""
    for module in (listing, jellyfin):
        monkeypatch.setattr(module, "CONTAINER_MEDIA", str(home.media))
