# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The use case of jackett_settings: read, plan, apply. Everything with side effects is passed in, for tests."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._core.clock import Clock
from .._core.errors import (
    FileProblem,
    MediaserverError,
    NotTaken,
    ServiceProblem,
)
from .._core.json_file import Content, JsonFile
from .._core.owned_file import OwnedFile
from .._core.plan import MISSING, Change, Plan, make_plan
from .._core.supervisor import (
    RESTARTING,
    RUNNING,
    STOPPED,
    UNKNOWN,
    Supervisor,
)
from . import model
from .client import JackettClient
from .table import SECRETS

# Names in the plan of changes that are not fields.
DAMAGE = "(ServerConfig.json)"
FORMAT = "(format of ServerConfig.json)"
OWNER = "(owner of ServerConfig.json)"
MODE = "(mode of ServerConfig.json)"
KEY_FILE = "(api_key_file)"
# Changes that need no stop, because Jackett reads the file only at its start.
WITHOUT_STOP = (OWNER, MODE, KEY_FILE)


@dataclass(frozen=True)
class JackettState:
    """State of the daemon, and the file as read and as parsed."""

    daemon: str
    content: Content
    stored: model.StoredConfig


@dataclass
class SettingsResult:
    """The plan that was applied, or in check mode would be, and the state of the daemon after it."""

    plan: Plan = field(default_factory=Plan)
    daemon: str = STOPPED
    stopped_for: list[str] = field(default_factory=list)
    kept_aside: str = ""
    warnings: list[str] = field(default_factory=list)


