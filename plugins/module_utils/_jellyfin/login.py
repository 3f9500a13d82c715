# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Finds out whether a password is an account's own: one login, which is ended at once.

A wrong password counts towards the account's lock-out, so a run tries once.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._core.errors import MediaserverError
from .client import Denied, JellyfinClient

# What LoginAttemptsBeforeLockout 0 stands for.
DEFAULT_ATTEMPTS = {True: 5, False: 3}


@dataclass(frozen=True)
class Trial:
    """``fits`` is None when the account may not log in now, whatever its password."""

    fits: bool | None
    warnings: tuple[str, ...] = ()


def try_password(client: JellyfinClient, name: str, password: str) -> Trial:
    """Log in once, with a DeviceId of its own, because a login ends the earlier one of the same DeviceId."""
    visitor = JellyfinClient(
        client.http,
        client.url,
        client=client.client,
        device_id=f"{client.device_id}.visitor",
        clock=client.clock,
        timeout=client.timeout,
    )
    try:
        visitor.login(name, password)
    except Denied as error:
        if error.status == 401:
            return Trial(False)
        # Its devices, sessions or hours: a new password would end what is being watched, in each run again.
        return Trial(None, (f"the password of {name} cannot be tried, and is left as it is: {error}",))
    try:
        visitor.post("/Sessions/Logout")
    except MediaserverError as error:
        return Trial(True, (f"the session that tried a password of {name} could not be ended: {error}",))
    return Trial(True)


def next_failure_locks(policy: t.Mapping[str, t.Any], *, administrator: bool) -> bool:
    """Tell whether one more wrong password would disable the account (12.0 does so, 10.11 only counts)."""
    limit, failures = policy.get("LoginAttemptsBeforeLockout"), policy.get("InvalidLoginAttemptCount")
    limit = limit if isinstance(limit, int) else -1
    if limit == 0:
        limit = DEFAULT_ATTEMPTS[administrator]
    return 0 < limit <= (failures if isinstance(failures, int) else 0) + 1
