# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts as the server lists them, for the tests of jellyfin_user."""

from __future__ import annotations

from typing import Any

from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.user_model import User

POLICY: dict[str, Any] = {
    "IsAdministrator": False,
    "IsDisabled": False,
    "EnableAllFolders": True,
    "EnabledFolders": [],
    "BlockedMediaFolders": [],
    "EnableAudioPlaybackTranscoding": True,
    "EnableVideoPlaybackTranscoding": True,
    "MaxActiveSessions": 0,
    "PasswordResetProviderId": "reset",
    "AuthenticationProviderId": "login",
}
ID = {"Movies": "ab" * 16, "TV": "cd" * 16}
DASHED = "ABABABAB-ABAB-ABAB-ABAB-ABABABABABAB"
ALL = {"BlockedMediaFolders": [], "EnableAllFolders": True}
SECRET = "a-Secret-1"


def has(name: str = "guest", *, valid: bool | None = None, **policy: Any) -> User:
    return User(f"id-of-{name.lower()}", name, {**POLICY, **policy}, valid)


ADMIN = has("admin", IsAdministrator=True)
SOME = {"EnableAllFolders": False, "EnabledFolders": [ID["Movies"]], "BlockedMediaFolders": []}
