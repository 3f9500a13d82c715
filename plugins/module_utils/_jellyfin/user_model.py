# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""An account of Jellyfin as it is wanted and as the server lists it. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from .._core.errors import InvalidValue, ProtocolError

ADMINISTRATOR = "IsAdministrator"
# While BlockedMediaFolders has an entry, the server ignores the other two.
FOLDERS = ("EnableAllFolders", "EnabledFolders", "BlockedMediaFolders")


@dataclass(frozen=True)
class Field:
    """An option of an account whose value becomes that of keys of its policy. Not managed when it is omitted.

    `make docs` writes ``description`` into the module's documentation and into the argument specs of the role.
    """

    option: str
    kind: str
    keys: tuple[str, ...]
    description: str


# Every field without further rules. One more is one more entry; libraries and administrator have rules of their own.
FIELDS = (
    Field(
        "transcoding",
        "bool",
        ("EnableAudioPlaybackTranscoding", "EnableVideoPlaybackTranscoding"),
        "Whether the server may transcode video and audio for this account, C(EnableVideoPlaybackTranscoding) and"
        " C(EnableAudioPlaybackTranscoding). A Raspberry Pi is too slow for that. Not managed when omitted.",
    ),
)
OWN_OPTIONS = {
    ADMINISTRATOR: "administrator",
    **{key: one.option for one in FIELDS for key in one.keys},
    **dict.fromkeys(FOLDERS, "libraries"),
}
NAME = re.compile(r"(?!\s)[\w \-'._@+]+(?<!\s)")


@dataclass(frozen=True)
class WantedUser:
    """A wanted account. ``libraries`` None is access to all; other options with None are not managed.

    ``fields`` has the values of FIELDS that are managed, by their options.
    """

    name: str
    password: str | None = field(default=None, repr=False)
    always_password: bool = False
    libraries: tuple[str, ...] | None = None
    fields: t.Mapping[str, t.Any] = field(default_factory=dict)
    administrator: bool | None = None
    policy: t.Mapping[str, t.Any] = field(default_factory=dict)
    absent: bool = False


@dataclass(frozen=True)
class User:
    """An account on the server. ``password_valid`` is None when the password was not checked."""

    id: str
    name: str
    policy: t.Mapping[str, t.Any]
    password_valid: bool | None = None

    @property
    def administrator(self) -> bool:
        return self.policy.get(ADMINISTRATOR) is True


def parse_users(given: t.Sequence[t.Mapping[str, t.Any]]) -> list[WantedUser]:
    """Return the wanted accounts. Raises InvalidValue."""
    wanted: dict[str, WantedUser] = {}
    for entry in given:
        name, where = entry["name"], f"users: {entry['name']}"
        if name.casefold() in wanted:
            raise InvalidValue(f"{where} is listed twice (Jellyfin ignores the case); remove one of the two")
        if not NAME.fullmatch(name):
            raise InvalidValue(
                f"users: {name!r} is not a valid name; use only letters, digits, - ' . _ @ + and blanks between them"
            )
        password = entry.get("password")
        if password is not None and not password.strip():
            raise InvalidValue(f"{where}: password is empty, so any client on the LAN could log in; set a password")
        always = entry.get("update_password") == "always"
        if always and password is None:
            raise InvalidValue(f"{where}: update_password is always, but password is missing; set a password")
        libraries = entry.get("libraries")
        policy = {key: value for key, value in (entry.get("policy") or {}).items() if value is not None}
        for key in policy:
            for own, option in OWN_OPTIONS.items():
                if str(key).casefold() == own.casefold():
                    raise InvalidValue(f"{where}: policy: {own} must not be set there; use the option {option}")
        wanted[name.casefold()] = WantedUser(
            name,
            password,
            always,
            None if libraries is None else tuple(dict.fromkeys(libraries)),
            {one.option: entry[one.option] for one in FIELDS if entry.get(one.option) is not None},
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
