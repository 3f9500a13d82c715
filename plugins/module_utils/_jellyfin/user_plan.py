# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Plans the actions that bring a Jellyfin server's accounts to the wanted state. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._core.errors import InvalidValue
from .._core.plan import MISSING, Change, Plan
from .user_model import (
    ADMINISTRATOR,
    FIELDS,
    User,
    WantedUser,
)
from .values import changes_between

# Keys that the server's response omits while they are null, each with a value of its type.
NULLABLE = {"MaxParentalRating": 0, "MaxParentalSubRating": 0}


class Action:
    """One call to the server; str() describes it."""


@dataclass(frozen=True)
class CreateUser(Action):
    name: str
    password: str = field(repr=False)

    def __str__(self) -> str:
        return f"create account {self.name}"


@dataclass(frozen=True)
class SetPassword(Action):
    name: str
    password: str = field(repr=False)

    def __str__(self) -> str:
        return f"set password of {self.name}"


@dataclass(frozen=True)
class WritePolicy(Action):
    name: str
    policy: t.Mapping[str, t.Any]

    def __str__(self) -> str:
        return f"write policy of {self.name}"


@dataclass(frozen=True)
class DeleteUser(Action):
    name: str
    id: str

    def __str__(self) -> str:
        return f"delete account {self.name}"


@dataclass(frozen=True)
class UserPlan:
    """Actions in their order, and the changes that they make."""

    actions: tuple[Action, ...] = ()
    changes: Plan = field(default_factory=Plan)

    def __bool__(self) -> bool:
        return bool(self.actions)


def plan_users(
    wanted: t.Sequence[WantedUser],
    found: t.Sequence[User],
    libraries: t.Mapping[str, str],
    *,
    allow_removal: bool = False,
) -> UserPlan:
    """Return the plan; ``libraries`` maps names to ids. Raises InvalidValue.

    Accounts that become administrators come first, so that one always exists; deletions come last.
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
        elif user.always_password and not has.password_valid:
            steps.append(SetPassword(name, user.password or ""))
            changes.append(Change(f"{name}.password", "", "", secret=True))
        policy, differing = _policy(user, has, libraries, template)
        changes += differing
        if differing:
            steps.append(WritePolicy(name, policy))
        # The policy directly follows the creation: until then, a new account has access to everything.
        (raised if policy.get(ADMINISTRATOR) is True else others).extend(steps)
    _keep_an_administrator(wanted, found)
    return UserPlan((*raised, *others, *gone), Plan(tuple(sorted(changes, key=lambda change: change.name))))


def wanted_policy(user: WantedUser, libraries: t.Mapping[str, str]) -> dict[str, t.Any]:
    """Return the managed values of the account's policy."""
    policy: dict[str, t.Any] = {**user.policy, "BlockedMediaFolders": []}
    policy["EnableAllFolders"] = user.libraries is None
    if user.libraries is not None:
        policy["EnabledFolders"] = sorted(_library_id(user, name, libraries) for name in user.libraries)
    policy |= {key: user.fields[one.option] for one in FIELDS if one.option in user.fields for key in one.keys}
    if user.administrator is not None:
        policy[ADMINISTRATOR] = user.administrator
    return policy


def normal_id(value: t.Any) -> str:
    """Return an id without dashes: the server uses both forms."""
    return str(value).replace("-", "").lower()


def policy_changes(where: str, policy: t.Mapping[str, t.Any], found: t.Mapping[str, t.Any]) -> list[Change]:
    """Return the values that differ; the order of folders is ignored. Raises InvalidValue."""
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
        # Checks keys and types against the policy of another account.
        policy_changes(f"{user.name}.policy", policy, template)
    shown = {**policy, **({} if user.libraries is None else {"libraries": sorted(user.libraries)})}
    return policy, [Change(f"{user.name}.policy.{key}", MISSING, value) for key, value in shown.items()]


def _library_id(user: WantedUser, name: str, libraries: t.Mapping[str, str]) -> str:
    if name not in libraries:
        raise InvalidValue(
            f"users: {user.name}: libraries: this server has no {name!r}; use some of"
            f" {', '.join(sorted(libraries)) or 'none'}"
        )
    return normal_id(libraries[name])


def _first_password(user: WantedUser) -> str:
    if user.password is None:
        raise InvalidValue(f"users: {user.name}: password is missing, but the account is new; set a password")
    return user.password


def _removal(has: User, *, allow_removal: bool) -> DeleteUser:
    if not allow_removal:
        raise InvalidValue(
            f"account {has.name} exists and has state absent; it is removed, with its watched marks, only with"
            " jellyfin_allow_removal: true"
        )
    return DeleteUser(has.name, has.id)


def _keep_an_administrator(wanted: t.Sequence[WantedUser], found: t.Sequence[User]) -> None:
    """Raise InvalidValue if no administrator would be left."""
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
            " another account administrator first"
        )
