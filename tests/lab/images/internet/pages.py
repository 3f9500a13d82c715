# SPDX-License-Identifier: GPL-3.0-or-later
"""The web server of the lab's internet host: the client's address, and the films that the tracker serves."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SHARED = Path("/lab")
TITLE = "Household Demo Film 2026"


class Pages(BaseHTTPRequestHandler):
    """``/``: the client's address; ``/films/``: a list with one film; ``/films/film.torrent``: its torrent."""

    def do_GET(self) -> None:
        if self.path.startswith("/films/film.torrent"):
            self._answer("application/x-bittorrent", (SHARED / "film.torrent").read_bytes())
        elif self.path.startswith("/films/"):
            size = (SHARED / "seed" / "household-demo-film.mkv").stat().st_size
            films = [{"title": TITLE, "torrent": "film.torrent", "size": size, "seeders": 1}]
            self._answer("application/json", json.dumps(films).encode())
        else:
            self._answer("text/plain", f"{self.client_address[0]}\n".encode())

    def _answer(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("", 80), Pages).serve_forever()
