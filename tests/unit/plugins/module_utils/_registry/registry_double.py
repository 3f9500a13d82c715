# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry on loopback that answers as the distribution specification says, with faults to be switched on."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ansible_collections.household.mediaserver.plugins.module_utils._core.transport import UrlHttp
from ansible_collections.household.mediaserver.plugins.module_utils._registry.client import RegistryClient

INDEX = "application/vnd.oci.image.index.v1+json"
TOKEN = "anonymous-token"


def digest_of(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


class FakeClock:
    """Waits without time passing."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float, /) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


@dataclass
class Registry:
    """``images``: by repository, the digest of each tag, in the order of the listing.

    ``faults``: by the beginning of a path, answers that come first: a status with headers and body.
    """

    images: dict[str, dict[str, str]] = field(default_factory=dict)
    page: int = 1000
    wants_token: bool = True
    token: str = TOKEN  # what it gives out
    endless: bool = False
    late_s: float = 0.0
    faults: dict[str, list[tuple[int, Mapping[str, str], bytes]]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    host: str = ""

    def client(self, clock: Any = None, timeout: float = 5.0) -> RegistryClient:
        return RegistryClient(UrlHttp(), clock or FakeClock(), insecure=[self.host], timeout=timeout)

    def answer(self, method: str, path: str, headers: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        self.calls.append(f"{method} {path}")
        self.tokens.append(headers.get("Authorization", ""))
        time.sleep(self.late_s)
        for start, answers in self.faults.items():
            if path.startswith(start) and answers:
                status, more, body = answers.pop(0)
                return status, dict(more), body
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/token":
            assert query["service"] == "registry.test", query
            assert query["scope"].startswith("repository:"), query
            assert query["scope"].endswith(":pull"), query
            return 200, {}, json.dumps({"token": self.token}).encode()
        if self.wants_token and headers.get("Authorization") != f"Bearer {TOKEN}":
            realm = f'Bearer realm="http://{self.host}/token",service="registry.test",scope="repository:x:pull"'
            return 401, {"WWW-Authenticate": realm}, b"{}"
        repository, _slash, rest = parts.path.removeprefix("/v2/").rpartition("/")
        kind = repository.rpartition("/")[2]
        tags = self.images.get(repository.rpartition("/")[0])
        if tags is None:
            return 404, {}, b"{}"
        if kind == "manifests":
            # A registry that is not asked for an index has no answer that a client of today could use.
            if rest not in tags or INDEX not in headers.get("Accept", ""):
                return 404, {}, b"{}"
            return 200, {"Docker-Content-Digest": tags[rest], "Content-Type": INDEX}, b"{}"
        return self._list(parts.path, list(tags), query)

    def _list(self, path: str, tags: Sequence[str], query: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        start = tags.index(query["last"]) + 1 if query.get("last") in tags else 0
        found = tags[start : start + self.page]
        headers = {}
        if self.endless:
            headers["Link"] = f'<{path}?n={self.page}&last=x{len(self.calls)}>; rel="next"'
        elif start + self.page < len(tags):
            headers["Link"] = f'<{path}?n={self.page}&last={found[-1]}>; rel="next"'
        return 200, headers, json.dumps({"name": "x", "tags": list(found)}).encode()


@contextlib.contextmanager
def serving(registry: Registry) -> Iterator[Registry]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments: Any) -> None:
            """Say nothing."""

        def respond(self) -> None:
            status, headers, body = registry.answer(self.command, self.path, self.headers)  # type: ignore[arg-type]
            with contextlib.suppress(OSError):  # a client that did not wait
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

        do_GET = do_HEAD = respond

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    registry.host = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
