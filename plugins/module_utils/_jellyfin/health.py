# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Waits for Jellyfin, whose start has phases: a temporary server, a gap, then the real server while it loads.

The temporary server returns 200 at /health, so the status proves nothing: only the body ``Healthy`` counts.
"""

from __future__ import annotations

import typing as t

from .._core.clock import Clock
from .._core.errors import (
    NotTaken,
    ProtocolError,
    ServiceProblem,
    Unreachable,
)
from .._core.transport import Response

PAUSE_S = 1.0
# Much shorter than the gap of about 2 s while the server restarts.
RESTART_PAUSE_S = 0.1
# Limit for the old server to stop, which takes longer while it plays.
RESTART_BEGINS_S = 60.0

HEALTHY = "Healthy"
REMEDIES = {
    "refused": "the connection is refused. Check that the container runs, and its log",
    "silent": "there is no response. Check the container's log, and the load of the host",
    "Degraded": (
        "it is Degraded: its temporary server runs while it starts or migrates its database, which may take"
        " hours after an upgrade. If its log does not change, a power cut has left the migration's lock in the"
        " table __EFMigrationsLock of jellyfin.db: stop the container, keep a copy of the database, delete that row"
    ),
    "loading": "status 503: the server is loading. Check its log",
}

HealthRequest = t.Callable[[], Response]


def retry_after(response: Response) -> float:
    """Return the seconds in a response's Retry-After (Jellyfin writes 005 for 5), at least PAUSE_S."""
    text = response.headers.get("retry-after", "").strip()
    return max(float(text[:6]), PAUSE_S) if text.isascii() and text.isdigit() else PAUSE_S


def start_phase(request: HealthRequest, where: str) -> tuple[str, float]:
    """Request the health once; return the phase of the start and the seconds to wait before the next request.

    Raises ServiceProblem for Unhealthy, which waiting cannot change, and ProtocolError for another server.
    """
    try:
        response = request()
    except Unreachable as error:
        return ("refused" if error.refused else "silent"), PAUSE_S
    text = response.body[:200].decode(errors="replace").strip()
    if text == "Unhealthy":
        raise ServiceProblem(f"{where}/health: Unhealthy: the server's start has failed. Its log has the reason")
    if response.status == 200 and text in (HEALTHY, "Degraded"):
        return text, PAUSE_S
    if response.status == 503:
        return "loading", retry_after(response)
    if response.status in (502, 504):
        return "silent", PAUSE_S
    raise ProtocolError(
        f"{where}/health: status {response.status} and neither Healthy nor Degraded. Is this Jellyfin, and does url end"
        " with its base URL?"
    )


def wait_until_healthy(request: HealthRequest, *, where: str, timeout: float, clock: Clock) -> None:
    """Return when the server is Healthy. Raises Unreachable with the last phase after ``timeout`` s."""
    deadline = clock.monotonic() + timeout
    while True:
        phase, pause = start_phase(request, where)
        if phase == HEALTHY:
            return
        left = deadline - clock.monotonic()
        if left <= 0:
            raise Unreachable(
                f"{where}/health: not Healthy within {timeout:g} s: {REMEDIES[phase]}", refused=phase == "refused"
            )
        clock.sleep(min(pause, left))


def wait_for_restart(request: HealthRequest, *, where: str, timeout: float, clock: Clock) -> None:
    """Wait until the old server has stopped and the new one is Healthy, up to ``timeout`` s.

    Raises NotTaken when the old server does not stop, and the errors of wait_until_healthy.
    """
    start = clock.monotonic()
    while start_phase(request, where)[0] == HEALTHY:
        waited = clock.monotonic() - start
        if waited >= min(timeout, RESTART_BEGINS_S):
            raise NotTaken(
                f"POST {where}/System/Restart: accepted, but {waited:.0f} s later the old server still responds."
                " Restart the container by hand"
            )
        clock.sleep(RESTART_PAUSE_S)
    wait_until_healthy(request, where=where, timeout=max(timeout - (clock.monotonic() - start), 1.0), clock=clock)
