# SPDX-License-Identifier: GPL-3.0-or-later
"""A torrent of one file that is on the Pi already: Transmission checks the file, without peers, and is done. Pure."""

from __future__ import annotations

import hashlib
import shlex
from dataclasses import dataclass
from typing import Any

PIECE = 16384


@dataclass(frozen=True)
class WholeTorrent:
    """``blocks``: the content's size, in units of 32 bytes."""

    name: str
    blocks: int = 1024

    @property
    def content(self) -> bytes:
        return hashlib.sha256(self.name.encode()).digest() * self.blocks

    @property
    def info(self) -> dict[str, Any]:
        content = self.content
        pieces = b"".join(
            hashlib.sha1(content[start : start + PIECE]).digest() for start in range(0, len(content), PIECE)
        )
        return {"length": len(content), "name": self.name, "piece length": PIECE, "pieces": pieces, "private": 1}

    @property
    def hash(self) -> str:
        return hashlib.sha1(bencoded(self.info)).hexdigest()

    @property
    def metainfo(self) -> bytes:
        return bencoded({"announce": "http://127.0.0.1:9/announce", "info": self.info})

    def writer(self, path: str, uid: int, gid: int) -> str:
        """Return the command that writes the file on the Pi, as its account."""
        code = (
            "import hashlib, sys;"
            " open(sys.argv[1], 'wb').write(hashlib.sha256(sys.argv[2].encode()).digest() * int(sys.argv[3]))"
        )
        account = ["setpriv", "--reuid", str(uid), "--regid", str(gid), "--clear-groups"]
        return shlex.join([*account, "python3", "-c", code, path, self.name, str(self.blocks)])


def bencoded(value: Any) -> bytes:
    """Encode as BEP 3 says; the keys of a dictionary are sorted."""
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    return b"d%se" % b"".join(bencoded(key) + bencoded(value[key]) for key in sorted(value))
