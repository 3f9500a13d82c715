# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Brings a server's accounts to the wanted state: read, plan, apply with one call after another, read back."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from .._core.errors import (
    MediaserverError,
    NotTaken,
    ProtocolError,
    ServiceProblem,
)
from .access import get_by_key, not_installed_reason
from .client import (
    JellyfinAccessDenied,
    JellyfinClient,
    RequestFailed,
    expect_list,
    expect_object,
)
from .library import read_libraries
from .login import check_password
from .user_model import (
    User,
    WantedUser,
    parse_user,
)
from .user_plan import (
    Action,
    CreateUser,
    DeleteUser,
    SetPassword,
    UserPlan,
    WritePolicy,
    plan_users,
    policy_changes,
)
from .values import merge


@dataclass
class UserResult:
    """The plan that was applied, or in check mode would be."""

    plan: UserPlan
    warnings: list[str] = field(default_factory=list)


def present(result: UserResult) -> dict[str, t.Any]:
    """Return the module's return values, without passwords."""
    shown = {change.name: change.shown() for change in result.plan.changes.changes}
    return {
        "changed": bool(result.plan),
        "changes": {name: {"before": before, "after": after} for name, (before, after) in shown.items()},
        "actions": [str(action) for action in result.plan.actions],
        "diff": result.plan.changes.diff(),
    }


class JellyfinUsers:
    """The wanted accounts of one server; other accounts are not changed."""

    def __init__(
        self,
        client: JellyfinClient,
        wanted: t.Sequence[WantedUser],
        *,
        allow_removal: bool,
        timeout: float,
        check_mode: bool,
        authorise: t.Callable[[], None],
    ) -> None:
        self.client = client
        self.wanted = list(wanted)
        self.allow_removal = allow_removal
        self.timeout = timeout
        self.check_mode = check_mode
        self.authorise = authorise
        self.warnings: list[str] = []
        # Name of a created account whose policy is not written yet.
        self.unfinished = ""

    def run(self) -> UserResult:
        """Apply the plan. Raises MediaserverError; completed steps stay, and the next run completes the rest."""
        named = sorted({name for user in self.wanted for name in user.libraries or () if not user.absent})
        if self.check_mode and (reason := not_installed_reason(self.client)):
            predicted = self._plan([], dict.fromkeys(named, "unknown"))
            return UserResult(predicted, [f"{reason}; predicted without the current accounts"])
        self.authorise()
        self.client.wait_until_healthy(self.timeout)
        plan = self._plan([self._with_password_check(user) for user in self._read()], self._libraries(named))
        if not self.check_mode:
            try:
                for action in plan.actions:
                    self._apply(action)
            except MediaserverError as error:
                self._remove_unfinished(error)
                raise
        return UserResult(plan, self.warnings)

    def _plan(self, found: t.Sequence[User], libraries: t.Mapping[str, str]) -> UserPlan:
        return plan_users(self.wanted, found, libraries, allow_removal=self.allow_removal)

    def _read(self) -> list[User]:
        response = get_by_key(self.client, "/Users")
        users = [parse_user(entry) for entry in expect_list(response, f"GET {self.client.url}/Users")]
        return sorted(users, key=lambda user: user.name)

    def _libraries(self, named: t.Sequence[str]) -> dict[str, str]:
        """Return the ids of all libraries by name; empty when no name is needed."""
        if not named:
            return {}
        found, partial = read_libraries(self.client, named, timeout=self.timeout, check_mode=self.check_mode)
        known = {
            library.name: library.item_id for library in found if not self.check_mode or library.name not in partial
        }
        missing = [name for name in named if name not in known]
        if self.check_mode and missing:
            # An earlier task, which was only predicted as well, may create it.
            self.warnings.append(f"libraries that do not exist yet and must be created first: {', '.join(missing)}")
            known.update(dict.fromkeys(missing, "unknown"))
        return known

    def _with_password_check(self, user: User) -> User:
        """Return the account with ``password_valid`` set where update_password is always."""
        wanted = next((want for want in self.wanted if want.name.casefold() == user.name.casefold()), None)
        if wanted is None or wanted.absent or not wanted.always_password or user.policy.get("IsDisabled") is True:
            return user
        check = check_password(self.client, user.name, wanted.password or "")
        self.warnings += check.warnings
        # A password that cannot be checked is not changed.
        return replace(user, password_valid=check.valid is not False)

    def _apply(self, action: Action) -> None:
        try:
            self._send(action)
        except (RequestFailed, JellyfinAccessDenied) as error:
            raise ProtocolError(f"could not {action}: {error}") from error

    def _send(self, action: Action) -> None:
        client = self.client
        match action:
            case CreateUser(name, password):
                self._create(name, password)
            case SetPassword(name, password):
                client.post("/Users/Password", {"NewPw": password}, query={"userId": self._find(name).id})
            case WritePolicy(name, policy):
                self._write_policy(name, policy)
                self.unfinished = ""
            case DeleteUser(_, identifier):
                client.delete(f"/Users/{identifier}")

    def _create(self, name: str, password: str) -> None:
        """Create an account. If the response is lost, it may exist and counts as unfinished."""
        self.unfinished = name
        try:
            self.client.post("/Users/New", {"Name": name, "Password": password})
        except (RequestFailed, JellyfinAccessDenied):
            self.unfinished = ""
            raise

    def _write_policy(self, name: str, policy: t.Mapping[str, t.Any]) -> None:
        """Send the whole current policy with the changes, because the server replaces all of it."""
        path = f"/Users/{self._find(name).id}"
        tried = f"GET {self.client.url}{path}"
        now = parse_user(expect_object(self.client.get(path), tried))
        self.client.post(f"{path}/Policy", merge(now.policy, policy))
        after = parse_user(expect_object(self.client.get(path), tried))
        if left := policy_changes(f"{name}.policy", policy, after.policy):
            shown = (f"{change.name} is {change.shown()[0]!r}" for change in left)
            raise NotTaken(
                f"POST {self.client.url}{path}/Policy: accepted, but then {'; '.join(shown)}. Check the account in"
                " Jellyfin's dashboard"
            )

    def _remove_unfinished(self, reason: MediaserverError) -> None:
        """Delete a created account without its policy, because it has access to every library."""
        if not self.unfinished:
            return
        try:
            if made := self._lookup(self.unfinished):
                self.client.delete(f"/Users/{made.id}")
        except MediaserverError as error:
            raise ServiceProblem(
                f"{reason}. The new account {self.unfinished} has access to every library until the next run; it could"
                f" not be removed: {error}"
            ) from reason

    def _find(self, name: str) -> User:
        user = self._lookup(name)
        if user is None:
            raise ServiceProblem(f"account {name} is no longer listed; another program may have removed it. Run again")
        return user

    def _lookup(self, name: str) -> User | None:
        return next((user for user in self._read() if user.name.casefold() == name.casefold()), None)
