# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks repeatedly whether the services at an address can be used without a password.

    access_check.py ADDRESS SECONDS SERVICE:PORT ...

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
from dataclasses import dataclass

PAUSE_S = 0.2
TIMEOUT_S = 2.0


@dataclass(frozen=True)
class Request:
    """What only an authenticated client may request, and the HTTP statuses of a service that needs no password."""

    method: str
    path: str
    open: tuple[int, ...]


REQUESTS = {
    # Without a password check, the answer is 409 (session id missing) or 200.
    "transmission": Request("POST", "/transmission/rpc", (200, 409)),
    # Without a password, every client with cookies gets a session and a redirect to the dashboard.
    "jackett": Request("GET", "/UI/Login?cookiesChecked=1", (302,)),
    "jellyfin": Request("GET", "/Startup/Configuration", (200,)),
}


def status(address: str, port: int, request: Request) -> int:
    """Return the HTTP status, or 0 without an answer."""
    connection = http.client.HTTPConnection(address, port, timeout=TIMEOUT_S)
    body = b"{}" if request.method == "POST" else None
    try:
        connection.request(request.method, request.path, body=body, headers={"Cookie": "TestCookie=1"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def check(service: str, address: str, port: int, begun: float, until: float) -> None:
    before, request = None, REQUESTS[service]
    while time.monotonic() < until:
        found = status(address, port, request)
        if found != before:
            before = found
            seconds = round(time.monotonic() - begun, 1)
            line = json.dumps({"service": service, "s": seconds, "status": found, "open": found in request.open})
            # One write(2) per line: print() writes the newline separately, so lines of threads could mix.
            os.write(sys.stdout.fileno(), f"{line}\n".encode())
        time.sleep(PAUSE_S)


def main(address: str, seconds: str, *services: str) -> None:
    ports = {name: int(port) for name, _colon, port in (text.partition(":") for text in services)}
    if unknown := ports.keys() - REQUESTS.keys():
        sys.exit(f"no request is known for {', '.join(sorted(unknown))}; add it to REQUESTS in access_check.py")
    begun = time.monotonic()
    for name, port in ports.items():
        threading.Thread(target=check, args=(name, address, port, begun, begun + float(seconds))).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
