# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Checks an account's password with one login, whose session is ended at once.

A wrong password counts towards the account's lockout, so a run logs in only once.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._core.errors import MediaserverError
from .client import JellyfinAccessDenied, JellyfinClient

# Failed logins that LoginAttemptsBeforeLockout 0 allows, for administrators and for others.
DEFAULT_ATTEMPTS = {True: 5, False: 3}


@dataclass(frozen=True)
class PasswordCheck:
    """Result of a login. ``valid`` is None when the account may not log in now, whatever its password."""

    valid: bool | None
    warnings: tuple[str, ...] = ()


def check_password(client: JellyfinClient, name: str, password: str) -> PasswordCheck:
    """Log in once, with a separate DeviceId, because a login ends the earlier session of the same DeviceId."""
    session = JellyfinClient(
        client.http,
        client.url,
        client=client.client,
        device_id=f"{client.device_id}.password-check",
        clock=client.clock,
        timeout=client.timeout,
    )
    try:
        session.login(name, password)
    except JellyfinAccessDenied as error:
        if error.status == 401:
            return PasswordCheck(False)
        # Limited devices, sessions or hours. A new password would end the account's sessions in each run.
        return PasswordCheck(None, (f"the password of {name} cannot be checked and is not changed: {error}",))
    try:
        session.post("/Sessions/Logout")
    except MediaserverError as error:
        return PasswordCheck(True, (f"the session that checked the password of {name} could not be ended: {error}",))
    return PasswordCheck(True)


def next_failure_locks(policy: t.Mapping[str, t.Any], *, administrator: bool) -> bool:
    """Return whether one more wrong password would disable the account (12.0 does so, 10.11 only counts)."""
    limit, failures = policy.get("LoginAttemptsBeforeLockout"), policy.get("InvalidLoginAttemptCount")
    limit = limit if isinstance(limit, int) else -1
    if limit == 0:
        limit = DEFAULT_ATTEMPTS[administrator]
    return 0 < limit <= (failures if isinstance(failures, int) else 0) + 1
