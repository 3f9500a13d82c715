# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Claims a new Jellyfin, and keeps what it was claimed with: administrator, API key in a file. Read, plan, apply."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._core.errors import (
    AccessDenied,
    InvalidValue,
    MediaserverError,
    NotTaken,
    ProtocolError,
    Unreachable,
)
from .._core.plan import MISSING, Change, Plan
from .._host.file_tree import PathState
from .administrator import (
    JellyfinAdministrator,
    WantedAdministrator,
)
from .client import (
    Denied,
    JellyfinClient,
    expect_list,
    expect_object,
)
from .key_file import KeyFile, is_key, key_in
from .wizard import Household, run_wizard

T = t.TypeVar("T")

# What the key file may hold, in words, since the key itself is nobody's business.
VALID, DEAD = "a valid API key", "no valid API key"


@dataclass(frozen=True)
class Seen:
    """What was found. ``server`` is the answer of /System/Info/Public, None when nobody listens."""

    server: dict[str, t.Any] | None
    file: PathState
    key_works: bool
    administrator: t.Sequence[Change] = ()


@dataclass
class Outcome:
    """What was done, or would be in check mode. ``key_created`` is None when that is not known."""

    plan: Plan
    server: dict[str, t.Any]
    key_created: bool | None = False
    warnings: list[str] = field(default_factory=list)


def is_claimed(info: t.Mapping[str, t.Any]) -> bool:
    """Tell from /System/Info/Public whether the wizard is completed.

    Only true to life once the server is healthy: the temporary server of each start says false to everybody,
    with keys in camelCase, which is why those count as no answer. Raises ProtocolError.
    """
    completed = info.get("StartupWizardCompleted")
    if not isinstance(completed, bool):
        raise ProtocolError("GET /System/Info/Public: no StartupWizardCompleted in the answer; is this Jellyfin?")
    return completed


def plan_setup(seen: Seen, wrong: t.Mapping[str, tuple[str, str]]) -> Plan:
    """Return what is to do; ``wrong`` are the attributes of the key file that have to change."""
    changes = [Change(f"api_key_file {name}", before, after) for name, (before, after) in wrong.items()]
    if not seen.key_works:
        changes.append(Change("api_key_file", MISSING if seen.file.kind == "absent" else DEAD, VALID))
    if seen.server is None or not is_claimed(seen.server):
        changes.append(Change("wizard_completed", False, True))
    changes += seen.administrator
    return Plan(tuple(sorted(changes, key=lambda change: change.name)))


def present(outcome: Outcome) -> dict[str, t.Any]:
    """Return the module's answer; nothing in it is secret."""
    wanted = outcome.plan.values()
    return {
        "changed": bool(outcome.plan),
        "wizard_completed": True,
        "wizard_run": "wizard_completed" in wanted,
        "api_key_created": outcome.key_created,
        "api_key_written": "api_key_file" in wanted,
        "administrator_changes": sorted(
            name.removeprefix("administrator ") for name in wanted if name.startswith("administrator ")
        ),
        "server_version": str(outcome.server.get("Version", "")),
        "server_id": str(outcome.server.get("Id", "")),
        "server_name": str(outcome.server.get("ServerName", "")),
        "diff": outcome.plan.diff(),
    }


