# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Pure: an account of Jellyfin's as it is wanted and as the server lists it."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from .._core.errors import InvalidValue, ProtocolError

ADMINISTRATOR = "IsAdministrator"
TRANSCODING = ("EnableAudioPlaybackTranscoding", "EnableVideoPlaybackTranscoding")
# While the last one names any folder, the server asks it alone and not the other two.
FOLDERS = ("EnableAllFolders", "EnabledFolders", "BlockedMediaFolders")
OWN_OPTIONS = {
    ADMINISTRATOR: "administrator",
    **dict.fromkeys(TRANSCODING, "transcoding"),
    **dict.fromkeys(FOLDERS, "libraries"),
}
NAME = re.compile(r"(?!\s)[\w \-'._@+]+(?<!\s)")


@dataclass(frozen=True)
class WantedUser:
    """What the user asks for; ``libraries`` None is all, other None values are left alone."""

    name: str
    password: str | None = field(default=None, repr=False)
    always_password: bool = False
    libraries: tuple[str, ...] | None = None
    transcoding: bool | None = None
    administrator: bool | None = None
    policy: t.Mapping[str, t.Any] = field(default_factory=dict)
    absent: bool = False


@dataclass(frozen=True)
class User:
    """An account of the server's. ``password_fits`` is only asked where it matters."""

    id: str
    name: str
    policy: t.Mapping[str, t.Any]
    password_fits: bool | None = None

    @property
    def administrator(self) -> bool:
        return self.policy.get(ADMINISTRATOR) is True


def parse_users(given: t.Sequence[t.Mapping[str, t.Any]]) -> list[WantedUser]:
    """Return the wanted accounts. Raises InvalidValue."""
    wanted: dict[str, WantedUser] = {}
    for entry in given:
        name, where = entry["name"], f"users: {entry['name']}"
        if name.casefold() in wanted:
            raise InvalidValue(f"{where} is listed twice; Jellyfin does not tell upper from lower case in names")
        if not NAME.fullmatch(name):
            raise InvalidValue(f"users: {name!r}: a name takes letters, digits, blanks inside, and - ' . _ @ + only")
        password = entry.get("password")
        if password is not None and not password.strip():
            raise InvalidValue(f"{where}: password is empty: anybody in the house could log in")
        always = entry.get("update_password") == "always"
        if always and password is None:
            raise InvalidValue(f"{where}: update_password is always, and there is no password")
        libraries = entry.get("libraries")
        policy = {key: value for key, value in (entry.get("policy") or {}).items() if value is not None}
        for key in policy:
            for own, option in OWN_OPTIONS.items():
                if str(key).casefold() == own.casefold():
                    raise InvalidValue(f"{where}: policy: {own} has an option of its own, {option}")
        wanted[name.casefold()] = WantedUser(
            name,
            password,
            always,
            None if libraries is None else tuple(dict.fromkeys(libraries)),
            entry.get("transcoding"),
            entry.get("administrator"),
            policy,
            absent=entry.get("state") == "absent",
        )
    return list(wanted.values())


def parse_user(entry: t.Mapping[str, t.Any]) -> User:
    """Return one entry of GET /Users. Raises ProtocolError."""
    name, identifier, policy = entry.get("Name"), entry.get("Id"), entry.get("Policy")
    if not isinstance(name, str) or not isinstance(identifier, str) or not isinstance(policy, dict):
        raise ProtocolError("GET /Users: an entry without Name, Id or Policy; is this Jellyfin?")
    return User(identifier, name, policy)
