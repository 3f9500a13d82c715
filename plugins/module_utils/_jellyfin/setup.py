# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Completes the wizard of a new Jellyfin, and manages its administrator and an API key in a file. Read, plan, apply."""

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
from .._core.secret_file import SecretFile
from .administrator import (
    JellyfinAdministrator,
    WantedAdministrator,
)
from .client import (
    JellyfinAccessDenied,
    JellyfinClient,
    expect_list,
    expect_object,
)
from .key_file import KeyFile, is_key, key_in
from .wizard import WizardAnswers, run_wizard

T = t.TypeVar("T")

# Shown in diffs in place of the key.
VALID, INVALID = "a valid API key", "no valid API key"


@dataclass(frozen=True)
class SetupState:
    """State of server and key file. ``server`` is /System/Info/Public, None when no server listens (check mode)."""

    server: dict[str, t.Any] | None
    file: SecretFile | None
    key_works: bool
    administrator: t.Sequence[Change] = ()


@dataclass
class SetupResult:
    """The plan that was applied, or in check mode would be. ``key_created`` is None when that is not known."""

    plan: Plan
    server: dict[str, t.Any]
    key_created: bool | None = False
    warnings: list[str] = field(default_factory=list)


def is_claimed(info: t.Mapping[str, t.Any]) -> bool:
    """Return from /System/Info/Public whether the wizard is completed. Raises ProtocolError.

    Valid only once the server is healthy: during each start, the temporary server returns false, in camelCase keys,
    which are therefore an error here.
    """
    completed = info.get("StartupWizardCompleted")
    if not isinstance(completed, bool):
        raise ProtocolError("GET /System/Info/Public: no StartupWizardCompleted in the response; is this Jellyfin?")
    return completed


def plan_setup(state: SetupState, wrong: t.Mapping[str, tuple[str, str]]) -> Plan:
    """Return the changes; ``wrong`` are attributes of the key file with their current and wanted values."""
    changes = [Change(f"api_key_file {name}", before, after) for name, (before, after) in wrong.items()]
    if not state.key_works:
        changes.append(Change("api_key_file", MISSING if state.file is None else INVALID, VALID))
    if state.server is None or not is_claimed(state.server):
        changes.append(Change("wizard_completed", False, True))
    changes += state.administrator
    return Plan(tuple(sorted(changes, key=lambda change: change.name)))


def present(result: SetupResult) -> dict[str, t.Any]:
    """Return the module's return values, without secrets."""
    wanted = result.plan.values()
    return {
        "changed": bool(result.plan),
        "wizard_completed": True,
        "wizard_run": "wizard_completed" in wanted,
        "api_key_created": result.key_created,
        "api_key_written": "api_key_file" in wanted,
        "administrator_changes": sorted(
            name.removeprefix("administrator ") for name in wanted if name.startswith("administrator ")
        ),
        "server_version": str(result.server.get("Version", "")),
        "server_id": str(result.server.get("Id", "")),
        "server_name": str(result.server.get("ServerName", "")),
        "diff": result.plan.diff(),
    }


