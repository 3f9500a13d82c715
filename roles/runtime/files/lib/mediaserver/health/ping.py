# SPDX-License-Identifier: GPL-3.0-or-later
"""The dead man's switch: a page on the internet that raises an alarm when it has not been asked for for a while."""

from __future__ import annotations

from pathlib import Path

from mediaserver._core.errors import MediaserverError
from mediaserver._core.transport import Http, UrlHttp
from mediaserver.health.settings import ping_url

TIMEOUT_S = 10.0


def send(root: Path, http: Http | None = None) -> str:
    """Ask for the household's page; return why that failed, without its address, which is a secret."""
    try:
        url = ping_url(root)
    except MediaserverError as error:
        return str(error)
    if not url:
        return ""
    try:
        answer = (http or UrlHttp(max_bytes=100_000)).request("GET", url, headers={}, body=None, timeout=TIMEOUT_S)
    except MediaserverError as error:
        # The text of the error begins with the address.
        return str(error).replace(url, "the address of upkeep_health_ping_url")
    return "" if 200 <= answer.status < 300 else f"it answers with status {answer.status}"
