# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends as ``Sender`` does, in a child process with a time limit: a service that hangs delays no program for long."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from mediaserver import bounded
from mediaserver.notify.message import Message
from mediaserver.notify.sender import Sender, load_apprise

# One address, on a slow line; apprise takes seconds to load on a small host.
LIMIT_S = 25.0
NO_TIME = "there was no time left to send it in this run"


class BoundedSender(Sender):
    """``total_s``: for all messages of one run."""

    def __init__(
        self, load: Callable[[], Any] = load_apprise, *, limit_s: float = LIMIT_S, total_s: float = 4 * LIMIT_S
    ) -> None:
        super().__init__(load)
        self._limit_s = limit_s
        self._total_s = total_s
        self._end: float | None = None

    def send(self, url: str, message: Message) -> str:
        self._end = self._end or time.monotonic() + self._total_s
        limit = min(self._limit_s, self._end - time.monotonic())
        if limit <= 0:
            return NO_TIME
        found = bounded.one(lambda: Sender.send(self, url, message), limit)
        if found.late:
            return f"the service has not answered within {limit:.0f} s"
        return found.error or str(found.value)