class JellyfinSetup:
    """One server, one administrator, one key file."""

    def __init__(
        self,
        client: JellyfinClient,
        *,
        answers: WizardAnswers,
        administrator: WantedAdministrator,
        app_name: str,
        file: KeyFile,
        timeout: float,
        check_mode: bool,
        hide: t.Callable[[str], object],
        sync: t.Callable[[], object],
    ) -> None:
        if not app_name.strip():
            raise InvalidValue("app_name is empty; set a name for the API key")
        self.client = client
        self.answers = answers
        self.administrator = JellyfinAdministrator(client, administrator, check_mode=check_mode)
        self.app_name = app_name
        self.file = file
        self.timeout = timeout
        self.check_mode = check_mode
        self.hide = hide
        self.sync = sync

    def run(self) -> SetupResult:
        """Apply the plan. Raises MediaserverError; completed steps stay, and the next run completes the rest."""
        if not self.check_mode:
            self.file.check()
        state = self._observe()
        plan = plan_setup(state, self.file.wrong(state.file))
        result = SetupResult(plan, state.server or {}, warnings=self.administrator.warnings)
        if self.check_mode:
            result.key_created = False if state.key_works else None
            if state.server is None:
                result.warnings.append(f"no server listens at {self.client.url}; predicted as for a new server")
            return result
        if plan:
            self._apply(plan, state, result)
        return result

    def _observe(self) -> SetupState:
        found = self.file.read()
        key = key_in(found)
        if key:
            self.hide(key)
        try:
            # In check mode before the first real run, no server is installed, so waiting is useless.
            self.client.wait_until_healthy(0 if self.check_mode and self._connection_refused() else self.timeout)
        except Unreachable as error:
            if self.check_mode and error.refused:
                return SetupState(None, found, key_works=False)
            raise
        server = self.client.public_info()
        works = bool(key) and self._works(key)
        changes = self._observe_administrator(server, key) if works else ()
        return SetupState(server, found, key_works=works, administrator=changes)

    def _observe_administrator(self, server: t.Mapping[str, t.Any], key: str) -> list[Change]:
        """Return the account's needed changes. While the wizard is open there are none: it creates the account."""
        return self._with_key(key, self.administrator.observe) if is_claimed(server) else []

    def _with_key(self, key: str, work: t.Callable[[], T]) -> T:
        session, self.client.token = self.client.token, key
        try:
            return work()
        finally:
            self.client.token = session

    def _connection_refused(self) -> bool:
        try:
            self.client.get_health()
        except Unreachable as error:
            return error.refused
        return False

    def _apply(self, plan: Plan, state: SetupState, result: SetupResult) -> None:
        wanted = plan.values()
        key = key_in(state.file)
        try:
            if "wizard_completed" in wanted:
                result.server = run_wizard(self.client, self.answers)
                if not is_claimed(result.server):
                    raise NotTaken(
                        f"POST {self.client.url}/Startup/Complete: accepted, but the wizard is still open. Run again"
                    )
            if "api_key_file" in wanted:
                key, result.key_created = self._obtain_key()
        finally:
            self._log_out(result)
        if state.administrator:
            self._with_key(key, lambda: self.administrator.apply(state.administrator))
        # The file proves that the wizard is completed, so the server's own files are synced before it is written.
        self.sync()
        self.file.write(key, state.file)

    def _obtain_key(self) -> tuple[str, bool]:
        """Return a valid key with this name, and whether it was created. Raises AccessDenied or NotTaken."""
        client = self.client
        if not client.token:
            try:
                client.login(self.answers.username, self.answers.password)
            except JellyfinAccessDenied as error:
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
            raise NotTaken(
                f"POST {client.url}/Auth/Keys?app={self.app_name}: accepted, but no such key is listed. Run again"
            )
        self.hide(key)
        if not self._works(key):
            raise NotTaken(
                f"GET {client.url}/System/Info: the server lists the key of {self.app_name} but rejects it. Delete it"
                " in Jellyfin's dashboard and run again"
            )
        return key, created

    def _find_key(self) -> str:
        """Return the oldest key with this name, the same one in every run; empty when there is none."""
        tried = f"GET {self.client.url}/Auth/Keys"
        try:
            response = expect_object(self.client.get("/Auth/Keys"), tried)
        except JellyfinAccessDenied as error:
            raise AccessDenied(f"username must be that of an administrator: {error}") from error
        keys = [key for key in expect_list(response.get("Items"), tried) if key.get("AppName") == self.app_name]
        keys.sort(key=lambda key: (str(key.get("DateCreated")), str(key.get("AccessToken"))))
        token = keys[0].get("AccessToken") if keys else ""
        if keys and not is_key(token):
            raise ProtocolError(f"{tried}: the key of {self.app_name} has no usable AccessToken")
        return str(token)

    def _works(self, key: str) -> bool:
        """Return whether the key is valid. A server that is loading rejects a valid key (401), so this retries once."""

        def accepted() -> bool:
            for _attempt in range(2):
                try:
                    self.client.get("/System/Info")
                    return True
                except JellyfinAccessDenied:
                    self.client.wait_until_healthy(self.timeout)
            return False

        return self._with_key(key, accepted)

    def _log_out(self, result: SetupResult) -> None:
        """End the session, so that no valid token of the administrator remains."""
        if not self.client.token:
            return
        try:
            self.client.post("/Sessions/Logout")
        except MediaserverError as error:
            result.warnings.append(f"the session of this run could not be ended: {error}")
        self.client.token = ""
