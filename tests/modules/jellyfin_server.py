# SPDX-License-Identifier: GPL-3.0-or-later
"""Doubles of Jellyfin on the Pi, and direct requests to them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from contract import Household

Server = dict[str, Any]

CALL = """
import sys, urllib.request
method, url, key, body = sys.argv[1:]
headers = {"Content-Type": "application/json", **({"Authorization": f'MediaBrowser Token="{key}"'} if key else {})}
request = urllib.request.Request(url, body.encode() or None, headers, method=method)
print(urllib.request.urlopen(request, timeout=60).read().decode())
"""
WAIT = """
import sys, time, urllib.request
while True:
    try:
        if urllib.request.urlopen(sys.argv[1], timeout=5).read() == b"Healthy":
            break
    except OSError:
        pass
    time.sleep(0.2)
"""


def make(
    host: Any,
    household: Household,
    folder: str,
    run_container: Callable[..., None],
    *,
    name: str,
    version: str,
    port: int,
    more: str = "",
) -> Server:
    """Start a server with an empty configuration; return the options that every module needs."""
    double = f"--volume {folder}/media:/media --env PYTHONPATH=/opt/doubles --entrypoint python3"
    folders = " ".join(f"{folder}/media/{name}" for name in ("movies", "more", "films"))
    host.check_output(f"install -d -m 0755 {folders} && touch {folder}/media/movies/.there")
    program = ("-m", "jellyfin_double", "--version", version, "--config", "/config", "--host", "0.0.0.0", more)
    run_container(
        name, f"{double} {household['jellyfin_image']}", *program, port=f"{port}:8096", config=f"{folder}/{name}"
    )
    return {"url": f"http://127.0.0.1:{port}", "api_key_file": f"{folder}/{name}.key", "timeout": 60}


def wait(host: Any, server: Server) -> None:
    host.check_output("timeout 60 python3 -c %s %s", WAIT, f"{server['url']}/health")


def call(host: Any, server: Server, method: str, path: str, body: Any = None) -> Any:
    """Send a request, with the API key if there is one; return the JSON. Fails without a success status."""
    key = host.check_output(f"cat {server['api_key_file']} 2>/dev/null || true").strip()
    sent = "" if body is None else json.dumps(body)
    answer = host.check_output("python3 -c %s %s %s %s %s", CALL, method, f"{server['url']}{path}", key, sent)
    return json.loads(answer or "null")


def library(host: Any, server: Server, name: str) -> dict[str, Any]:
    """Return a library's entry; empty when the server has none of this name."""
    found = call(host, server, "GET", "/Library/VirtualFolders")
    return next((one for one in found if one["Name"] == name), {})


def folders(found: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return the two lists of folders of a library: Locations and PathInfos."""
    return sorted(found["Locations"]), sorted(one["Path"] for one in found["LibraryOptions"]["PathInfos"])


def policy(host: Any, server: Server, name: str) -> dict[str, Any]:
    """Return the policy of an account; empty when there is no such account."""
    found = call(host, server, "GET", "/Users")
    return next((one["Policy"] for one in found if one["Name"] == name), {})
