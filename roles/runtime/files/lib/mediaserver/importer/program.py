# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the parts of the import together for ``mediaserver import``, which a path unit and a timer start."""

from __future__ import annotations

import os
import pwd
import time
from pathlib import Path

from mediaserver._core.errors import FileProblem
from mediaserver._core.transport import Http
from mediaserver._import.model import Guess
from mediaserver.importer.access import JELLYFIN_REMEDY, TRANSMISSION_REMEDY, Service
from mediaserver.importer.jellyfin import Jellyfin
from mediaserver.importer.ledger import Ledger
from mediaserver.importer.runner import Clock, Runner
from mediaserver.importer.settings import Credentials, Settings
from mediaserver.importer.spool import REJECTED, Pending
from mediaserver.importer.state import STATE, StateFile
from mediaserver.importer.torrent_import import TorrentImport
from mediaserver.importer.transmission import Torrents
from mediaserver.notify.outbox import Outbox

# Seconds for which a second run waits for the first one.
PATIENCE_S = 600.0


def runner(
    settings: Settings,
    credentials: Credentials,
    *,
    transmission_http: Http | None = None,
    jellyfin_http: Http | None = None,
    clock: Clock = time,
    guess: Guess | None = None,
    outbox: Outbox | None = None,
) -> Runner:
    """Return a run for a household. The transports, clock and guess are for tests. Raises InvalidValue."""
    access = credentials.transmission
    ledger = Ledger(settings.state / "ledger")
    jellyfin = None
    if settings.jellyfin_url:
        jellyfin = Jellyfin.connect(settings.jellyfin_url, credentials.jellyfin_key, http=jellyfin_http, clock=clock)
    return Runner(
        settings=settings,
        torrents=Torrents.connect(access, transmission_http),
        jellyfin=jellyfin,
        importer=TorrentImport(settings, ledger, guess),
        pending=Pending(settings.state / "pending", settings.state / REJECTED),
        ledger=ledger,
        state_file=StateFile(settings.state / STATE),
        transmission_service=Service(
            "Transmission",
            settings.state / "transmission.refused",
            f"{access.user}:{access.password}",
            TRANSMISSION_REMEDY,
        ),
        jellyfin_service=Service(
            "Jellyfin", settings.state / "jellyfin.refused", credentials.jellyfin_key, JELLYFIN_REMEDY
        ),
        clock=clock,
        outbox=outbox,
    )


def become_account(folder: Path) -> None:
    """Continue as the account that owns a folder, when this runs as root. Raises FileProblem."""
    if os.geteuid() != 0:
        return
    try:
        status = folder.stat()
    except OSError as error:
        raise FileProblem(f"{folder} does not exist; run the playbook again") from error
    try:
        name = pwd.getpwuid(status.st_uid).pw_name
        groups = os.getgrouplist(name, status.st_gid)
    except KeyError:
        groups = [status.st_gid]
    os.setgroups(groups)
    os.setgid(status.st_gid)
    os.setuid(status.st_uid)


def lock_of(settings: Settings) -> Path:
    return settings.state / "lock"
