# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker's socket with a script: each request must be the next one that is expected, and gets its answer."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mediaserver._core import docker

# Method and path with its query, decoded; then status and content.
Exchange = tuple[str, int, Any]


@contextlib.contextmanager
def scripted(monkeypatch: pytest.MonkeyPatch, folder: Path, *script: Exchange) -> Iterator[None]:
    """Answer as expected; fail on any other request, and on one that does not come."""
    address, left, wrong = folder / "docker.sock", list(script), []
    monkeypatch.setattr(docker, "DOCKER_SOCKET", str(address))

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            with line:
                asked = urllib.parse.unquote_plus(line.recv(65536).decode().rsplit(" HTTP/1.0")[0])
                expected, status, content = left.pop(0) if left else ("nothing more", 500, None)
                if not asked.startswith(expected):
                    wrong.append(f"{asked!r} in place of {expected!r}")
                    status, content = 500, None
                body = b"" if content is None else json.dumps(content).encode()
                line.sendall(f"HTTP/1.0 {status} Word\r\n\r\n".encode() + body)

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(address))
        listener.listen()
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            address.unlink()
    assert (wrong, left) == ([], [])
