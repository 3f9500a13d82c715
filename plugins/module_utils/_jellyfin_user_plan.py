# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Pure: wanted accounts beside those of a Jellyfin server, and the steps from the ones to the others."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.household.mediaserver.plugins.module_utils._errors import InvalidValue, ProtocolError
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin_values import changes_between
from ansible_collections.household.mediaserver.plugins.module_utils._plan import MISSING, Change, Plan

ADMINISTRATOR = "IsAdministrator"
TRANSCODING = ("EnableAudioPlaybackTranscoding", "EnableVideoPlaybackTranscoding")
# While the last one names any folder, the server asks it alone and not the other two.
FOLDERS = ("EnableAllFolders", "EnabledFolders", "BlockedMediaFolders")
OWN_OPTIONS = {
    ADMINISTRATOR: "administrator",
    **dict.fromkeys(TRANSCODING, "transcoding"),
    **dict.fromkeys(FOLDERS, "libraries"),
}
# Left out of the server's answer while they are null.
NULLABLE = {"MaxParentalRating": 0, "MaxParentalSubRating": 0}
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


@dataclass(frozen=True)
class CreateUser:
    name: str
    password: str = field(repr=False)

    def __str__(self) -> str:
        return f"create account {self.name}"


@dataclass(frozen=True)
class SetPassword:
    name: str
    password: str = field(repr=False)

    def __str__(self) -> str:
        return f"set password of {self.name}"


@dataclass(frozen=True)
class WritePolicy:
    name: str
    policy: t.Mapping[str, t.Any]

    def __str__(self) -> str:
        return f"write policy of {self.name}"


@dataclass(frozen=True)
class DeleteUser:
    name: str
    id: str

    def __str__(self) -> str:
        return f"delete account {self.name}"


Action = CreateUser | SetPassword | WritePolicy | DeleteUser


@dataclass(frozen=True)
class UserPlan:
    """Steps in the order in which they are taken, and the same as before and after."""

    actions: tuple[Action, ...] = ()
    changes: Plan = field(default_factory=Plan)

    def __bool__(self) -> bool:
        return bool(self.actions)


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


def plan_users(
    wanted: t.Sequence[WantedUser],
    found: t.Sequence[User],
    libraries: t.Mapping[str, str],
    *,
    allow_removal: bool = False,
) -> UserPlan:
    """Return all steps; ``libraries`` are the ids by name. Raises InvalidValue before anything is done.

    Who becomes an administrator does so before another is none any more, and who goes, goes last.
    """
    by_name = {user.name.casefold(): user for user in found}
    template = found[0].policy if found else None
    raised: list[Action] = []
    others: list[Action] = []
    gone: list[Action] = []
    changes: list[Change] = []
    for user in wanted:
        has = by_name.get(user.name.casefold())
        if user.absent:
            if has:
                gone.append(_removal(has, allow_removal=allow_removal))
                changes.append(Change(has.name, "present", "absent"))
            continue
        name = has.name if has else user.name
        steps: list[Action] = []
        if has is None:
            steps.append(CreateUser(name, _first_password(user)))
            changes.append(Change(name, MISSING, "present"))
        elif user.always_password and not has.password_fits:
            steps.append(SetPassword(name, user.password or ""))
            changes.append(Change(f"{name}.password", "", "", secret=True))
        policy, differing = _policy(user, has, libraries, template)
        changes += differing
        if differing:
            steps.append(WritePolicy(name, policy))
        # Side by side: until its policy is written, a new account sees everything.
        (raised if policy.get(ADMINISTRATOR) is True else others).extend(steps)
    _keep_an_administrator(wanted, found)
    return UserPlan((*raised, *others, *gone), Plan(tuple(sorted(changes, key=lambda change: change.name))))


def wanted_policy(user: WantedUser, libraries: t.Mapping[str, str]) -> dict[str, t.Any]:
    """Return the values of the policy that this account shall have; all others are left alone."""
    policy: dict[str, t.Any] = {**user.policy, "BlockedMediaFolders": []}
    policy["EnableAllFolders"] = user.libraries is None
    if user.libraries is not None:
        policy["EnabledFolders"] = sorted(_library_id(user, name, libraries) for name in user.libraries)
    if user.transcoding is not None:
        policy.update(dict.fromkeys(TRANSCODING, user.transcoding))
    if user.administrator is not None:
        policy[ADMINISTRATOR] = user.administrator
    return policy


def normal_id(value: t.Any) -> str:
    """Return an id as the server lists it: it takes and gives them with and without dashes."""
    return str(value).replace("-", "").lower()


def policy_changes(where: str, policy: t.Mapping[str, t.Any], found: t.Mapping[str, t.Any]) -> list[Change]:
    """Return what differs; folders are compared without regard to their order. Raises InvalidValue."""
    present = dict(found)
    for name in ("EnabledFolders", "BlockedMediaFolders"):
        present[name] = sorted(normal_id(value) for value in found.get(name) or ())
    return list(changes_between(where, policy, present, NULLABLE))


def _policy(
    user: WantedUser, has: User | None, libraries: t.Mapping[str, str], template: t.Mapping[str, t.Any] | None
) -> tuple[dict[str, t.Any], list[Change]]:
    policy = wanted_policy(user, libraries)
    if has is not None:
        return policy, policy_changes(f"{has.name}.policy", policy, has.policy)
    if template is not None:
        # What keys there are and of what type, another account can tell.
        policy_changes(f"{user.name}.policy", policy, template)
    shown = {**policy, **({} if user.libraries is None else {"libraries": sorted(user.libraries)})}
    return policy, [Change(f"{user.name}.policy.{key}", MISSING, value) for key, value in shown.items()]


def _library_id(user: WantedUser, name: str, libraries: t.Mapping[str, str]) -> str:
    if name not in libraries:
        raise InvalidValue(
            f"users: {user.name}: libraries: this server has no {name!r}, but {', '.join(sorted(libraries)) or 'none'}"
        )
    return normal_id(libraries[name])


def _first_password(user: WantedUser) -> str:
    if user.password is None:
        raise InvalidValue(f"users: {user.name}: password is needed: the account is new, and would have none")
    return user.password


def _removal(has: User, *, allow_removal: bool) -> DeleteUser:
    if not allow_removal:
        raise InvalidValue(
            f"allow_removal: account {has.name} is there and wanted absent; it is removed, with what it has watched,"
            " only with allow_removal"
        )
    return DeleteUser(has.name, has.id)


def _keep_an_administrator(wanted: t.Sequence[WantedUser], found: t.Sequence[User]) -> None:
    """Raise InvalidValue if nobody would be left who may do anything."""
    before = {user.name.casefold() for user in found if user.administrator}
    after = set(before)
    for user in wanted:
        if user.absent or user.administrator is False:
            after.discard(user.name.casefold())
        elif user.administrator:
            after.add(user.name.casefold())
    if before and not after:
        names = ", ".join(user.name for user in found if user.administrator)
        raise InvalidValue(
            f"users: {names}: the last administrator can neither be removed nor have administrator: false; make"
            " another one first"
        )
