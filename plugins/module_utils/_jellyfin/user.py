# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Brings a server's accounts to what is wanted: read, plan, one call after another, read back."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from .._core.errors import (
    MediaserverError,
    NotTaken,
    ProtocolError,
    ServiceProblem,
)
from .access import get_by_key, not_there_yet
from .client import (
    Denied,
    JellyfinClient,
    Refused,
    expect_list,
    expect_object,
)
from .library import read_libraries
from .login import try_password
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
class Outcome:
    """What was done, or would be in check mode."""

    plan: UserPlan
    warnings: list[str] = field(default_factory=list)


def present(outcome: Outcome) -> dict[str, t.Any]:
    """Return the module's answer; no password is in it."""
    shown = {change.name: change.shown() for change in outcome.plan.changes.changes}
    return {
        "changed": bool(outcome.plan),
        "changes": {name: {"before": before, "after": after} for name, (before, after) in shown.items()},
        "actions": [str(action) for action in outcome.plan.actions],
        "diff": outcome.plan.changes.diff(),
    }


class JellyfinUsers:
    """The wanted accounts of one server; those that are not listed are left alone."""

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
        self.unfinished = ""

    def run(self) -> Outcome:
        """Do it. Raises MediaserverError; what was done until then stays so, and the next run goes on."""
        named = sorted({name for user in self.wanted for name in user.libraries or () if not user.absent})
        if self.check_mode and (reason := not_there_yet(self.client)):
            foretold = self._plan([], dict.fromkeys(named, "unknown"))
            return Outcome(foretold, [f"{reason}; foretold without having seen the present accounts"])
        self.authorise()
        self.client.wait_until_healthy(self.timeout)
        plan = self._plan([self._tried(user) for user in self._read()], self._libraries(named))
        if not self.check_mode:
            try:
                for action in plan.actions:
                    self._take(action)
            except MediaserverError as error:
                self._undo(error)
                raise
        return Outcome(plan, self.warnings)

    def _plan(self, found: t.Sequence[User], libraries: t.Mapping[str, str]) -> UserPlan:
        return plan_users(self.wanted, found, libraries, allow_removal=self.allow_removal)

    def _read(self) -> list[User]:
        answer = get_by_key(self.client, "/Users")
        users = [parse_user(entry) for entry in expect_list(answer, f"GET {self.client.url}/Users")]
        return sorted(users, key=lambda user: user.name)

    def _libraries(self, named: t.Sequence[str]) -> dict[str, str]:
        """Return the ids of all libraries by name, if any name matters."""
        if not named:
            return {}
        found, partial = read_libraries(self.client, named, timeout=self.timeout, check_mode=self.check_mode)
        known = {
            library.name: library.item_id for library in found if not self.check_mode or library.name not in partial
        }
        missing = [name for name in named if name not in known]
        if self.check_mode and missing:
            # An earlier task, which has only been foretold too, may be the one that makes it.
            self.warnings.append(f"libraries that are not there and must be made before: {', '.join(missing)}")
            known.update(dict.fromkeys(missing, "unknown"))
        return known

    def _tried(self, user: User) -> User:
        """Look whether a password that shall always be the wanted one is it: by a login, which is ended at once."""
        wanted = next((want for want in self.wanted if want.name.casefold() == user.name.casefold()), None)
        if wanted is None or wanted.absent or not wanted.always_password or user.policy.get("IsDisabled") is True:
            return user
        trial = try_password(self.client, user.name, wanted.password or "")
        self.warnings += trial.warnings
        # What cannot be tried is left as it is.
        return replace(user, password_fits=trial.fits is not False)

    def _take(self, action: Action) -> None:
        try:
            self._send(action)
        except (Refused, Denied) as error:
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
        """Where the answer is lost, the account may have been made."""
        self.unfinished = name
        try:
            self.client.post("/Users/New", {"Name": name, "Password": password})
        except (Refused, Denied):
            self.unfinished = ""
            raise

    def _write_policy(self, name: str, policy: t.Mapping[str, t.Any]) -> None:
        """Send the whole policy as it is now, since the server replaces all of it."""
        path = f"/Users/{self._find(name).id}"
        tried = f"GET {self.client.url}{path}"
        now = parse_user(expect_object(self.client.get(path), tried))
        self.client.post(f"{path}/Policy", merge(now.policy, policy))
        after = parse_user(expect_object(self.client.get(path), tried))
        if left := policy_changes(f"{name}.policy", policy, after.policy):
            shown = (f"{change.name} is {change.shown()[0]!r}" for change in left)
            raise NotTaken(f"POST {self.client.url}{path}/Policy: accepted, and then {'; '.join(shown)}")

    def _undo(self, reason: MediaserverError) -> None:
        """Take back an account that was made and could not be given its policy: it would see everything."""
        if not self.unfinished:
            return
        try:
            if made := self._look(self.unfinished):
                self.client.delete(f"/Users/{made.id}")
        except MediaserverError as error:
            raise ServiceProblem(
                f"{reason}. The new account {self.unfinished} may see every library until the next run; it could not be"
                f" taken back: {error}"
            ) from reason

    def _find(self, name: str) -> User:
        user = self._look(name)
        if user is None:
            raise ServiceProblem(f"account {name} is not listed any more; is another program at work?")
        return user

    def _look(self, name: str) -> User | None:
        return next((user for user in self._read() if user.name.casefold() == name.casefold()), None)
