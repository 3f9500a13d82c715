# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Waits for Jellyfin. Its start is not one moment: a temporary server, a gap, then the real one, loading.

The temporary server says 200 to everybody who asks for its health, so only the body counts, and only ``Healthy``.
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
# Much shorter than the two seconds or so for which a restarting server is away.
RESTART_PAUSE_S = 0.1
# A server that has not gone away by then has not restarted; stopping what it plays takes its time.
RESTART_BEGINS_S = 60.0

HEALTHY = "Healthy"
REMEDIES = {
    "refused": "nobody listens there. Look whether the container runs and what its log says",
    "silent": "it does not answer. Look at the container's log, and whether the machine is overloaded",
    "Degraded": (
        "it says Degraded: its temporary server is up while it starts or migrates its database, which may take"
        " hours after an upgrade. If its log does not move, a power cut has left the migration's lock in the"
        " table __EFMigrationsLock of jellyfin.db: stop the container, keep a copy of the database, delete that row"
    ),
    "loading": "it says 503: the server is loading. Look at its log",
}

Ask = t.Callable[[], Response]


def retry_after(answer: Response) -> float:
    """Return the seconds that a 503 asks for (Jellyfin writes 005 for five), or one pause."""
    text = answer.headers.get("retry-after", "").strip()
    return max(float(text[:6]), PAUSE_S) if text.isascii() and text.isdigit() else PAUSE_S


def phase_of(ask: Ask, where: str) -> tuple[str, float]:
    """Ask once; return the phase of the start and the seconds to wait before asking again.

    Raises ServiceProblem for Unhealthy, which no waiting cures, and ProtocolError for what is not Jellyfin.
    """
    try:
        answer = ask()
    except Unreachable as error:
        return ("refused" if error.refused else "silent"), PAUSE_S
    text = answer.body[:200].decode(errors="replace").strip()
    if text == "Unhealthy":
        raise ServiceProblem(f"{where}/health: Unhealthy: the server's start has failed. Its log says why")
    if answer.status == 200 and text in (HEALTHY, "Degraded"):
        return text, PAUSE_S
    if answer.status == 503:
        return "loading", retry_after(answer)
    if answer.status in (502, 504):
        return "silent", PAUSE_S
    raise ProtocolError(
        f"{where}/health: status {answer.status} and neither Healthy nor Degraded. Is this Jellyfin, and does url end"
        " in its base URL?"
    )


def wait_until_healthy(ask: Ask, *, where: str, timeout: float, clock: Clock) -> None:
    """Return when the server says Healthy. Raises Unreachable, with the phase it hung in, after ``timeout`` s."""
    deadline = clock.monotonic() + timeout
    while True:
        phase, pause = phase_of(ask, where)
        if phase == HEALTHY:
            return
        left = deadline - clock.monotonic()
        if left <= 0:
            raise Unreachable(
                f"{where}/health: not Healthy within {timeout:g} s: {REMEDIES[phase]}", refused=phase == "refused"
            )
        clock.sleep(min(pause, left))


def wait_for_restart(ask: Ask, *, where: str, timeout: float, clock: Clock) -> None:
    """See the old server go, then wait for the new one. Raises NotTaken when it does not go."""
    start = clock.monotonic()
    while phase_of(ask, where)[0] == HEALTHY:
        waited = clock.monotonic() - start
        if waited >= min(timeout, RESTART_BEGINS_S):
            raise NotTaken(
                f"POST {where}/System/Restart: accepted, and {waited:.0f} s later the old server still answers."
                " Restart the container by hand"
            )
        clock.sleep(RESTART_PAUSE_S)
    wait_until_healthy(ask, where=where, timeout=max(timeout - (clock.monotonic() - start), 1.0), clock=clock)
