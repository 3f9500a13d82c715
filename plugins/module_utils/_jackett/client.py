# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Asks Jackett whether it is well; nothing else of its interface is safe to write through."""

from __future__ import annotations

import json

from .._core.clock import Clock
from .._core.errors import MediaserverError, Unreachable
from .._core.transport import Http, Response

PAUSE_S = 0.5
REQUEST_TIMEOUT_S = 5.0


class JackettClient:
    """One Jackett at one address."""

    def __init__(self, http: Http, url: str) -> None:
        self.http = http
        self.url = f"{url.rstrip('/')}/health"

    def listens(self) -> bool:
        """Tell whether anybody answers; raise Unreachable when that cannot be told."""
        try:
            self._ask()
        except Unreachable as error:
            if error.refused:
                return False
            raise
        return True

    def wait_for_health(self, *, timeout: float, clock: Clock) -> None:
        """Return as soon as it says OK; until then it refuses connections, for about five seconds."""
        deadline = clock.monotonic() + timeout
        while True:
            try:
                answer = self._ask()
                if answer.status == 200 and _status(answer) == "OK":
                    return
                problem = f"status {answer.status} and no OK"
            except MediaserverError as error:
                problem = str(error)
            if clock.monotonic() + PAUSE_S > deadline:
                raise Unreachable(f"{self.url}: {problem}; waited {timeout:g} s")
            clock.sleep(PAUSE_S)

    def _ask(self) -> Response:
        return self.http.request("GET", self.url, headers={}, body=None, timeout=REQUEST_TIMEOUT_S)


def _status(answer: Response) -> object:
    try:
        content = json.loads(answer.body)
    except ValueError:
        return None
    return content.get("status") if isinstance(content, dict) else None
