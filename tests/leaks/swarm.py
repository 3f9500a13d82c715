# SPDX-License-Identifier: GPL-3.0-or-later
"""A download that is going on while something happens."""

from __future__ import annotations

import base64
import re
import time
from pathlib import Path

import demo
from stage import PATIENCE_S, Stage
from waiting import wait_for

# Of /proc/net/tcp and tcp6: number, both ends, and every state but TIME_WAIT, CLOSE and LISTEN.
OPEN = re.compile(r"^ *\d+: \S+ \S+ 0[1-58-9B]", re.MULTILINE)
# Transmission alone tries a lost peer again after 10 s, 2 min, 15 min.
SWARM_PATIENCE_S = 120


def begin_download(stage: Stage) -> None:
    """Fetch the film anew, slowly enough to be still at it when something happens."""
    torrent = demo.add_torrent(stage.household)["torrent-added"]["hashString"]
    stage.rpc("torrent-set", {"ids": [torrent], "downloadLimited": True, "downloadLimit": 40})
    _wait(stage, torrent, "haveValid", 1)


def begin_in(stage: Stage, container: str) -> None:
    """Have the Transmission of a container of the Pi's fetch it, that asks for no password."""
    metainfo = base64.b64encode(Path(stage.household["tracker"]["torrent_file"]).read_bytes()).decode()
    keep = "base64 --decode > /tmp/film.torrent"
    add = "transmission-remote 9091 --add /tmp/film.torrent"
    # It does not listen from its first moment.
    command = f"{keep}; for try in $(seq 50); do {add} && exit; sleep 0.2; done; exit 1"
    stage.pi(f"docker exec --interactive {container} sh -c '{command}'", stdin=metainfo)


def end_in(stage: Stage, container: str) -> None:
    """Have it part from its peers: those whom nobody tells go on sending to where the container was."""
    stage.pi(f"docker exec {container} transmission-remote 9091 --torrent all --remove")
    connections = f"docker exec {container} cat /proc/net/tcp /proc/net/tcp6"
    wait_for(lambda: not OPEN.search(stage.pi(connections)), "an end of all connections", PATIENCE_S)


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
