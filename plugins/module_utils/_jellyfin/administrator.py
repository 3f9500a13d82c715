# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Manages the administrator's account with the API key: it exists, is enabled, is administrator, has its password.

No other account is renamed, demoted or removed.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from .._core.errors import (
    InvalidValue,
    NotTaken,
    ServiceProblem,
)
from .._core.plan import MISSING, Change
from .access import get_by_key
from .client import (
    JellyfinClient,
    RequestFailed,
    expect_list,
)
from .login import (
    check_password,
    next_failure_locks,
)
from .user_model import (
    ADMINISTRATOR,
    User,
    parse_user,
)
from .values import merge

# Names of changes in the plan.
ACCOUNT = "administrator account"
RIGHT = f"administrator {ADMINISTRATOR}"
DISABLED = "administrator IsDisabled"
PASSWORD = "administrator password"
# The policy that the first-run wizard gives to its account.
NEW_POLICY = {ADMINISTRATOR: True, "EnableContentDeletion": True, "EnableRemoteControlOfOtherUsers": True}
ENABLED_POLICY = {"IsDisabled": False, "InvalidLoginAttemptCount": 0}


@dataclass(frozen=True)
class WantedAdministrator:
    """The wanted account. ``others`` are the names of further administrators that are wanted."""

    name: str
    password: str = field(repr=False)
    always_password: bool = True
    others: tuple[str, ...] = ()


def plan_administrator(wanted: WantedAdministrator, users: t.Sequence[User]) -> list[Change]:
    """Return the changes that the account needs. Pure.

    A disabled account has no sessions and cannot log in, so its password is set without a check.
    """
    has = find(users, wanted.name)
    if has is None:
        return [Change(ACCOUNT, MISSING, wanted.name)]
    changes = []
    if not has.administrator:
        changes.append(Change(RIGHT, False, True))
    if is_disabled(has):
        changes.append(Change(DISABLED, True, False))
    if wanted.always_password and (is_disabled(has) or has.password_valid is False):
        changes.append(Change(PASSWORD, "", "", secret=True))
    return changes


def find(users: t.Sequence[User], name: str) -> User | None:
    """Return the account with this name. Jellyfin ignores the case of names."""
    return next((user for user in users if user.name.casefold() == name.casefold()), None)


def is_disabled(user: User) -> bool:
    return user.policy.get("IsDisabled") is True


def other_administrators(wanted: WantedAdministrator, users: t.Sequence[User]) -> list[str]:
    """Return the names of administrators that the inventory does not list. Pure."""
    known = {name.casefold() for name in (wanted.name, *wanted.others)}
    return sorted(user.name for user in users if user.administrator and user.name.casefold() not in known)


class JellyfinAdministrator:
    """The administrator's account of one server. The client's token must be a valid API key."""

    def __init__(self, client: JellyfinClient, wanted: WantedAdministrator, *, check_mode: bool) -> None:
        self.client = client
        self.wanted = wanted
        self.check_mode = check_mode
        self.warnings: list[str] = []

    def observe(self) -> list[Change]:
        """Return the needed changes. Logs in once to check the password. Raises MediaserverError."""
        users = self._read()
        if others := other_administrators(self.wanted, users):
            self.warnings.append(
                f"this server has other administrators than {self.wanted.name}: {', '.join(others)}. They are not"
                " changed; demote or remove unwanted administrators in Jellyfin's dashboard"
            )
        return plan_administrator(self.wanted, [self._with_password_check(user) for user in users])

    def apply(self, changes: t.Sequence[Change]) -> None:
        """Make the changes, read them back, and log in once with a new password. Raises MediaserverError."""
        names = {change.name for change in changes}
        if not names:
            return
        if ACCOUNT in names:
            self._create()
        else:
            self._repair(names)
        self._verify(with_password=bool(names & {ACCOUNT, PASSWORD}))

    def _read(self) -> list[User]:
        answer = get_by_key(self.client, "/Users")
        return [parse_user(entry) for entry in expect_list(answer, f"GET {self.client.url}/Users")]

    def _own(self) -> User:
        user = find(self._read(), self.wanted.name)
        if user is None:
            raise ServiceProblem(
                f"account {self.wanted.name} is no longer listed; another program may have removed it. Run again"
            )
        return user

    def _with_password_check(self, user: User) -> User:
        wanted = self.wanted
        if not wanted.always_password or is_disabled(user) or user.name.casefold() != wanted.name.casefold():
            return user
        if self.check_mode and next_failure_locks(user.policy, administrator=user.administrator):
            self.warnings.append(
                f"the password of {user.name} is not checked in check mode: another failed login would disable the"
                " account. A real run checks it, and enables the account again"
            )
            return user
        check = check_password(self.client, user.name, wanted.password)
        self.warnings += check.warnings
        return replace(user, password_valid=check.valid)

    def _create(self) -> None:
        name = self.wanted.name
        try:
            self.client.post("/Users/New", {"Name": name, "Password": self.wanted.password})
        except RequestFailed as error:
            if error.status != 400:
                raise
            raise InvalidValue(
                f"the server rejects username {name!r} or the password: a name may contain letters, digits, blanks and"
                f" -'._@+ ({error})"
            ) from error
        self._write_policy(NEW_POLICY)

    def _repair(self, names: t.Collection[str]) -> None:
        if RIGHT in names or DISABLED in names:
            self._write_policy({ADMINISTRATOR: True, **ENABLED_POLICY})
        if PASSWORD in names:
            self.client.post("/Users/Password", {"NewPw": self.wanted.password}, query={"userId": self._own().id})
            # The check may have been the failed login that disabled the account.
            if any(self._own().policy.get(name, value) != value for name, value in ENABLED_POLICY.items()):
                self._write_policy(ENABLED_POLICY)

    def _write_policy(self, policy: t.Mapping[str, t.Any]) -> None:
        """Send the whole current policy with the changes, because the server replaces all of it."""
        user = self._own()
        self.client.post(f"/Users/{user.id}/Policy", merge(user.policy, policy))

    def _verify(self, *, with_password: bool) -> None:
        user = self._own()
        if not user.administrator or is_disabled(user):
            raise NotTaken(
                f"POST {self.client.url}/Users/{user.id}/Policy: accepted, but account {user.name} is still"
                f" {'disabled' if is_disabled(user) else 'not an administrator'}. Correct it in Jellyfin's dashboard"
            )
        if with_password:
            check = check_password(self.client, user.name, self.wanted.password)
            self.warnings += check.warnings
            if check.valid is False:
                raise NotTaken(
                    f"POST {self.client.url}/Users/Password: accepted, but {user.name} cannot log in with the new"
                    " password. Set it in Jellyfin's dashboard"
                )
