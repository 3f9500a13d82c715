# SPDX-License-Identifier: GPL-3.0-or-later
"""A visitor on the LAN who tries, again and again, whether a service of the house is nobody's yet.

    visitor.py ADDRESS SECONDS

Prints one line of JSON for each answer that differs from the one before: the service, seconds since the beginning, the
HTTP status (0: no answer), and whether a stranger could take the service over. Every service is asked what only its
owner may see: Transmission for its session, Jackett for its dashboard, Jellyfin for the first-run wizard.
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
    """Return the status, or 0 without an answer."""
    line = http.client.HTTPConnection(address, port, timeout=TIMEOUT_S)
    try:
        line.request(method, path, body=b"{}" if method == "POST" else None, headers={"Cookie": "TestCookie=1"})
        return line.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        line.close()


def transmission(address: str) -> tuple[int, bool]:
    # Past the password there is either the question for a session id, or the answer itself.
    status = ask(address, 9091, "POST", "/transmission/rpc")
    return status, status in (200, 409)


def jackett(address: str) -> tuple[int, bool]:
    # Without a password every visitor who takes cookies is given a session, and sent to the dashboard.
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


def visit(name: str, address: str, begun: float, until: float) -> None:
    before = None
    while time.monotonic() < until:
        found = SERVICES[name](address)
        if found != before:
            before = found
            seconds = round(time.monotonic() - begun, 1)
            line = json.dumps({"service": name, "s": seconds, "status": found[0], "open": found[1]})
            # In one piece: print() writes a line's end by itself, and another thread's line may come between.
            os.write(sys.stdout.fileno(), f"{line}\n".encode())
        time.sleep(PAUSE_S)


if __name__ == "__main__":
    start = time.monotonic()
    for service in SERVICES:
        threading.Thread(target=visit, args=(service, sys.argv[1], start, start + float(sys.argv[2]))).start()
