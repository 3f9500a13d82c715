# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest
from whole_torrent import WholeTorrent, bencoded


def test_keys_are_sorted_and_lengths_are_bytes() -> None:
    assert bencoded({"b": "ü", "a": 1}) == b"d1:ai1e1:b2:\xc3\xbce"


def test_pieces_are_those_of_the_content() -> None:
    torrent = WholeTorrent("Film.2001.mkv", blocks=513)
    assert torrent.info["length"] == 513 * 32 == len(torrent.content)
    assert len(torrent.info["pieces"]) == 2 * 20
    assert torrent.info["pieces"][20:] == hashlib.sha1(torrent.content[16384:]).digest()
    assert torrent.metainfo.count(bencoded(torrent.info)) == 1


@pytest.mark.parametrize("name", ["Film.2001.mkv", "It's a film (2001).mkv"])
def test_the_command_writes_that_content(tmp_path: Path, name: str) -> None:
    torrent = WholeTorrent(name)
    command = torrent.writer(str(tmp_path / name), 0, 0).partition("--clear-groups ")[2]
    subprocess.run(["sh", "-c", command], check=True)
    assert (tmp_path / name).read_bytes() == torrent.content
