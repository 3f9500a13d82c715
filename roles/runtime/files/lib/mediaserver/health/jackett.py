# SPDX-License-Identifier: GPL-3.0-or-later
"""Jackett, asked from the network namespace that it shares with Transmission."""

from __future__ import annotations

import re
import socket
from contextlib import closing

from mediaserver._core.errors import DockerError, reason
from mediaserver._core.names import HOLDER, PROJECT
from mediaserver.health.environment import Environment
from mediaserver.health.model import Finding, bad, ok, unknown
from mediaserver.tunnel import netns

CHECK = "jackett-reachable"
TIMEOUT_S = 5.0
REMEDY = "see why: sudo mediaserver logs jackett"


def read(environment: Environment) -> list[Finding]:
    """Ask by the socket of a plain connection: http.client and curl would cost more than the answer."""
    # Transmission's namespace is the holder's; the services' own checks say so.
    service = "transmission" if environment.settings.transmission else HOLDER
    docker, port = environment.docker(), environment.settings.jackett_port
    try:
        row = docker.service(PROJECT, service)
        details = docker.details(str(row["Id"])) if row and row.get("State") == "running" else None
        pid = int(details["State"]["Pid"]) if details else 0
    except DockerError as error:
        return [unknown(CHECK, reason(error))]
    if not pid:
        return [unknown(CHECK, f"service {service} does not run")]
    try:
        return [judge(netns.inside(pid, lambda: answer(port)))]
    except OSError as error:
        return [bad(CHECK, f"it does not answer at port {port}: {reason(error)}", REMEDY)]


def answer(port: int) -> bytes:
    """Return the beginning of what port ``port`` of the loopback answers. Raises OSError."""
    with closing(socket.create_connection(("127.0.0.1", port), TIMEOUT_S)) as line:
        line.sendall(b"GET /UI/Login HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
        return line.recv(64)


def judge(begun: bytes) -> Finding:
    """Pure."""
    found = re.match(rb"HTTP/1\.[01] (\d{3}) ", begun)
    status = int(found[1]) if found else 0
    if 200 <= status < 400:
        return ok(CHECK, "it answers in the VPN namespace")
    what = f"status {status}" if status else "something that is not HTTP"
    return bad(CHECK, f"it answers {what}, and should show its login page", REMEDY)
