# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks Jellyfin whether a restart would cost something. Only an unhealthy Jellyfin is asked."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mediaserver._core.errors import AccessDenied, FileProblem, MediaserverError, ServiceProblem
from mediaserver._core.names import JELLYFIN, JELLYFIN_LOCKED, JELLYFIN_PORT, PROJECT
from mediaserver.monitor.observation import Use

# Short, because vpn-monitor does nothing else meanwhile.
TIMEOUT_S = 3.0
CLIENT, DEVICE_ID = "household.mediaserver vpn-monitor", "household-mediaserver-vpn-monitor"


def use_of(root: Path, connect: Callable[[str], Any] | None = None) -> Use:
    """Return what an unhealthy Jellyfin does. Nothing is raised."""
    # Here, because these modules take memory that vpn-monitor needs only when Jellyfin is unhealthy.
    from mediaserver._jellyfin import key_file  # noqa: PLC0415
    from mediaserver._jellyfin.health import HEALTHY, start_phase  # noqa: PLC0415

    client = (connect or connected)("")
    try:
        phase = start_phase(client.get_health, client.url)[0]
    except ServiceProblem:
        return Use.FREE  # its start has failed, so nothing is played
    except MediaserverError:
        return Use.UNKNOWN  # another program answers
    if phase in ("Degraded", "loading"):
        return Use.MIGRATES
    if phase != HEALTHY:
        # A migration may be too busy to answer; then its lock is in the database.
        return Use.MIGRATES if is_locked(root) else Use.FREE
    try:
        client.token = key_file.load_key(str(root / "secrets" / "jellyfin.key"))
        sessions = client.get("/Sessions")
    except (FileProblem, AccessDenied, MediaserverError):
        return Use.UNKNOWN
    return Use.IN_USE if is_playing(sessions) else Use.FREE


def is_playing(sessions: object) -> bool:
    """Say whether an answer of /Sessions holds a playback, a paused one included. Nonsense counts as one."""
    if not isinstance(sessions, list) or not all(isinstance(one, dict) for one in sessions):
        return True
    return any(one.get("NowPlayingItem") for one in sessions)


def connected(token: str) -> Any:
    """Return a client of the household's Jellyfin, by its container's own address."""
    from mediaserver._core.docker import DockerClient  # noqa: PLC0415
    from mediaserver._core.service_http import ServiceHttp  # noqa: PLC0415
    from mediaserver._jellyfin.client import JellyfinClient  # noqa: PLC0415

    http, url = ServiceHttp(DockerClient(), PROJECT, JELLYFIN), f"http://{JELLYFIN}:{JELLYFIN_PORT}"
    return JellyfinClient(http, url, client=CLIENT, device_id=DEVICE_ID, clock=time, token=token, timeout=TIMEOUT_S)


def is_locked(root: Path) -> bool:
    """Say whether a migration's lock is in the database: in a process with the rights of the database's owner."""
    command = [str(root / "scripts" / "jellyfin-unlock"), "--ask", str(root / "config/jellyfin/data/jellyfin.db")]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == JELLYFIN_LOCKED
