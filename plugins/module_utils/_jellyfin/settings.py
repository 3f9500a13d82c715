# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Brings a server's configuration to the wanted values: read, plan, merge into the whole object, read back."""

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
from .access import get_by_key, not_there_yet
from .client import (
    JellyfinClient,
    Refused,
    expect_object,
)
from .values import (
    SECTIONS,
    check_body,
    merge,
    plan_section,
)

METRICS = "system.EnableMetrics"
Wanted = t.Mapping[str, t.Mapping[str, t.Any]]


@dataclass
class Outcome:
    """What was done, or would be in check mode."""

    plan: Plan
    restart_needed: bool = False
    restarted: bool = False
    warnings: list[str] = field(default_factory=list)


def present(outcome: Outcome) -> dict[str, t.Any]:
    """Return the module's answer; secrets are hidden in it."""
    shown = {change.name: change.shown() for change in outcome.plan.changes}
    return {
        "changed": bool(outcome.plan) or outcome.restarted,
        "changes": {name: {"before": before, "after": after} for name, (before, after) in shown.items()},
        "restart_needed": outcome.restart_needed,
        "restarted": outcome.restarted,
        "diff": outcome.plan.diff(),
    }


def plan_all(wanted: Wanted, found: Wanted, *, allow_unknown: bool = False) -> Plan:
    """Return the changes of all sections. Raises InvalidValue before anything is sent."""
    changes: list[Change] = []
    for section, values in wanted.items():
        changes += plan_section(section, values, found[section], allow_unknown=allow_unknown)
    return Plan(tuple(sorted(changes, key=lambda change: change.name)))


def takes_restart(plan: Plan) -> bool:
    """Tell whether a change is one that the server looks at only while it starts."""
    return any(change.name == METRICS or change.name.startswith("network.") for change in plan.changes)


class JellyfinSettings:
    """The wanted sections of one server's configuration; those that are empty are not looked at."""

    def __init__(
        self,
        client: JellyfinClient,
        wanted: Wanted,
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

    def run(self) -> Outcome:
        """Do it. Raises MediaserverError; sections written until then stay so, and the next run goes on."""
        if self.check_mode and (reason := not_there_yet(self.client)):
            plan = make_plan(
                {f"{section}.{name}": "(a value)" for section, values in self.wanted.items() for name in values}, {}
            )
            return Outcome(plan, warnings=[f"{reason}; foretold without having seen the present values"])
        self.authorise()
        self.client.wait_until_healthy(self.timeout)
        found = {section: self._read(section) for section in self.wanted}
        plan = plan_all(self.wanted, found, allow_unknown=self.allow_unknown)
        for section in self.wanted:
            check_body(section, found[section])
        needed = takes_restart(plan) or self._metrics_lag() or self._network_lags()
        outcome = Outcome(plan, restart_needed=needed and not self.may_restart, restarted=needed and self.may_restart)
        if not self.check_mode:
            changed = {change.name.partition(".")[0] for change in plan.changes}
            for section in self.wanted:
                if section in changed:
                    self._write(section)
            if outcome.restarted:
                self._restart()
        return outcome

    def _read(self, section: str) -> dict[str, t.Any]:
        return self._get(SECTIONS[section])

    def _get(self, path: str) -> dict[str, t.Any]:
        return expect_object(get_by_key(self.client, path), f"GET {self.client.url}{path}")

    def _write(self, section: str) -> None:
        """Read again just before writing: the server changes system values itself when others are saved."""
        path = SECTIONS[section]
        body = merge(self._read(section), self.wanted[section])
        check_body(section, body)
        try:
            self.client.post(path, body)
        except Refused as error:
            raise ProtocolError(
                f"{section}: the server refuses the new values, or one of them (400 and 500 both stand for a value"
                f" that it does not know or cannot use): {', '.join(sorted(self.wanted[section]))}: {error}"
            ) from error
        found = self._read(section)
        check_body(section, found)
        left = plan_section(section, self.wanted[section], found, allow_unknown=True)
        if left:
            shown = (f"{change.name} is {change.shown()[0]!r}" for change in left)
            raise NotTaken(
                f"POST {self.client.url}{path}: accepted, and then {'; '.join(shown)}. The server ignores names that it"
                " does not know, and completes objects in lists: give those with all their keys"
            )

    def _metrics_lag(self) -> bool:
        """Tell whether an earlier change of EnableMetrics still waits for its restart, as far as that can be seen."""
        wanted = self.wanted.get("system", {}).get("EnableMetrics")
        return isinstance(wanted, bool) and self._serves_metrics() not in (wanted, None)

    def _serves_metrics(self) -> bool | None:
        try:
            return self.client.exists("/metrics")
        except MediaserverError:
            return None

    def _network_lags(self) -> bool:
        """Tell whether the server says itself that it waits for a restart.

        Not of every change that needs one: after one of KnownProxies it says no (recorded of 10.11 and 12.0).
        """
        return "network" in self.wanted and self._get("/System/Info").get("HasPendingRestart") is True

    def _restart(self) -> None:
        try:
            self.client.restart(self.timeout)
        except MediaserverError as error:
            raise ServiceProblem(
                f"{error}. All settings are written, and the restart that they need is still owed if the server has not"
                " begun it; the next run cannot always see that, so restart the server by hand"
            ) from error
        if self._metrics_lag():
            raise NotTaken(
                f"GET {self.client.url}/metrics: not as EnableMetrics wants it, even after a restart. Does url lead"
                " through a proxy that hides or invents that page?"
            )
