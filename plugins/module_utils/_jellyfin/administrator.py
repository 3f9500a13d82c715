# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Keeps the administrator's account by the API key: it exists, is enabled, is administrator, has its password.

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
    Refused,
    expect_list,
)
from .login import (
    next_failure_locks,
    try_password,
)
from .user_model import (
    ADMINISTRATOR,
    User,
    parse_user,
)
from .values import merge

# Names in the plan.
ACCOUNT = "administrator account"
RIGHT = f"administrator {ADMINISTRATOR}"
DISABLED = "administrator IsDisabled"
PASSWORD = "administrator password"
# What the first-run wizard gives to the account that it makes.
NEW_POLICY = {ADMINISTRATOR: True, "EnableContentDeletion": True, "EnableRemoteControlOfOtherUsers": True}
ENABLED_POLICY = {"IsDisabled": False, "InvalidLoginAttemptCount": 0}


@dataclass(frozen=True)
class WantedAdministrator:
    """``others`` are further administrators that the household knows of."""

    name: str
    password: str = field(repr=False)
    always_password: bool = True
    others: tuple[str, ...] = ()


def plan_administrator(wanted: WantedAdministrator, users: t.Sequence[User]) -> list[Change]:
    """Pure: what the account lacks.

    The sessions of a disabled account have ended, so it gets its password without a trial, which would be refused.
    """
    has = find(users, wanted.name)
    if has is None:
        return [Change(ACCOUNT, MISSING, wanted.name)]
    changes = []
    if not has.administrator:
        changes.append(Change(RIGHT, False, True))
    if is_disabled(has):
        changes.append(Change(DISABLED, True, False))
    if wanted.always_password and (is_disabled(has) or has.password_fits is False):
        changes.append(Change(PASSWORD, "", "", secret=True))
    return changes


def find(users: t.Sequence[User], name: str) -> User | None:
    """Return the account of this name, which Jellyfin compares without regard to case."""
    return next((user for user in users if user.name.casefold() == name.casefold()), None)


def is_disabled(user: User) -> bool:
    return user.policy.get("IsDisabled") is True


def other_administrators(wanted: WantedAdministrator, users: t.Sequence[User]) -> list[str]:
    """Pure: names of administrators of which the inventory says nothing."""
    known = {name.casefold() for name in (wanted.name, *wanted.others)}
    return sorted(user.name for user in users if user.administrator and user.name.casefold() not in known)


class JellyfinAdministrator:
    """One account; the client must have a valid API key as its token."""

    def __init__(self, client: JellyfinClient, wanted: WantedAdministrator, *, check_mode: bool) -> None:
        self.client = client
        self.wanted = wanted
        self.check_mode = check_mode
        self.warnings: list[str] = []

    def look(self) -> list[Change]:
        """Return what has to change. Tries the password with one login, where only a login can tell."""
        users = self._read()
        if others := other_administrators(self.wanted, users):
            self.warnings.append(
                f"this server has other administrators than {self.wanted.name}: {', '.join(others)}. They are left"
                " alone; demote or remove accounts that should not be administrators in Jellyfin's dashboard"
            )
        return plan_administrator(self.wanted, [self._tried(user) for user in users])

    def apply(self, changes: t.Sequence[Change]) -> None:
        """Make the changes, then read back and log in once with a new password. Raises MediaserverError."""
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
            raise ServiceProblem(f"account {self.wanted.name} is not listed any more; is another program at work?")
        return user

    def _tried(self, user: User) -> User:
        wanted = self.wanted
        if not wanted.always_password or is_disabled(user) or user.name.casefold() != wanted.name.casefold():
            return user
        if self.check_mode and next_failure_locks(user.policy, administrator=user.administrator):
            self.warnings.append(
                f"the password of {user.name} is not tried in check mode: another failed login would disable the"
                " account. A real run tries it, and enables the account again"
            )
            return user
        trial = try_password(self.client, user.name, wanted.password)
        self.warnings += trial.warnings
        return replace(user, password_fits=trial.fits)

    def _create(self) -> None:
        name = self.wanted.name
        try:
            self.client.post("/Users/New", {"Name": name, "Password": self.wanted.password})
        except Refused as error:
            if error.status != 400:
                raise
            raise InvalidValue(
                f"username {name!r}, or password, is refused by the server: letters, digits, blanks and -'._@+ are"
                f" allowed in a name ({error})"
            ) from error
        self._write_policy(NEW_POLICY)

    def _repair(self, names: t.Collection[str]) -> None:
        if RIGHT in names or DISABLED in names:
            self._write_policy({ADMINISTRATOR: True, **ENABLED_POLICY})
        if PASSWORD in names:
            self.client.post("/Users/Password", {"NewPw": self.wanted.password}, query={"userId": self._own().id})
            # The trial may have been the failed login that was one too many.
            if any(self._own().policy.get(name, value) != value for name, value in ENABLED_POLICY.items()):
                self._write_policy(ENABLED_POLICY)

    def _write_policy(self, policy: t.Mapping[str, t.Any]) -> None:
        """Send the whole policy as it is now, since the server replaces all of it."""
        user = self._own()
        self.client.post(f"/Users/{user.id}/Policy", merge(user.policy, policy))

    def _verify(self, *, with_password: bool) -> None:
        user = self._own()
        if not user.administrator or is_disabled(user):
            raise NotTaken(
                f"POST {self.client.url}/Users/{user.id}/Policy: accepted, and account {user.name} still is"
                f" {'disabled' if is_disabled(user) else 'no administrator'}"
            )
        if with_password:
            trial = try_password(self.client, user.name, self.wanted.password)
            self.warnings += trial.warnings
            if trial.fits is False:
                raise NotTaken(
                    f"POST {self.client.url}/Users/Password: accepted, and {user.name} cannot log in with the new"
                    " password"
                )
