# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""First looks at a server, the same for every use case that needs its API key."""

from __future__ import annotations

import typing as t

from .._core.errors import AccessDenied, Unreachable
from .client import Denied, JellyfinClient


def not_there_yet(client: JellyfinClient) -> str:
    """Say why there is nothing to compare with: check mode also visits hosts before their first real run."""
    try:
        client.ask_health()
    except Unreachable as error:
        return f"nobody listens at {client.url}" if error.refused else ""
    return ""


def get_by_key(client: JellyfinClient, path: str) -> t.Any:
    """Return what the server has there. Raises AccessDenied that says what to do about a dead key."""
    try:
        return client.get(path)
    except Denied as error:
        raise AccessDenied(
            f"api_key or api_key_file: {error}. jellyfin_setup repairs a file with a dead key"
        ) from error
