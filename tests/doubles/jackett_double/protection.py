# SPDX-License-Identifier: GPL-3.0-or-later
"""The DataProtection folder: keys that sign session cookies and download links and encrypt indexers' passwords.

The cipher is built from the standard library's hashes and is for tests only.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import re
import secrets
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

DOCUMENT = """<?xml version="1.0" encoding="utf-8"?>
<key id="{id}" version="1">
  <creationDate>{made}</creationDate>
  <activationDate>{made}</activationDate>
  <expirationDate>{ends}</expirationDate>
  <descriptor deserializerType="(simulated)">
    <descriptor>
      <masterKey p4:requiresEncryption="true" xmlns:p4="http://schemas.asp.net/2015/03/dataProtection">
        <!-- Warning: the key below is in an unencrypted form. -->
        <value>{value}</value>
      </masterKey>
    </descriptor>
  </descriptor>
</key>"""
MAGIC = b"\x09\xf0\xc9\xf0"  # as in the server: tokens begin with CfDJ8


class Unprotectable(Exception):
    """The folder cannot be used, so nothing can be signed."""


class Unknown(Exception):
    """A token that was not made with a key of the ring."""


class Protection:
    def __init__(self, folder: Path) -> None:
        self._keys: dict[bytes, bytes] = {}
        self._problem = ""
        try:
            self._load(folder)
        except OSError as error:
            self._problem = error.strerror or "error"

    def protect(self, purpose: str, plain: bytes) -> str:
        if not self._keys:
            raise Unprotectable(self._problem)
        name, master = next(reversed(self._keys.items()))
        nonce = secrets.token_bytes(16)
        sealed = _mix(master, purpose, nonce, plain)
        return (
            base64.urlsafe_b64encode(MAGIC + name + nonce + sealed + _sign(master, purpose, nonce + sealed))
            .decode()
            .rstrip("=")
        )

    def unprotect(self, purpose: str, token: str) -> bytes:
        try:
            raw = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        except ValueError:
            raise Unknown("no token") from None
        master = self._keys.get(raw[4:20])
        if raw[:4] != MAGIC or master is None or len(raw) < 68:
            raise Unknown("The key was not found in the key ring.")
        nonce, sealed, signature = raw[20:36], raw[36:-32], raw[-32:]
        if not hmac.compare_digest(signature, _sign(master, purpose, nonce + sealed)):
            raise Unknown("The payload was invalid.")
        return _mix(master, purpose, nonce, sealed)

    def _load(self, folder: Path) -> None:
        """Load the key ring into memory; the folder is not needed after that."""
        folder.mkdir(exist_ok=True)
        for path in sorted(folder.glob("key-*.xml"), key=lambda path: path.stat().st_mtime_ns):
            value = re.search(r"<value>([^<]+)</value>", path.read_text("utf-8", "replace"))
            with contextlib.suppress(ValueError):
                if value:
                    self._keys[uuid.UUID(path.stem.removeprefix("key-")).bytes] = base64.b64decode(value[1])
        if not self._keys:
            self._make(folder)

    def _make(self, folder: Path) -> None:
        name, master, now = uuid.uuid4(), secrets.token_bytes(64), datetime.now(UTC)
        path = folder / f"key-{name}.xml"
        text = DOCUMENT.format(
            id=name,
            made=now.isoformat(),
            ends=(now + timedelta(days=90)).isoformat(),
            value=base64.b64encode(master).decode(),
        )
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        self._keys[name.bytes] = master


def _sign(master: bytes, purpose: str, data: bytes) -> bytes:
    return hmac.digest(master, b"sign" + purpose.encode() + b"\0" + data, "sha256")


def _mix(master: bytes, purpose: str, nonce: bytes, data: bytes) -> bytes:
    stream = hashlib.shake_256(master + purpose.encode() + b"\0" + nonce).digest(len(data))
    return bytes(a ^ b for a, b in zip(data, stream, strict=True))
