# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's indexer in the double of Jackett: adding, both kinds of search, and the blackhole."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from jackett_double import Server

TORRENT = b"d8:announce14:http://[::1]/a4:infod6:lengthi5e4:name5:a.txt12:piece lengthi16384e6:pieces20:%see" % (
    b"A" * 20
)
TITLE = "Household Demo Film 2026"


@dataclass
class Site:
    """The lab's internet host: its list of films, and the requests to it."""

    url: str = ""
    films: Any = field(default_factory=lambda: [{"title": TITLE, "torrent": "a.torrent", "size": 2**30, "seeders": 3}])
    torrent: bytes = TORRENT
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def site() -> Iterator[Site]:
    found = Site()

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            body = found.torrent if self.path.endswith(".torrent") else json.dumps(found.films).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        found.url = f"http://127.0.0.1:{server.server_port}/films/"
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield found
        server.shutdown()


@pytest.fixture
def jackett(tmp_path: Path, site: Site) -> Iterator[Server]:
    (tmp_path / "watch").mkdir()
    with Server(tmp_path / "Jackett", port=0, indexer_url=site.url) as server:
        server.config["BlackholeDir"] = str(tmp_path / "watch")
        yield server


def ask(
    server: Server, method: str, path: str, body: Any = None, cookie: str = ""
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        headers = {"Content-Type": "application/json", "Cookie": cookie}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), answer.read()
    finally:
        connection.close()


def add(server: Server) -> None:
    cookie = ask(server, "POST", "/UI/Dashboard")[1]["Set-Cookie"].split(";")[0]
    assert ask(server, "POST", "/api/v2.0/indexers/householdlab/config", [], cookie)[0] == 204


def search(server: Server, words: str) -> list[dict[str, Any]]:
    query = urlencode({"apikey": server.config["APIKey"], "Query": words})
    return list(json.loads(ask(server, "GET", f"/api/v2.0/indexers/all/results?{query}")[2])["Results"])


def below(server: Server, link: str) -> str:
    return link.removeprefix(f"http://127.0.0.1:{server.port}")


def test_result_is_written_to_blackhole(jackett: Server, site: Site, tmp_path: Path) -> None:
    add(jackett)
    assert site.asked == []
    (found,) = search(jackett, "household film")
    assert (found["Title"], found["Size"], found["Seeders"]) == (TITLE, 2**30, 3)
    assert ask(jackett, "GET", below(jackett, found["Link"]))[2] == TORRENT
    assert list((tmp_path / "watch").iterdir()) == []
    status, _, body = ask(jackett, "GET", below(jackett, found["BlackholeLink"]))
    assert (status, json.loads(body)) == (200, {"result": "success"})
    (written,) = (tmp_path / "watch").iterdir()
    assert written.read_bytes() == TORRENT
    assert written.name.endswith(f"-Household Lab-{TITLE}.torrent")


@pytest.mark.parametrize("kind", ["search", "movie"])
@pytest.mark.parametrize("name", ["householdlab", "all", "type:public"])
def test_torznab_search_finds_film(jackett: Server, kind: str, name: str) -> None:
    add(jackett)
    query = urlencode({"apikey": jackett.config["APIKey"], "t": kind, "q": "demo"})
    status, headers, body = ask(jackett, "GET", f"/api/v2.0/indexers/{name}/results/torznab/api?{query}")
    assert (status, headers["Content-Type"]) == (200, "application/rss+xml; charset=utf-8")
    link = ElementTree.fromstring(body).findtext("channel/item/link") or ""
    assert ask(jackett, "GET", below(jackett, link))[2] == TORRENT


def test_each_search_reads_list_again(jackett: Server, site: Site) -> None:
    add(jackett)
    assert len(search(jackett, "")) == 1
    site.films = []
    assert search(jackett, "") == []
    site.films = "no list"
    assert search(jackett, "household") == []


def test_invalid_torrent_is_not_written(jackett: Server, site: Site, tmp_path: Path) -> None:
    add(jackett)
    (found,) = search(jackett, "household")
    for site.torrent in (b"", b"<html>", TORRENT[:-1], TORRENT + b"x", b"d4:infoi1ee", b"d" * 5000):
        assert ask(jackett, "GET", below(jackett, found["Link"]))[0] == 404
        assert json.loads(ask(jackett, "GET", below(jackett, found["BlackholeLink"]))[2])["result"] == "error"
    assert list((tmp_path / "watch").iterdir()) == []


def test_no_blackhole_link_without_folder(jackett: Server) -> None:
    add(jackett)
    jackett.config["BlackholeDir"] = None
    assert [found["BlackholeLink"] for found in search(jackett, "household")] == [None]


@pytest.mark.parametrize("base", [None, "https://jackett.example.org/j"])
def test_links_have_requested_or_configured_host_and_key(jackett: Server, base: str | None) -> None:
    """The links contain the key, so they are secrets."""
    add(jackett)
    jackett.config["BaseUrlOverride"] = base
    (found,) = search(jackett, "household")
    for link in (found["Link"], found["BlackholeLink"]):
        assert link.startswith(f"{base or f'http://127.0.0.1:{jackett.port}'}/")
        assert f"jackett_apikey={jackett.config['APIKey']}&" in link


def test_title_cannot_escape_folder(jackett: Server, site: Site, tmp_path: Path) -> None:
    add(jackett)
    site.films = [{"title": "../../out", "torrent": "a.torrent"}]
    (found,) = search(jackett, "")
    assert ask(jackett, "GET", below(jackett, found["BlackholeLink"]))[0] == 200
    assert [path.parent for path in tmp_path.rglob("*.torrent")] == [tmp_path / "watch"]


def test_indexer_stays_after_restart(tmp_path: Path, site: Site) -> None:
    with Server(tmp_path / "Jackett", port=0, indexer_url=site.url) as server:
        add(server)
    with Server(tmp_path / "Jackett", port=0, indexer_url=site.url) as server:
        assert [found["TrackerId"] for found in search(server, "film")] == ["householdlab"]


def test_unreachable_site_is_error_for_one_indexer_and_empty_for_all(tmp_path: Path) -> None:
    with Server(tmp_path / "Jackett", port=0, indexer_url="http://127.0.0.1:9/") as server:
        add(server)
        query = f"?apikey={server.config['APIKey']}&t=search&q=x"
        alone = ask(server, "GET", f"/api/v2.0/indexers/householdlab/results/torznab/api{query}")
        assert alone[0] == 400 and b'<error code="900"' in alone[2]
        through_all = ask(server, "GET", f"/api/v2.0/indexers/all/results/torznab/api{query}")
        assert through_all[0] == 200 and b"<item>" not in through_all[2]
