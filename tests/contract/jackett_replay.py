# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends the recorded requests to Jackett's double, and compares the responses."""

from __future__ import annotations

import http.client
import json
import os
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from comparison import shape
from jackett_double import Server
from jackett_double.password import hashed

KEY = "k3yfak3apik3y0000000000000000001"
INSTANCE = "inst4nc300000000000000000000000000000000000000000000000000000001"
HOST = "127.0.0.1:9117"
SITE = "127.0.0.1:9119"
BASE = {"Port": 9117, "LocalBindAddress": "127.0.0.1", "AllowExternal": False, "APIKey": KEY, "InstanceId": INSTANCE}
GENERATED = {"madeupapikey[0-9]+": "[a-z0-9]{32}", "madeupinstanceid[0-9]+": "[a-z0-9]{64}"}
TORRENT = b"d8:announce19:http://127.0.0.1:9/4:infod6:lengthi5e4:name5:a.txt12:piece lengthi16384e6:pieces20:%see" % (
    b"A" * 20
)
FILMS = [
    {"title": f"Fake Show - 0{number} [1080p]", "torrent": f"t/{number}.torrent", "size": size, "seeders": 1}
    for number, size in ((2, 1288490188), (1, 1181116006))
]
PASSWORD_DEFINITION = """---
id: fakepw
name: Fake with a password
type: private
language: en-US
links:
  - http://127.0.0.1:9119/
login:
  path: login
"""


@dataclass(frozen=True)
class Reply:
    status: int
    headers: http.client.HTTPMessage
    body: str


class Site:
    """HTTP server in place of the site at port 9119 of the recordings."""

    def __init__(self) -> None:
        self.status = 200
        self.films: list[Any] = FILMS
        self.torrent = TORRENT
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = site.torrent if self.path.endswith(".torrent") else json.dumps(site.films).encode()
                self.send_response(site.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Replay:
    """The double with its folder and site, and the state of the recording client: session, links, kept values."""

    folder: Path
    site: Site = field(default_factory=Site)
    server: Server | None = None
    token: str = ""
    links: dict[str, str] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    @property
    def data(self) -> Path:
        return self.folder / "config" / "Jackett"

    @property
    def path(self) -> Path:
        return self.data / "ServerConfig.json"

    @property
    def file(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.path.read_text("utf-8"))
        return found

    @property
    def running(self) -> Server:
        assert self.server is not None, "the double is stopped, expected it to run"
        return self.server

    def write(self, **more: Any) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps({**BASE, **more}), "utf-8")

    def edit(self, **more: Any) -> None:
        self.path.write_text(json.dumps({**self.file, **more}), "utf-8")

    def run(self, **more: Any) -> Server:
        self.server = Server(self.data, port=0, root=True, log=self.log.append, **more)
        return self.server.start()

    def stop(self) -> None:
        if self.server is not None:
            self.server.stop()
            self.server = None

    def close(self) -> None:
        self.stop()
        self.site.close()

    def restart(self, **more: Any) -> Server:
        self.stop()
        return self.run(**more)

    def request(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None
    ) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.running.port, timeout=10)
        try:
            connection.request(method, self.to_local(path), body, {"Host": HOST, **(headers or {})})
            response = connection.getresponse()
            return Reply(response.status, response.headers, self.to_recorded(response.read().decode("utf-8")))
        finally:
            connection.close()

    def with_session(self, method: str, path: str, body: Any = None, media: str = "application/json") -> Reply:
        headers = {"Cookie": f"Jackett={self.token}"} | ({"Content-Type": media} if media else {})
        raw = None if body is None else self.to_local(json.dumps(body)).encode()
        return self.request(method, path, headers, raw)

    def login(self, password: str = "") -> bool:
        """Return whether the login succeeds; keep its session."""
        media = {"Content-Type": "application/x-www-form-urlencoded"}
        reply = self.request("POST", "/UI/Dashboard", media, urlencode({"password": password}).encode())
        found = re.match("Jackett=([^;]+)", reply.headers.get("Set-Cookie") or "")
        self.token = found[1] if found else self.token
        return found is not None

    def settings(self, **more: Any) -> Reply:
        """Read the settings and post them with a change, as the dashboard does."""
        present = json.loads(self.with_session("GET", "/api/v2.0/server/config").body)
        reply = self.with_session("POST", "/api/v2.0/server/config", {**present, **more})
        assert self.running.settled()
        return reply

    def configured(self) -> list[str]:
        listed = json.loads(self.with_session("GET", "/api/v2.0/indexers?configured=true").body)
        return [entry["id"] for entry in listed]

    def config_status(self) -> int:
        return self.with_session("GET", "/api/v2.0/server/config").status

    def stored(self, password: str, key: str = KEY) -> bool:
        return bool(self.file["AdminPassword"] == hashed(password, key))

    def indexer_files(self) -> list[str]:
        return sorted(path.name for path in (self.data / "Indexers").iterdir())

    def to_local(self, text: str) -> str:
        return text.replace('"/config/', f'"{self.folder}/config/').replace(SITE, self.site.address)

    def to_recorded(self, text: str) -> str:
        return text.replace(f"{self.folder}/config/", "/config/").replace(self.site.address, SITE)

    def send_line(self, line: dict[str, Any], *, raw: str | None = None, cookie: str | None = None) -> Reply:
        headers = dict(line.get("headers", {}))
        cookies = ["TestCookie=1"] if line.get("cookies_accepted") else []
        cookies += [f"Jackett={self.token}"] if line["session"] else []
        if cookies or cookie:
            headers["Cookie"] = cookie or "; ".join(cookies)
        body = None
        if "body" in line:
            if line.get("content_type"):
                headers["Content-Type"] = line["content_type"]
            form = (line.get("content_type") or "").startswith(("application/x-www", "multipart"))
            text = raw if raw is not None else line["body"] if form else json.dumps(line["body"])
            body = self.to_local(text).encode()
        path = line["path"]
        if "path=..." in path:
            title = parse_qs(urlsplit(path).query)["file"][0]
            path = path.replace("path=...", f"path={self.links[title]}")
        reply = self.request(line["method"], path, headers, body)
        found = re.match("Jackett=([^;]+);", reply.headers.get("Set-Cookie") or "")
        self.token = found[1] if found else self.token
        self._save_links(reply.body)
        return reply

    def _save_links(self, body: str) -> None:
        """Save the links of results by title; the recordings do not contain their tokens."""
        for token, title in re.findall(r"[?&;]path=([\w-]+)&(?:amp;)?file=([^\"&<]+)", body):
            self.links[parse_qs(f"file={title}")["file"][0]] = token


