# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Pure: from what was found to what has to change, and whether the daemon has to be stopped for it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._core.json_file import Content
from .._core.plan import Change, Plan, make_plan
from .._core.supervisor import STOPPED
from .client import (
    CREDENTIALS,
    FORBIDDEN,
    HOST,
    LOCKED,
    WHITELIST,
)
from .file import from_file
from .model import file_only, from_session
from .table import SECRETS

# Names in the plan for what is no setting.
OWNER = "(owner of settings.json)"
DAMAGE = "(settings.json)"
# What a denial is called there.
DENIED = {
    CREDENTIALS: "(credentials held by the daemon)",
    LOCKED: "(lock after wrong passwords)",
    WHITELIST: "(addresses held by the daemon)",
    FORBIDDEN: "(lock after wrong passwords, or addresses held by the daemon)",
    HOST: "(host names held by the daemon)",
}
ADDRESSES = ("rpc-whitelist", "rpc-whitelist-enabled")
HOSTS = ("rpc-host-whitelist", "rpc-host-whitelist-enabled", "rpc-authentication-required")
LOCK = "anti-brute-force-enabled"


@dataclass(frozen=True)
class TransmissionState:
    """What was read: the state, the file, and the live session, or why the daemon denied it."""

    state: str
    content: Content = field(default_factory=Content)
    session: dict[str, t.Any] | None = None
    denied: str = ""


def values(wanted: dict[str, t.Any], content: Content, session: dict[str, t.Any] | None) -> dict[str, t.Any]:
    """What is, in normal form: from the live session where the daemon has it, else from the file."""
    return {**from_file(content.data, wanted), **from_session(session or {})}


def make(wanted: dict[str, t.Any], found: TransmissionState, owner: tuple[str, str] | None) -> Plan:
    """Compare. `owner` is what the file's owner is and has to be, where these differ."""
    plan = make_plan(wanted, values(wanted, found.content, found.session), secrets=SECRETS)
    extra = []
    if found.content.problem:
        extra.append(Change(DAMAGE, "damaged", "whole"))
    if owner:
        extra.append(Change(OWNER, *owner))
    if found.denied and not file_only(plan.values()):
        # The file says what is wanted, so the daemon holds something else.
        extra.append(Change(DENIED[found.denied], "others", "those in settings.json"))
    return Plan((*plan.changes, *extra))


def needing_stop(found: TransmissionState, plan: Plan) -> list[str]:
    """Name the changes for which a running daemon must be stopped."""
    if found.state == STOPPED:
        return []
    # The owner alone can be changed under a running daemon, which reads the file only at its start.
    names = [name for name in plan.values() if name != OWNER]
    return file_only(names) if found.session is not None else names


def curable(reason: str, wanted: dict[str, t.Any], content: Content) -> bool:
    """Tell whether a restart with the wanted settings may give access; else the daemon is not stopped."""
    differing = make_plan(wanted, from_file(content.data, wanted)).values()
    new_addresses = any(name in differing for name in ADDRESSES)
    known = "rpc-password" in wanted
    may_be_locked = known and from_file(content.data, {LOCK: None}).get(LOCK) is True
    return {
        CREDENTIALS: known,
        LOCKED: known,
        WHITELIST: new_addresses,
        FORBIDDEN: new_addresses or may_be_locked,
        HOST: any(name in differing for name in HOSTS),
    }.get(reason, False)


def to_write(wanted: dict[str, t.Any], content: Content, held: dict[str, t.Any]) -> dict[str, t.Any]:
    """What has to be written; an equal value keeps its form, and a right password its salt."""
    target = {**held, **wanted}
    return make_plan(target, from_file(content.data, target)).values()
