# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands for Debian's package apprise 1.9.3, as far as the sender uses it; compared with the real one.

The real one returns None for a URL that it cannot use, writes a line with that URL to its log, and returns False from
``notify`` where the message was not delivered.
"""

from __future__ import annotations

import logging
import sys
import threading
from types import SimpleNamespace
from typing import Any

LOGGER = logging.getLogger("apprise")


class Apprise:
    """``down``: schemes whose service refuses; ``sent``: what was delivered, as URL, title and body.

    An address that ends in /hangs does not answer until ``released``; then it logs the URL, as the real one does.
    """

    def __init__(self) -> None:
        self.down: set[str] = set()
        self.sent: list[tuple[str, str, str]] = []
        self.loads = 0
        self.tries = 0
        self.released = threading.Event()

    def __call__(self) -> Any:
        """Return the module."""
        self.loads += 1
        return SimpleNamespace(Apprise=SimpleNamespace(instantiate=self._instantiate))

    def _instantiate(self, url: str, *, suppress_exceptions: bool) -> Any:
        assert suppress_exceptions
        if url.endswith("/wrong"):
            LOGGER.error("Unparseable URL %s", url)
            print(f"Unparseable {url}", file=sys.stderr)
            return None
        if url.endswith("/defect"):
            raise TypeError(url)
        return SimpleNamespace(notify=lambda title, body: self._notify(url, title, body))

    def _notify(self, url: str, title: str, body: str) -> bool:
        self.tries += 1
        if url.endswith("/hangs"):
            self.released.wait(60)
            LOGGER.warning("Failed to send to %s", url)
            return False
        if url.partition("://")[0] in self.down:
            LOGGER.warning("Failed to send to %s", url)
            return False
        if url.endswith("/raises"):
            raise ValueError(url)
        self.sent.append((url, title, body))
        return True