@dataclass
class JackettSettings:
    """One Jackett with its wanted fields, password and key. ``timeout`` is the limit of a start in s."""

    wanted: model.Values
    password: str
    file: JsonFile
    client: JackettClient
    supervisor: Supervisor
    clock: Clock
    make_key: t.Callable[[int], str]
    api_key: str = ""
    key_file: OwnedFile | None = None
    timeout: float = 60
    recreate_damaged: bool = False
    check_mode: bool = False

    def run(self) -> SettingsResult:
        """Read, plan and, except in check mode, apply. Raises MediaserverError."""
        self.result = SettingsResult()
        self.spares = [self._key_file_content(), {n: self.make_key(length) for n, length in model.GENERATED.items()}]
        content, stored = self._read_file()
        found = JackettState(self._daemon_state(), content, stored)
        plan = self._plan(found)
        self.result.plan, self.result.daemon = plan, found.daemon
        self.result.stopped_for = self._needs_stop(found, plan)
        if plan and not self.check_mode:
            self._apply(found, plan)
        return self.result

    # --- read

    def _read_file(self) -> tuple[Content, model.StoredConfig]:
        content = self.file.read()
        stored = model.parse(content)
        if stored.problem and not self.recreate_damaged:
            raise FileProblem(self._keep_damaged(content, stored) + "; on_damage=recreate makes a new file")
        return content, stored

    def _daemon_state(self) -> str:
        state = self.supervisor.state()
        if state == UNKNOWN:
            return RUNNING if self.client.is_listening() else STOPPED
        if state == RESTARTING:
            self.result.warnings.append("Jackett is restarting again and again; check its log")
        return state

    def _key_file_content(self) -> model.Values:
        """Return the key in api_key_file, so that it survives the loss of ServerConfig.json."""
        content = self.key_file.read_raw() if self.key_file else Content()
        text = content.raw.decode(errors="replace").strip()
        return {"APIKey": text} if model.KEY.fullmatch(text) else {}

    # --- plan

    def _plan(self, found: JackettState) -> Plan:
        fields = self._target(found.stored)
        changes = list(make_plan(fields, model.effective(found.stored, found.content), secrets=SECRETS).changes)
        if found.stored.problem:
            changes.append(Change(DAMAGE, "damaged", "valid"))
        elif not found.stored.exact:
            changes.append(Change(FORMAT, "another", "Jackett's own"))
        if self.file.wrong_owner(found.content, may_be_missing=self.check_mode):
            owner = ":".join(part for part in (self.file.owner, self.file.group) if part)
            changes.append(Change(OWNER, ":".join(map(str, found.content.owner)), owner))
        if found.content.exists and found.content.mode != self.file.mode:
            changes.append(Change(MODE, f"{found.content.mode:04o}", f"{self.file.mode:04o}"))
        return Plan((*changes, *self._plan_key_file(fields["APIKey"])))

    def _plan_key_file(self, key: str) -> list[Change]:
        if not self.key_file:
            return []
        found = self.key_file.read_raw()
        if found.exists and (found.raw, found.mode) == (f"{key}\n".encode(), self.key_file.mode):
            return []
        return [Change(KEY_FILE, "another" if found.exists else MISSING, key, secret=True)]

    def _target(self, stored: model.StoredConfig) -> model.Values:
        return model.target(self.wanted, stored, password=self.password, api_key=self.api_key, spares=self.spares)

    def _needs_stop(self, found: JackettState, plan: Plan) -> list[str]:
        """Return the changes that need a stop, because a running Jackett would overwrite them."""
        if found.daemon == STOPPED:
            return []
        names = [name for name in plan.values() if name not in WITHOUT_STOP]
        if names and not self.supervisor.can_stop:
            raise ServiceProblem(
                f"these can be changed only while Jackett is stopped: {', '.join(names)};"
                " set container, service or unit to what may be stopped for it, or stop Jackett by hand"
            )
        return names

    # --- apply

    def _apply(self, found: JackettState, plan: Plan) -> None:
        if found.stored.problem:
            self.result.warnings.append(self._keep_damaged(found.content, found.stored))
        if self.result.stopped_for:
            key = self._apply_stopped()
        elif any(name not in WITHOUT_STOP for name in plan.values()):
            key = self._write(found.content, found.stored)["APIKey"]
        else:
            key = self._target(found.stored)["APIKey"]
            if OWNER in plan.values() or MODE in plan.values():
                self.file.give_to_owner(and_mode=True)
        if self.key_file and self._plan_key_file(key):
            self.key_file.replace(f"{key}\n", found=self.key_file.read_raw())

    def _apply_stopped(self) -> str:
        """Stop Jackett, write the file, start Jackett, verify that it kept the file; return the key."""
        self.supervisor.stop()
        try:
            if self.supervisor.state() != STOPPED:
                raise ServiceProblem(
                    "Jackett still runs after the stop; ServerConfig.json was not changed. Stop it by hand, run again"
                )
            fields = self._write(*self._read_file())
        except MediaserverError:
            # Restart it, but never with a file that would open it to every client.
            if model.parse(self.file.read()).protected:
                self.supervisor.start()
            raise
        self.supervisor.start()
        self.result.daemon = RUNNING
        try:
            self.client.wait_for_health(timeout=self.timeout, clock=self.clock)
        finally:
            # Also after a failed wait: a Jackett that is not healthy may be open to every client.
            self._verify(fields)
        return t.cast(str, fields["APIKey"])

    def _write(self, content: Content, stored: model.StoredConfig) -> model.Values:
        """Write the managed fields merged into the file; return the managed fields."""
        if stored.problem:
            self._keep_damaged(content, stored)
        fields = self._target(stored)
        self.file.replace(model.render(model.merge(stored, fields)), found=content)
        return fields

    def _verify(self, fields: model.Values) -> None:
        """Raise NotTaken when Jackett replaced the file at its start, which it does without a message.

        A Jackett without a password is stopped first.
        """
        content = self.file.read()
        stored = model.parse(content)
        rest = make_plan(fields, model.effective(stored, content), secrets=SECRETS)
        if rest:
            names = ", ".join(change.name for change in rest.changes)
            stopped = ""
            if not stored.protected:
                self.supervisor.stop()
                stopped = "; it was stopped, because it was open to every client"
            raise NotTaken(
                f"Jackett replaced {self.file.path} when it started; these differ from what was written: {names}."
                f" Check the options on its command line{stopped}"
            )

    def _keep_damaged(self, content: Content, stored: model.StoredConfig) -> str:
        """Keep a copy of a damaged file, except in check mode; return the message."""
        text = f"{self.file.path} is damaged: {stored.problem}"
        if self.check_mode:
            return text
        self.result.kept_aside = self.file.keep_aside(content)
        return f"{text}; kept as {self.result.kept_aside}"