def compare(line: dict[str, Any], reply: Reply, *, cut: bool) -> list[str]:
    """Return the differences, one per line; without the bodies when the recording omitted its body (`cut`)."""
    recorded, found = line["answer"], []
    if recorded["status"] != reply.status:
        found.append(f"status {recorded['status']} recorded, {reply.status} given: {reply.body[:200]}")
    for name in ("Content-Type", "Location", "Allow", "Retry-After"):
        if recorded["headers"].get(name) != reply.headers.get(name):
            found.append(f"{name} {recorded['headers'].get(name)} recorded, {reply.headers.get(name)} given")
    cookies = [_cookie(text) for text in reply.headers.get_all("Set-Cookie") or []]
    if [_cookie(text) for text in recorded["headers"].get("Set-Cookie", [])] != cookies:
        found.append(f"Set-Cookie {recorded['headers'].get('Set-Cookie')} recorded, {cookies} given")
    return found if cut else found + _bodies(recorded["body"], reply)


def _cookie(text: str) -> str:
    text = re.sub("=[^;]+", "=...", text, count=1) if text.startswith("Jackett=") and text[8] != ";" else text
    return re.sub("expires=[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} 20[0-9]{2} [0-9:]{8} GMT", "expires=then", text)


def _bodies(recorded: Any, reply: Reply) -> list[str]:
    given = reply.body
    if recorded is None:
        return [] if not given else [f"a body given, none recorded: {given[:200]}"]
    if recorded == "(HTML page)":
        return [] if "<html" in given else ["a body without HTML page given"]
    media = reply.headers.get("Content-Type") or ""
    if "javascript" in media:
        same = given[:20] == recorded[:20]
    elif not media.startswith(("application/json", "application/problem+json")):
        # Text and XML are compared literally, as far as they were recorded.
        start = recorded.removesuffix("...")
        whole = start == recorded and (recorded.endswith("/>") or not recorded.startswith("<?xml"))
        same = _flat(given) == _flat(start) if whole else _flat(given).startswith(_flat(start))
    elif isinstance(recorded, str):
        return _cut_json(recorded, given)
    else:
        return _json(recorded, json.loads(given))
    return [] if same else [f"{recorded[:300]!r} recorded, {given[:300]!r} given"]


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def _cut_json(recorded: str, given: str) -> list[str]:
    """Compare JSON whose recording is shortened: the keys up to its end in order, and the error."""
    wanted, actual = (list(dict.fromkeys(re.findall(r'"([A-Za-z_]+)": ?', text))) for text in (recorded, given))
    found = [] if actual[: len(wanted)] == wanted else [f"keys {wanted} recorded, {actual} given"]
    errors = [re.search(r'"error": "(.*?)",\n', text) for text in (recorded, given)]
    if (errors[0] and errors[0][1]) != (errors[1] and errors[1][1]):
        found.append(f"{recorded!r} recorded, {given!r} given")
    return found


def _json(recorded: Any, given: Any) -> list[str]:
    """Compare keys and types; of settings and errors also the values."""
    if isinstance(recorded, list) and recorded and isinstance(recorded[-1], str):
        total = int(re.findall("[0-9]+", recorded[-1])[0])
        if len(given) != total:
            return [f"{total} entries recorded, {len(given)} given"]
        recorded, given = recorded[:-1], given[: len(recorded) - 1]
    if shape(recorded) != shape(given):
        return [f"keys and types: {shape(recorded)} recorded, {shape(given)} given"]
    if isinstance(recorded, dict):
        if list(recorded) != list(given):
            return [f"order of keys: {list(recorded)} recorded, {list(given)} given"]
        exact = {"Port", "port", "error"} & recorded.keys()
        if exact and recorded != given:
            wrong = [key for key in recorded if recorded[key] != given[key]]
            return [f"{key}: {recorded[key]!r} recorded, {given[key]!r} given" for key in wrong]
    return []


def matches_start(recorded: str, given: str) -> bool:
    """Return whether a file has the recorded text, or begins with it if shortened; generated keys may differ."""
    pattern = re.escape(recorded.removesuffix("..."))
    for name, letters in GENERATED.items():
        pattern = re.sub(name, lambda _, letters=letters: letters, pattern)
    return bool((re.match if recorded.endswith("...") else re.fullmatch)(pattern, given))


def set_old_time(path: Path) -> os.stat_result:
    """Set an old modification time, so that a later write changes it whatever the file system's resolution is."""
    os.utime(path, ns=(10**18, 10**18))
    return path.stat()
