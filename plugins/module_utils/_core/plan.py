# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Compares wanted with found values. Pure. Check mode, diff, result and real run use the same plan."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

HIDDEN = "(hidden)"
HIDDEN_NEW = "(hidden, changed)"


class Missing:
    """Stands for a value that was not found."""

    def __repr__(self) -> str:
        return "(missing)"


MISSING = Missing()


@dataclass(frozen=True)
class Change:
    """One value that has to become another. The values of a secret one are never shown."""

    name: str
    before: t.Any
    after: t.Any
    secret: bool = False

    def shown(self) -> tuple[t.Any, t.Any]:
        """Before and after as a user may see them; None stands for a value that was not there."""
        before = None if self.before is MISSING else self.before
        if self.secret:
            return (None if before is None else HIDDEN), HIDDEN_NEW
        return before, self.after


@dataclass(frozen=True)
class Plan:
    """All changes, sorted by name; empty when nothing is to do."""

    changes: tuple[Change, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changes)

    def values(self) -> dict[str, t.Any]:
        """The real new values, secrets included."""
        return {change.name: change.after for change in self.changes}

    def diff(self) -> dict[str, dict[str, t.Any]]:
        """Before and after of what changes, as Ansible shows it."""
        before = {change.name: change.shown()[0] for change in self.changes if change.before is not MISSING}
        return {"before": before, "after": {change.name: change.shown()[1] for change in self.changes}}


def make_plan(
    wanted: t.Mapping[str, t.Any], found: t.Mapping[str, t.Any], *, secrets: t.Container[str] = frozenset()
) -> Plan:
    """Compare normalised values; what was found and is not wanted is left alone."""
    return Plan(
        tuple(
            Change(name, found.get(name, MISSING), value, secret=name in secrets)
            for name, value in sorted(wanted.items())
            if name not in found or found[name] != value
        )
    )
