# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads for the tests of the import: torrents whose file is on the Pi already, and what Jellyfin lists of them."""

from __future__ import annotations

import base64
import time
from typing import Any

from contract import Household
from jellyfin import administrators_token, ask
from rpc import session
from whole_torrent import WholeTorrent

PATIENCE_S = 60


class Download:
    """A torrent of one file, whose content is on the Pi."""

    def __init__(self, host: Any, household: Household, name: str) -> None:
        self.host, self.household, self.torrent = host, household, WholeTorrent(name)
        self.hash = self.torrent.hash
        self.path = f"{household['mediaserver_downloads']}/complete/{name}"

    def add(self) -> None:
        """Write the file as the account, then give Transmission the torrent."""
        account = self.household["mediaserver_uid"], self.household["mediaserver_gid"]
        self.host.check_output(self.torrent.writer(self.path, *account))
        metainfo = base64.b64encode(self.torrent.metainfo).decode()
        session(self.household, "torrent-add", {"metainfo": metainfo, "download-dir": "/downloads/complete"})

    def wait(self) -> None:
        """Wait until Transmission has checked the file."""
        fields = {"ids": [self.hash], "fields": ["leftUntilDone", "sizeWhenDone", "status"]}
        deadline = time.monotonic() + PATIENCE_S
        while True:
            found = session(self.household, "torrent-get", fields)["torrents"]
            one = found[0] if found else {"sizeWhenDone": 0}
            # Status 1 and 2: it is checked, or waits for that.
            if one["sizeWhenDone"] and not one["leftUntilDone"] and one["status"] not in (1, 2):
                return
            assert time.monotonic() < deadline, found
            time.sleep(0.2)

    def is_known(self) -> bool:
        return bool(session(self.household, "torrent-get", {"ids": [self.hash], "fields": ["id"]})["torrents"])


def listed(household: Household) -> set[str]:
    token = administrators_token(household)
    answer = ask(household, "/Items?recursive=true&fields=Path", token=token)[1]
    return {str(item.get("Path")) for item in answer["Items"]}


def wait_until_listed(household: Household, path: str, *, there: bool = True) -> float:
    """Return the seconds until Jellyfin lists a path, or no longer does."""
    begun = time.monotonic()
    while (path in listed(household)) is not there:
        assert time.monotonic() - begun < PATIENCE_S, f"{path} listed: {not there}"
        time.sleep(0.2)
    return time.monotonic() - begun
