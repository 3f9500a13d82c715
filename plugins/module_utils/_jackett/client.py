# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Reads Jackett's health. Its API is not used for writes, because it may apply a part of a rejected change."""

from __future__ import annotations

import json

from .._core.clock import Clock
from .._core.errors import MediaserverError, Unreachable
from .._core.transport import Http, Response

PAUSE_S = 0.5
REQUEST_TIMEOUT_S = 5.0


class JackettClient:
    """One Jackett at one URL."""

    def __init__(self, http: Http, url: str) -> None:
        self.http = http
        self.url = f"{url.rstrip('/')}/health"

    def is_listening(self) -> bool:
        """Return False when the connection is refused, True after any response. Raises Unreachable otherwise."""
        try:
            self._request_health()
        except Unreachable as error:
            if error.refused:
                return False
            raise
        return True

    def wait_for_health(self, *, timeout: float, clock: Clock) -> None:
        """Wait until the status is OK; a starting Jackett refuses connections for about 5 s.

        Raises Unreachable after ``timeout`` s.
        """
        deadline = clock.monotonic() + timeout
        while True:
            try:
                response = self._request_health()
                if response.status == 200 and _status(response) == "OK":
                    return
                problem = f"status {response.status} without OK"
            except MediaserverError as error:
                problem = str(error)
            if clock.monotonic() + PAUSE_S > deadline:
                raise Unreachable(f"{self.url}: {problem}; waited {timeout:g} s. Check Jackett's log")
            clock.sleep(PAUSE_S)

    def _request_health(self) -> Response:
        return self.http.request("GET", self.url, headers={}, body=None, timeout=REQUEST_TIMEOUT_S)


def _status(response: Response) -> object:
    try:
        content = json.loads(response.body)
    except ValueError:
        return None
    return content.get("status") if isinstance(content, dict) else None
