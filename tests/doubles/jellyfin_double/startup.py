# SPDX-License-Identifier: GPL-3.0-or-later
"""Phases of a start: connection refused, temporary server, connection refused, loading, healthy."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum, auto
from urllib.parse import urlsplit

from jellyfin_double.answers import JSON, Answer, text
from jellyfin_double.request import Request


class Phase(Enum):
    DOWN = auto()
    TEMPORARY = auto()
    FAILED = auto()  # the temporary server stays, and reports it
    GAP = auto()
    LOADING = auto()
    HEALTHY = auto()

    @property
    def listens(self) -> bool:
        return self not in (Phase.DOWN, Phase.GAP)


@dataclass(frozen=True)
class Timing:
    """Durations of the phases in seconds."""

    down_s: float = 0.0
    degraded_s: float = 0.0
    gap_s: float = 0.0
    loading_s: float = 0.0
    migration_s: float = 0.0  # in addition to degraded_s, with data of an older version

    @classmethod
    def of(cls, startup_s: float, degraded_s: float, migration_s: float = 0.0) -> Timing:
        """Divide the remaining time of a start between the other phases, in the measured proportions."""
        return cls(0.1 * startup_s, degraded_s, 0.2 * startup_s, 0.7 * startup_s, migration_s)

    def later(self, since_temporary_s: float) -> Phase:
        """Return the phase at this time after the end of the temporary server."""
        if since_temporary_s < self.gap_s:
            return Phase.GAP
        return Phase.LOADING if since_temporary_s < self.gap_s + self.loading_s else Phase.HEALTHY


def temporary(request: Request, *, server: str, name: str, release: str, failed: bool) -> Answer:
    """Answer as the temporary server: its public information has other keys and wrong values."""
    path = urlsplit(request.target).path.lower().rstrip("/")
    if path == "/health":
        # HTTP 200, so the status alone does not prove health.
        return text("Unhealthy", 503) if failed else text("Degraded")
    if path == "/system/info/public":
        known = {
            "localAddress": f"http://{request.local}",
            "serverName": name,
            "version": release,
            "productName": "Jellyfin Server",
            "operatingSystem": "",
            "id": server,
            "startupWizardCompleted": False,
        }
        return Answer(200, json.dumps(known).encode(), JSON)
    page = "<!DOCTYPE html><html><body><h1>Jellyfin is starting</h1></body></html>"
    return Answer(503, page.encode(), "text/html", (("Retry-After", "005"),))


def loading(request: Request, *, needs_token: bool) -> Answer | None:
    """Return the response of the server while it is loading; None for requests that it handles already."""
    path = urlsplit(request.target).path.lower().rstrip("/")
    if path == "":
        return Answer(302, headers=(("Location", "web/"),))
    if path == "/system/ping":
        return None
    if needs_token:
        return Answer(401)
    return text("Jellyfin Server is loading. Please try again shortly.", 503)
