# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker's socket, simulated: answers by path, and keeps what it was asked."""

from __future__ import annotations

import contextlib
import json
import socketserver
import threading
import typing as t
import urllib.parse
from pathlib import Path

# A household of the lab, as Docker 26.1.5 describes it, cut to what is read.
VPN_NETWORK = {
    "Id": "f00d" * 16,
    "Driver": "bridge",
    "Name": "mediaserver_vpn",
    "Options": {"com.docker.network.bridge.name": "br-vpn"},
}
HOUSE_NETWORK = {"Id": "0123456789abcdef" * 4, "Driver": "bridge", "Name": "mediaserver_jellyfin", "Options": {}}


def row(service: str, state: str = "running", *, project: str = "mediaserver", **more: t.Any) -> dict[str, t.Any]:
    """One container in the list of containers."""
    labels = {"com.docker.compose.project": project, "com.docker.compose.service": service}
    return {
        "Id": more.pop("id", f"{service}-id"),
        "Names": [more.pop("name", f"/{project}-{service}-1")],
        "State": state,
        "Labels": {**labels, "com.docker.compose.oneoff": more.pop("oneoff", "False")},
        "HostConfig": {"NetworkMode": more.pop("mode", "mediaserver_jellyfin")},
        "NetworkSettings": {"Networks": more.pop("networks", {})},
        **more,
    }


@contextlib.contextmanager
def engine(folder: Path, answers: dict[str, t.Any]) -> t.Iterator[tuple[str, list[str]]]:
    """Answer each path as told, and any other one with 404; hand out the socket's path, and what was asked."""
    asked: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            target = self.rfile.readline().decode().split()[1]
            while self.rfile.readline().strip():
                pass
            path, _mark, query = target.partition("?")
            asked.append(f"{path} {urllib.parse.unquote_plus(query)}".strip())
            found = answers.get(path)
            if isinstance(found, bytes):
                self.wfile.write(found)
                return
            status = "404 Not Found" if found is None else "200 OK"
            body = json.dumps({"message": "no such thing"} if found is None else found).encode()
            self.wfile.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    address = str(folder / "docker.sock")
    with socketserver.ThreadingUnixStreamServer(address, Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield address, asked
        finally:
            server.shutdown()
            thread.join()
