# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads a torrent while a fault is tested."""

from __future__ import annotations

import base64
import re
import time
from pathlib import Path

import demo
from lab_control import PATIENCE_S, LabControl
from waiting import wait_for

# Lines of /proc/net/tcp and tcp6: number, both addresses, and any state except TIME_WAIT, CLOSE and LISTEN.
OPEN = re.compile(r"^ *\d+: \S+ \S+ 0[1-58-9B]", re.MULTILINE)
# Transmission itself retries a lost peer after 10 s, 2 min, 15 min.
SWARM_PATIENCE_S = 120


def start_download(lab: LabControl) -> None:
    """Start the download, with a rate limit so that it is still in progress during the fault."""
    torrent = demo.add_torrent(lab.description)["torrent-added"]["hashString"]
    lab.rpc("torrent-set", {"ids": [torrent], "downloadLimited": True, "downloadLimit": 40})
    _wait(lab, torrent, "haveValid", 1)


def start_download_in(lab: LabControl, container: str) -> None:
    """Start the download in another container with Transmission, which requires no password."""
    metainfo = base64.b64encode(Path(lab.description["tracker"]["torrent_file"]).read_bytes()).decode()
    keep = "base64 --decode > /tmp/film.torrent"
    add = "transmission-remote 9091 --add /tmp/film.torrent"
    # Retried, because Transmission does not listen immediately.
    command = f"{keep}; for try in $(seq 50); do {add} && exit; sleep 0.2; done; exit 1"
    lab.pi(f"docker exec --interactive {container} sh -c '{command}'", stdin=metainfo)


def stop_download_in(lab: LabControl, container: str) -> None:
    """Remove the torrent and wait until its connections are closed: else peers keep sending to the container."""
    lab.pi(f"docker exec {container} transmission-remote 9091 --torrent all --remove")
    connections = f"docker exec {container} cat /proc/net/tcp /proc/net/tcp6"
    wait_for(lambda: not OPEN.search(lab.pi(connections)), "all connections are closed", PATIENCE_S)


def finish_download(lab: LabControl, patience: float = SWARM_PATIENCE_S) -> None:
    """Remove the rate limit and wait until the download is complete; Transmission must reconnect by itself."""
    torrent = lab.description["tracker"]["info_hash"]
    lab.rpc("torrent-set", {"ids": [torrent], "downloadLimited": False})
    _wait(lab, torrent, "percentDone", 1, patience)


def _wait(lab: LabControl, torrent: str, field: str, least: float, patience: float = PATIENCE_S) -> None:
    begun = time.monotonic()
    fields = {"ids": [torrent], "fields": [field, "errorString"]}
    while (found := lab.rpc("torrent-get", fields)["torrents"][0])[field] < least:
        assert time.monotonic() - begun < patience, f"the download does not continue: {found}"
        time.sleep(0.5)
