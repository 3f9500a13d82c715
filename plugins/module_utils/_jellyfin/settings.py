# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Brings a server's configuration to the wanted values: read, plan, write the merged object, read back."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._core.errors import (
    MediaserverError,
    NotTaken,
    ProtocolError,
    ServiceProblem,
)
from .._core.plan import Change, Plan, make_plan
from .access import get_by_key, not_installed_reason
from .client import (
    JellyfinClient,
    RequestFailed,
    expect_object,
)
from .values import (
    SECTIONS,
    check_body,
    merge,
    plan_section,
)

METRICS = "system.EnableMetrics"
# Values by section.
Sections = t.Mapping[str, t.Mapping[str, t.Any]]


@dataclass
class SettingsResult:
    """The plan that was applied, or in check mode would be, and whether a restart is needed or was done."""

    plan: Plan
    restart_needed: bool = False
    restarted: bool = False
    warnings: list[str] = field(default_factory=list)


def present(result: SettingsResult) -> dict[str, t.Any]:
    """Return the module's return values, with secrets hidden."""
    shown = {change.name: change.shown() for change in result.plan.changes}
    return {
        "changed": bool(result.plan) or result.restarted,
        "changes": {name: {"before": before, "after": after} for name, (before, after) in shown.items()},
        "restart_needed": result.restart_needed,
        "restarted": result.restarted,
        "diff": result.plan.diff(),
    }


def plan_all(wanted: Sections, found: Sections, *, allow_unknown: bool = False) -> Plan:
    """Return the changes of all sections. Raises InvalidValue."""
    changes: list[Change] = []
    for section, values in wanted.items():
        changes += plan_section(section, values, found[section], allow_unknown=allow_unknown)
    return Plan(tuple(sorted(changes, key=lambda change: change.name)))


def needs_restart(plan: Plan) -> bool:
    """Return whether the server reads a changed value only while it starts."""
    return any(change.name == METRICS or change.name.startswith("network.") for change in plan.changes)


class JellyfinSettings:
    """The wanted sections of one server's configuration; empty sections are not read."""

    def __init__(
        self,
        client: JellyfinClient,
        wanted: Sections,
        *,
        allow_unknown: bool,
        may_restart: bool,
        timeout: float,
        check_mode: bool,
        authorise: t.Callable[[], None],
    ) -> None:
        self.client = client
        self.wanted = {section: wanted[section] for section in SECTIONS if wanted.get(section)}
        self.allow_unknown = allow_unknown
        self.may_restart = may_restart
        self.timeout = timeout
        self.check_mode = check_mode
        self.authorise = authorise

    def run(self) -> SettingsResult:
        """Apply the plan. Raises MediaserverError; written sections stay, and the next run completes the rest."""
        if self.check_mode and (reason := not_installed_reason(self.client)):
            plan = make_plan(
                {f"{section}.{name}": "(a value)" for section, values in self.wanted.items() for name in values}, {}
            )
            return SettingsResult(plan, warnings=[f"{reason}; predicted without the current values"])
        self.authorise()
        self.client.wait_until_healthy(self.timeout)
        found = {section: self._read(section) for section in self.wanted}
        plan = plan_all(self.wanted, found, allow_unknown=self.allow_unknown)
        for section in self.wanted:
            check_body(section, found[section])
        needed = needs_restart(plan) or self._metrics_need_restart() or self._has_pending_restart()
        result = SettingsResult(
            plan, restart_needed=needed and not self.may_restart, restarted=needed and self.may_restart
        )
        if not self.check_mode:
            changed = {change.name.partition(".")[0] for change in plan.changes}
            for section in self.wanted:
                if section in changed:
                    self._write(section)
            if result.restarted:
                self._restart()
        return result

    def _read(self, section: str) -> dict[str, t.Any]:
        return self._get(SECTIONS[section])

    def _get(self, path: str) -> dict[str, t.Any]:
        return expect_object(get_by_key(self.client, path), f"GET {self.client.url}{path}")

    def _write(self, section: str) -> None:
        """Write a section. It is read again first, because saving one value makes the server change others."""
        path = SECTIONS[section]
        body = merge(self._read(section), self.wanted[section])
        check_body(section, body)
        try:
            self.client.post(path, body)
        except RequestFailed as error:
            raise ProtocolError(
                f"{section}: the server rejects one of the new values (with status 400 or 500 for a value that it does"
                f" not know or cannot use). Correct one of {', '.join(sorted(self.wanted[section]))}: {error}"
            ) from error
        found = self._read(section)
        check_body(section, found)
        left = plan_section(section, self.wanted[section], found, allow_unknown=True)
        if left:
            shown = (f"{change.name} is {change.shown()[0]!r}" for change in left)
            raise NotTaken(
                f"POST {self.client.url}{path}: accepted, but then {'; '.join(shown)}. The server ignores unknown names"
                " and completes objects in lists: correct the names, and give objects with all their keys"
            )

    def _metrics_need_restart(self) -> bool:
        """Return whether an earlier change of EnableMetrics still needs a restart, as far as /metrics shows it."""
        wanted = self.wanted.get("system", {}).get("EnableMetrics")
        return isinstance(wanted, bool) and self._serves_metrics() not in (wanted, None)

    def _serves_metrics(self) -> bool | None:
        try:
            return self.client.exists("/metrics")
        except MediaserverError:
            return None

    def _has_pending_restart(self) -> bool:
        """Return whether the server reports a pending restart.

        It does not report one for every change; for KnownProxies it does not (recorded with 10.11 and 12.0).
        """
        return "network" in self.wanted and self._get("/System/Info").get("HasPendingRestart") is True

    def _restart(self) -> None:
        try:
            self.client.restart(self.timeout)
        except MediaserverError as error:
            raise ServiceProblem(
                f"{error}. All settings are written, but the server may not have restarted, and the next run cannot"
                " always detect that. Restart the server by hand"
            ) from error
        if self._metrics_need_restart():
            raise NotTaken(
                f"GET {self.client.url}/metrics: does not match EnableMetrics, even after a restart. Check whether a"
                " proxy at url hides or adds that path"
            )
