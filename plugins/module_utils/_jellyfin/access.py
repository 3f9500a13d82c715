# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Access to a server by its API key, for all use cases that need one."""

from __future__ import annotations

import typing as t

from .._core.errors import AccessDenied, Unreachable
from .client import JellyfinAccessDenied, JellyfinClient


def not_installed_reason(client: JellyfinClient) -> str:
    """Return why check mode has no server to compare with, as before the first real run; empty when there is one."""
    try:
        client.get_health()
    except Unreachable as error:
        return f"no server listens at {client.url}" if error.refused else ""
    return ""


def get_by_key(client: JellyfinClient, path: str) -> t.Any:
    """Return the JSON at a path. Raises AccessDenied with the remedy for an invalid API key."""
    try:
        return client.get(path)
    except JellyfinAccessDenied as error:
        raise AccessDenied(
            f"api_key or api_key_file: {error}. jellyfin_setup replaces an invalid key in api_key_file"
        ) from error
