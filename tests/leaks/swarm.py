# SPDX-License-Identifier: GPL-3.0-or-later
"""A download that is going on while something happens."""

from __future__ import annotations

import time

import demo
from stage import PATIENCE_S, Stage

# Transmission alone tries a lost peer again after 10 s, 2 min, 15 min.
SWARM_PATIENCE_S = 120


def begin_download(stage: Stage) -> None:
    """Fetch the film anew, slowly enough to be still at it when something happens."""
    torrent = demo.add_torrent(stage.household)["torrent-added"]["hashString"]
    stage.rpc("torrent-set", {"ids": [torrent], "downloadLimited": True, "downloadLimit": 40})
    _wait(stage, torrent, "haveValid", 1)


def finish_download(stage: Stage, patience: float = SWARM_PATIENCE_S) -> None:
    """Let it go on at full speed, and wait for the end: the swarm must have come back by itself."""
    torrent = stage.household["tracker"]["info_hash"]
    stage.rpc("torrent-set", {"ids": [torrent], "downloadLimited": False})
    _wait(stage, torrent, "percentDone", 1, patience)


def _wait(stage: Stage, torrent: str, field: str, least: float, patience: float = PATIENCE_S) -> None:
    begun = time.monotonic()
    fields = {"ids": [torrent], "fields": [field, "errorString"]}
    while (found := stage.rpc("torrent-get", fields)["torrents"][0])[field] < least:
        assert time.monotonic() - begun < patience, f"the swarm did not go on: {found}"
        time.sleep(0.5)
