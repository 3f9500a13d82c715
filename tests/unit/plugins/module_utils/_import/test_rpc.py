# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading of torrents from Transmission's RPC."""

from __future__ import annotations

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._import.model import Torrent, TorrentFile
from ansible_collections.household.mediaserver.plugins.module_utils._import.rpc import folder_below, torrent_from_rpc

RPC = {
    "bespoke": {
        "name": "M",
        "labels": ["movies"],
        "downloadDir": "/downloads/complete/tv",
        "error": 0,
        "errorString": "",
        "files": [
            {"name": "M/a.mkv", "length": 5, "bytesCompleted": 5},
            {"name": "M/b.mkv", "length": 5, "bytesCompleted": 4},
        ],
        "fileStats": [{"wanted": 1}, {"wanted": 0}],
    },
    "bespoke with a list": {
        "name": "M",
        "labels": ["movies"],
        "downloadDir": "/downloads/complete/tv/",
        "files": [
            {"name": "M/a.mkv", "length": 5, "bytesCompleted": 5},
            {"name": "M/b.mkv", "length": 5, "bytesCompleted": 4},
        ],
        "wanted": [1, 0],
    },
    "JSON-RPC": {
        "name": "M",
        "labels": ["movies"],
        "download_dir": "/downloads/complete/tv",
        "error_string": "",
        "files": [
            {"name": "M/a.mkv", "length": 5, "bytes_completed": 5},
            {"name": "M/b.mkv", "length": 5, "bytes_completed": 4},
        ],
        "file_stats": [{"wanted": True}, {"wanted": False}],
    },
}


@pytest.mark.parametrize("protocol", RPC)
def test_torrent_is_read_from_both_protocols(protocol: str) -> None:
    torrent = torrent_from_rpc(RPC[protocol], root="/downloads/complete", identities={"M/a.mkv": 7})
    assert torrent == Torrent(
        "M",
        (TorrentFile("M/a.mkv", 5, 5, True, 7), TorrentFile("M/b.mkv", 5, 4, False)),
        ("movies",),
        "tv",
    )


def test_folder_outside_the_root_is_empty() -> None:
    assert folder_below("/downloads/complete-tv", "/downloads/complete") == ""
    assert folder_below("/downloads/complete", "/downloads/complete/") == ""