class JellyfinSetup:
    """One server, one administrator, one key file."""

    def __init__(
        self,
        client: JellyfinClient,
        *,
        household: Household,
        administrator: WantedAdministrator,
        app_name: str,
        file: KeyFile,
        timeout: float,
        check_mode: bool,
        hide: t.Callable[[str], object],
        sync: t.Callable[[], object],
    ) -> None:
        if not app_name.strip():
            raise InvalidValue("app_name must not be empty")
        self.client = client
        self.household = household
        self.administrator = JellyfinAdministrator(client, administrator, check_mode=check_mode)
        self.app_name = app_name
        self.file = file
        self.timeout = timeout
        self.check_mode = check_mode
        self.hide = hide
        self.sync = sync

    def run(self) -> Outcome:
        """Do it. Raises MediaserverError; what was done until then is found and kept by the next run."""
        if not self.check_mode:
            self.file.check()
        seen = self._look()
        plan = plan_setup(seen, self.file.wrong(seen.file))
        outcome = Outcome(plan, seen.server or {}, warnings=self.administrator.warnings)
        if self.check_mode:
            outcome.key_created = False if seen.key_works else None
            if seen.server is None:
                outcome.warnings.append(f"nobody listens at {self.client.url}; foretold as for a new server")
            return outcome
        if plan:
            self._apply(plan, seen, outcome)
        return outcome

    def _look(self) -> Seen:
        found = self.file.read()
        key = key_in(found)
        if key:
            self.hide(key)
        try:
            # Nothing runs on a host that check mode visits before its first real run: no use in waiting.
            self.client.wait_until_healthy(0 if self.check_mode and self._refuses() else self.timeout)
        except Unreachable as error:
            if self.check_mode and error.refused:
                return Seen(None, found, key_works=False)
            raise
        server = self.client.public_info()
        works = bool(key) and self._works(key)
        return Seen(server, found, key_works=works, administrator=self._look_at_account(server, key) if works else ())

    def _look_at_account(self, server: t.Mapping[str, t.Any], key: str) -> list[Change]:
        """Without a key that works a login proves all of it; the wizard asks for it itself."""
        return self._with_key(key, self.administrator.look) if is_claimed(server) else []

    def _with_key(self, key: str, work: t.Callable[[], T]) -> T:
        session, self.client.token = self.client.token, key
        try:
            return work()
        finally:
            self.client.token = session

    def _refuses(self) -> bool:
        try:
            self.client.ask_health()
        except Unreachable as error:
            return error.refused
        return False

    def _apply(self, plan: Plan, seen: Seen, outcome: Outcome) -> None:
        wanted = plan.values()
        key = key_in(seen.file)
        try:
            if "wizard_completed" in wanted:
                outcome.server = run_wizard(self.client, self.household)
                if not is_claimed(outcome.server):
                    raise NotTaken(f"POST {self.client.url}/Startup/Complete: accepted, and the wizard is still open")
            if "api_key_file" in wanted:
                key, outcome.key_created = self._obtain_key()
        finally:
            self._log_out(outcome)
        if seen.administrator:
            self._with_key(key, lambda: self.administrator.apply(seen.administrator))
        # The file is the proof that the server was claimed, so it comes after the server's own files.
        self.sync()
        self.file.write(key, seen.file)

    def _obtain_key(self) -> tuple[str, bool]:
        """Return a key of this name that works, and whether it had to be made."""
        client = self.client
        if not client.token:
            try:
                client.login(self.household.username, self.household.password)
            except Denied as error:
                raise AccessDenied(
                    f"username and password are not those of an administrator of this server ({error}). Its wizard"
                    " was completed before: give the user name and password that were chosen then, or put an API key"
                    f" made in Jellyfin's dashboard into {self.file.path}"
                ) from error
        key = self._find_key()
        created = not key
        if created:
            client.post("/Auth/Keys", query={"app": self.app_name})
            key = self._find_key()
        if not key:
            raise NotTaken(f"POST {client.url}/Auth/Keys?app={self.app_name}: accepted, and no such key is listed")
        self.hide(key)
        if not self._works(key):
            raise NotTaken(f"GET {client.url}/System/Info: the server lists the key of {self.app_name} and refuses it")
        return key, created

    def _find_key(self) -> str:
        """Return the oldest key of this name, so that every run finds the same one; empty when there is none."""
        tried = f"GET {self.client.url}/Auth/Keys"
        try:
            answer = expect_object(self.client.get("/Auth/Keys"), tried)
        except Denied as error:
            raise AccessDenied(f"username must be that of an administrator: {error}") from error
        keys = [key for key in expect_list(answer.get("Items"), tried) if key.get("AppName") == self.app_name]
        keys.sort(key=lambda key: (str(key.get("DateCreated")), str(key.get("AccessToken"))))
        token = keys[0].get("AccessToken") if keys else ""
        if keys and not is_key(token):
            raise ProtocolError(f"{tried}: the key of {self.app_name} has no usable AccessToken")
        return str(token)

    def _works(self, key: str) -> bool:
        """Try the key. A server that is still loading says 401 to a good one, so its health is asked again."""

        def answers() -> bool:
            for _time in range(2):
                try:
                    self.client.get("/System/Info")
                    return True
                except Denied:
                    self.client.wait_until_healthy(self.timeout)
            return False

        return self._with_key(key, answers)

    def _log_out(self, outcome: Outcome) -> None:
        """End the session, if there is one: nobody needs an administrator's token that is still valid."""
        if not self.client.token:
            return
        try:
            self.client.post("/Sessions/Logout")
        except MediaserverError as error:
            outcome.warnings.append(f"the session of this run could not be ended: {error}")
        self.client.token = ""
