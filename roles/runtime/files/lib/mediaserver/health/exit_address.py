# SPDX-License-Identifier: GPL-3.0-or-later
"""The address from which the internet sees the services in the VPN namespace, against the host's own.

Three answers: another one is good, the same one is a leak, and no answer (offline, a page that is down) proves nothing.
"""

from __future__ import annotations

import http.client
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress

from mediaserver import services
from mediaserver._core.docker import DockerClient
from mediaserver._core.errors import DockerError, reason
from mediaserver._core.names import PROJECT, STACK_UNIT
from mediaserver.health.environment import Environment
from mediaserver.health.model import Finding, bad, ok, unknown
from mediaserver.verify.address_page import ask_over_ipv4, is_address

EXIT = "vpn-exit"
# Seconds in which a page must answer through the tunnel.
PAGE_S = 6.0
STOP = f"stop the services now: sudo systemctl stop {STACK_UNIT}; then test: sudo mediaserver verify"
Answer = tuple[str, str]


def read(environment: Environment) -> list[Finding]:
    prober = services.prober(environment.services)
    if prober is None:
        return [unknown(EXIT, "no service with curl is in the VPN namespace, so the address cannot be compared")]
    try:
        container = _container(environment.docker(), prober.name)
    except DockerError as error:
        return [unknown(EXIT, f"it cannot be asked for: {reason(error)}")]
    if not container:
        return [unknown(EXIT, f"{prober.title} does not run, so it cannot be asked for")]
    return [judge(list(_answers(environment, container)))]


def judge(answers: Sequence[Answer]) -> Finding:
    """Judge what the pages have said through the tunnel and to the host itself; no address is no evidence. Pure."""
    compared = [(through, direct) for through, direct in answers if is_address(through) and is_address(direct)]
    if any(through == direct for through, direct in compared):
        text = "services in the VPN namespace are seen on the internet under this host's own address"
        return bad(EXIT, text, STOP)
    if compared:
        return ok(EXIT, f"the internet sees {compared[0][0]}, which is not this host's own address")
    return unknown(EXIT, "no address page has answered both through the tunnel and to the host, which proves nothing")


def _answers(environment: Environment, container: str) -> Iterator[Answer]:
    """Ask one page after the other, until one has answered on both ways."""
    for page in environment.settings.address_pages:
        through = direct = ""
        command = ["docker", "exec", container, "curl", "--ipv4", "--silent", "--fail", "--max-time", f"{PAGE_S:g}"]
        with suppress(OSError, subprocess.TimeoutExpired):
            through = environment.run([*command, page]).stdout.strip()
        if is_address(through):
            with suppress(OSError, ValueError, http.client.HTTPException):
                direct = ask_over_ipv4(page)
        yield through, direct
        if is_address(through) and is_address(direct):
            return


def _container(docker: DockerClient, service: str) -> str:
    row = docker.service(PROJECT, service)
    return str(row["Id"]) if row and row.get("State") == "running" else ""
