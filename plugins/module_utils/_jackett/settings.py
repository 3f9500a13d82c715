# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The use case: read what is, plan, apply. All that talks or writes is handed in, for tests."""

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

# Names in the plan for what is no field.
DAMAGE = "(ServerConfig.json)"
FORM = "(form of ServerConfig.json)"
OWNER = "(owner of ServerConfig.json)"
MODE = "(mode of ServerConfig.json)"
KEY_FILE = "(api_key_file)"
# What can be put right beside a running Jackett, which reads the file only at its start.
HARMLESS = (OWNER, MODE, KEY_FILE)


@dataclass(frozen=True)
class Found:
    """What was read."""

    state: str
    content: Content
    held: model.Held


@dataclass
class Outcome:
    """What a module returns."""

    plan: Plan = field(default_factory=Plan)
    daemon: str = STOPPED
    stopped_for: list[str] = field(default_factory=list)
    kept_aside: str = ""
    warnings: list[str] = field(default_factory=list)


@dataclass
class JackettSettings:
    """One Jackett with its wanted fields, password and key."""

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

    def run(self) -> Outcome:
        """Read, plan and, unless in check mode, apply."""
        self.outcome = Outcome()
        self.spares = [self._key_file_content(), {n: self.make_key(length) for n, length in model.MADE.items()}]
        content, held = self._read_file()
        found = Found(self._state(), content, held)
        plan = self._plan(found)
        self.outcome.plan, self.outcome.daemon = plan, found.state
        self.outcome.stopped_for = self._needs_stop(found, plan)
        if plan and not self.check_mode:
            self._apply(found, plan)
        return self.outcome

    # --- read

    def _read_file(self) -> tuple[Content, model.Held]:
        content = self.file.read()
        held = model.inspect(content)
        if held.problem and not self.recreate_damaged:
            raise FileProblem(self._damage(content, held) + "; on_damage=recreate makes a new one")
        return content, held

    def _state(self) -> str:
        state = self.supervisor.state()
        if state == UNKNOWN:
            return RUNNING if self.client.listens() else STOPPED
        if state == RESTARTING:
            self.outcome.warnings.append("Jackett ends and is started again and again; its log says why")
        return state

    def _key_file_content(self) -> model.Values:
        """Return the key of the host's own programs, so that it outlives the file that it was taken from."""
        content = self.key_file.read_raw() if self.key_file else Content()
        text = content.raw.decode(errors="replace").strip()
        return {"APIKey": text} if model.KEY.fullmatch(text) else {}

    # --- plan

    def _plan(self, found: Found) -> Plan:
        fields = self._target(found.held)
        changes = list(make_plan(fields, model.view(found.held, found.content), secrets=SECRETS).changes)
        if found.held.problem:
            changes.append(Change(DAMAGE, "damaged", "whole"))
        elif not found.held.tidy:
            changes.append(Change(FORM, "another", "as Jackett writes it"))
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

    def _target(self, held: model.Held) -> model.Values:
        return model.target(self.wanted, held, password=self.password, api_key=self.api_key, spares=self.spares)

    def _needs_stop(self, found: Found, plan: Plan) -> list[str]:
        """Name the changes for which a running Jackett must be stopped: it would write over them."""
        if found.state == STOPPED:
            return []
        names = [name for name in plan.values() if name not in HARMLESS]
        if names and not self.supervisor.can_stop:
            raise ServiceProblem(
                f"these can be changed only while Jackett is stopped: {', '.join(names)};"
                " name the container or the unit that may be stopped for it, or stop it yourself"
            )
        return names

    # --- apply

    def _apply(self, found: Found, plan: Plan) -> None:
        if found.held.problem:
            self.outcome.warnings.append(self._damage(found.content, found.held))
        if self.outcome.stopped_for:
            key = self._apply_stopped()
        elif any(name not in HARMLESS for name in plan.values()):
            key = self._write(found.content, found.held)["APIKey"]
        else:
            key = self._target(found.held)["APIKey"]
            if OWNER in plan.values() or MODE in plan.values():
                self.file.hand_over(and_mode=True)
        if self.key_file and self._plan_key_file(key):
            self.key_file.replace(f"{key}\n", found=self.key_file.read_raw())

    def _apply_stopped(self) -> str:
        """Stop, write, start, and look whether Jackett kept what was written; return the key."""
        self.supervisor.stop()
        try:
            if self.supervisor.state() != STOPPED:
                raise ServiceProblem("Jackett was told to stop and still runs; ServerConfig.json was not touched")
            fields = self._write(*self._read_file())
        except MediaserverError:
            # Back to where we were, but never with a file that would open it to everybody.
            if model.inspect(self.file.read()).claimed:
                self.supervisor.start()
            raise
        self.supervisor.start()
        self.outcome.daemon = RUNNING
        try:
            self.client.wait_for_health(timeout=self.timeout, clock=self.clock)
        finally:
            # One that is not well may be open all the same.
            self._verify(fields)
        return t.cast(str, fields["APIKey"])

    def _write(self, content: Content, held: model.Held) -> model.Values:
        """Write what the file says and what is wanted over it; return the latter."""
        if held.problem:
            self._damage(content, held)
        fields = self._target(held)
        self.file.replace(model.render(model.merge(held, fields)), found=content)
        return fields

    def _verify(self, fields: model.Values) -> None:
        """Read back: Jackett replaces a file that it does not like, in silence. Nobody may meet an open one."""
        content = self.file.read()
        held = model.inspect(content)
        rest = make_plan(fields, model.view(held, content), secrets=SECRETS)
        if rest:
            names = ", ".join(change.name for change in rest.changes)
            open_now = ""
            if not held.claimed:
                self.supervisor.stop()
                open_now = "; it was stopped, because it was open to everybody"
            raise NotTaken(
                f"Jackett replaced {self.file.path} when it started; these differ from what was written: {names}"
                f" (are there other options on its command line?){open_now}"
            )

    def _damage(self, content: Content, held: model.Held) -> str:
        """Keep a damaged file aside and say so."""
        text = f"{self.file.path} is damaged: {held.problem}"
        if self.check_mode:
            return text
        self.outcome.kept_aside = self.file.keep_aside(content)
        return f"{text}; kept as {self.outcome.kept_aside}"
