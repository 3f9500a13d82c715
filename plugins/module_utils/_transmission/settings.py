# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The use case: read what is, plan, apply. All that talks or writes is handed in, for tests."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._core.errors import (
    AccessDenied,
    FileProblem,
    InvalidValue,
    MediaserverError,
    NotTaken,
    ServiceProblem,
    Unreachable,
)
from .._core.json_file import Content, JsonFile
from .._core.plan import Plan, make_plan
from .._core.supervisor import (
    RESTARTING,
    RUNNING,
    STOPPED,
    UNKNOWN,
    Supervisor,
)
from . import image, model
from . import plan as planning
from .client import (
    Clock,
    TransmissionClient,
    version_of,
)
from .file import merge_file
from .plan import OWNER, TransmissionState
from .table import SECRETS


@dataclass
class TransmissionOutcome:
    """What a module returns."""

    plan: Plan = field(default_factory=Plan)
    daemon: str = STOPPED
    version: str = ""
    stopped_for: list[str] = field(default_factory=list)
    kept_aside: str = ""
    warnings: list[str] = field(default_factory=list)


@dataclass
class TransmissionSettings:
    """One daemon with its wanted settings, in normal form."""

    wanted: dict[str, t.Any]
    client: TransmissionClient
    supervisor: Supervisor
    clock: Clock
    file: JsonFile | None = None
    timeout: float = 60
    recreate_damaged: bool = False
    trust_file: bool = False
    check_mode: bool = False

    def run(self) -> TransmissionOutcome:
        """Read, plan and, unless in check mode, apply."""
        self.outcome = TransmissionOutcome()
        found = self._read()
        plan = self._plan(found)
        stop = self._needs_stop(found, plan)
        self.outcome.plan, self.outcome.daemon = plan, found.state
        self.outcome.stopped_for = stop
        if plan and not self.check_mode:
            self._apply(found, plan, stop)
        return self.outcome

    # --- read

    def _read(self) -> TransmissionState:
        content = self.file.read() if self.file else Content()
        if content.problem and not self.recreate_damaged:
            raise FileProblem(self._damage(content) + "; on_damage=recreate makes a new one")
        state = self.supervisor.state()
        overwritten = image.warning(self.supervisor.setup(), self.wanted)
        if overwritten:
            self.outcome.warnings.append(overwritten)
        if state == RESTARTING:
            self.outcome.warnings.append("the daemon ends and is started again and again; its log says why")
        if state in (STOPPED, RESTARTING):
            return TransmissionState(state, content)
        return self._ask(state, content)

    def _ask(self, state: str, content: Content) -> TransmissionState:
        try:
            if state == UNKNOWN:
                session = self._ask_whether_it_runs()
                state = STOPPED if session is None else RUNNING
            else:
                session = self.client.wait_for_session(timeout=self.timeout, clock=self.clock)
        except AccessDenied as error:
            may_be_restarted = self.file and self.supervisor.can_stop
            if not (may_be_restarted and planning.curable(error.reason, self.wanted, content)):
                raise
            return TransmissionState(state, content, denied=error.reason)
        except Unreachable as error:
            if not self.trust_file:
                raise
            self.outcome.warnings.append(f"the daemon runs and does not answer, so settings.json was compared: {error}")
            return TransmissionState(state, content)
        if session is not None:
            self.outcome.version = version_of(session)
            model.refuse_unknown(self.wanted, session)
        return TransmissionState(state, content, session)

    def _ask_whether_it_runs(self) -> dict[str, t.Any] | None:
        try:
            return self.client.session_get()
        except Unreachable as error:
            if error.refused:
                return None
            raise

    # --- plan

    def _plan(self, found: TransmissionState) -> Plan:
        if not self.file:
            unreachable = model.file_only(self.wanted)
            if unreachable:
                raise InvalidValue(f"config_dir is needed for what only settings.json holds: {', '.join(unreachable)}")
            if found.session is None:
                raise Unreachable(
                    f"{self.client.url}: the daemon does not run, and without config_dir there is no file"
                )
        owner = None
        if self.file and self.file.wrong_owner(found.content, may_be_missing=self.check_mode):
            wanted = ":".join(part for part in (self.file.owner, self.file.group) if part)
            owner = (":".join(map(str, found.content.owner)), wanted)
        return planning.make(self.wanted, found, owner)

    def _needs_stop(self, found: TransmissionState, plan: Plan) -> list[str]:
        """Name the changes for which a running daemon must be stopped; raise ServiceProblem where it may not be."""
        names = planning.needing_stop(found, plan)
        if names and not self.supervisor.can_stop:
            raise ServiceProblem(
                f"these can be changed only while the daemon is stopped: {', '.join(names)};"
                " name the container or the unit that may be stopped for it, or stop it yourself"
            )
        return names

    # --- apply

    def _apply(self, found: TransmissionState, plan: Plan, stop: list[str]) -> None:
        if found.content.problem:
            self.outcome.warnings.append(self._damage(found.content))
        if stop:
            self._apply_stopped(found)
        elif found.state == STOPPED:
            self._write(found.content, None)
        else:
            self._apply_live(found, plan)

    def _apply_live(self, found: TransmissionState, plan: Plan) -> None:
        changes = {name: value for name, value in plan.values().items() if name != OWNER}
        if changes:
            self.client.session_set(changes)
            self._verify(self.client.session_get(), changes)
        if self.file and OWNER in plan.values():
            self.file.give_to_owner()

    def _apply_stopped(self, found: TransmissionState) -> None:
        file = t.cast(JsonFile, self.file)
        self.supervisor.stop()
        try:
            if self.supervisor.state() != STOPPED:
                raise ServiceProblem("the daemon did not stop; settings.json was not touched")
            content = file.read()
            # A daemon that was killed has not saved what it held; we asked it just before.
            lost = content.stamp == found.content.stamp or bool(content.problem)
            self._write(content, found.session if lost else None)
        except MediaserverError:
            # Back to the earlier state, but never with a file that would leave the daemon without a password.
            content = file.read()
            if content.exists and not content.problem:
                self.supervisor.start()
            raise
        try:
            self.supervisor.start()
            self.outcome.daemon = RUNNING
            session = self.client.wait_for_session(timeout=self.timeout, clock=self.clock)
        except (ServiceProblem, Unreachable) as error:
            if found.session is not None or found.denied or not self.trust_file:
                raise
            self.outcome.warnings.append(f"settings.json is written, and the daemon still does not answer: {error}")
            return
        self.outcome.version = version_of(session)
        model.refuse_unknown(self.wanted, session)
        self._verify(session, self.wanted)

    def _write(self, content: Content, live: dict[str, t.Any] | None) -> None:
        """Merge what is wanted, over what the daemon held, into settings.json."""
        file = t.cast(JsonFile, self.file)
        if content.problem:
            self._damage(content)
        held = model.from_session(live or {})
        file.write(merge_file(content.data, planning.to_write(self.wanted, content, held)), found=content)

    def _verify(self, session: dict[str, t.Any], changes: dict[str, t.Any]) -> None:
        """Read back: the daemon says success also to what it ignores."""
        content = self.file.read() if self.file else Content()
        if model.file_only(changes) and content.problem:
            raise FileProblem(f"{t.cast(JsonFile, self.file).path}: {content.problem}")
        rest = make_plan(changes, planning.values(changes, content, session), secrets=SECRETS)
        if rest:
            details = [f"{c.name} is {c.shown()[0]!r} instead of {c.shown()[1]!r}" for c in rest.changes]
            raise NotTaken(f"Transmission {version_of(session)} did not take: {'; '.join(details)}")

    def _damage(self, content: Content) -> str:
        """Keep a damaged file aside and say so."""
        file = t.cast(JsonFile, self.file)
        text = f"{file.path} is damaged: {content.problem}"
        if self.check_mode:
            return text
        self.outcome.kept_aside = file.keep_aside(content)
        return f"{text}; kept as {self.outcome.kept_aside}"
