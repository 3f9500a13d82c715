# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks repeatedly whether the services at an address can be used without a password.

    access_check.py ADDRESS SECONDS

Prints one line of JSON for each answer that differs from the one before: the service, seconds since the start, the HTTP
status (0: no answer), and whether the service is open. Each request is one that only an authenticated client may make:
Transmission's session, Jackett's dashboard, Jellyfin's first-run wizard.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import threading
import time
from collections.abc import Callable

PAUSE_S = 0.2
TIMEOUT_S = 2.0


def ask(address: str, port: int, method: str, path: str) -> int:
    """Return the HTTP status, or 0 without an answer."""
    connection = http.client.HTTPConnection(address, port, timeout=TIMEOUT_S)
    try:
        connection.request(method, path, body=b"{}" if method == "POST" else None, headers={"Cookie": "TestCookie=1"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def transmission(address: str) -> tuple[int, bool]:
    # Without a password check, the answer is 409 (session id missing) or 200.
    status = ask(address, 9091, "POST", "/transmission/rpc")
    return status, status in (200, 409)


def jackett(address: str) -> tuple[int, bool]:
    # Without a password, every client with cookies gets a session and a redirect to the dashboard.
    status = ask(address, 9117, "GET", "/UI/Login?cookiesChecked=1")
    return status, status == 302


def jellyfin(address: str) -> tuple[int, bool]:
    status = ask(address, 8096, "GET", "/Startup/Configuration")
    return status, status == 200


SERVICES: dict[str, Callable[[str], tuple[int, bool]]] = {
    "transmission": transmission,
    "jackett": jackett,
    "jellyfin": jellyfin,
}


def check(name: str, address: str, begun: float, until: float) -> None:
    before = None
    while time.monotonic() < until:
        found = SERVICES[name](address)
        if found != before:
            before = found
            seconds = round(time.monotonic() - begun, 1)
            line = json.dumps({"service": name, "s": seconds, "status": found[0], "open": found[1]})
            # One write(2) per line: print() writes the newline separately, so lines of threads could mix.
            os.write(sys.stdout.fileno(), f"{line}\n".encode())
        time.sleep(PAUSE_S)


if __name__ == "__main__":
    start = time.monotonic()
    for service in SERVICES:
        threading.Thread(target=check, args=(service, sys.argv[1], start, start + float(sys.argv[2]))).start()
