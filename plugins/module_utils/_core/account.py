# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Who is to own a file: an account's name or number, looked up on this host."""

from __future__ import annotations

import grp
import pwd
import typing as t

UNKNOWN_ID = -1


def uid_of(name: str | None) -> int | None:
    """Return the number of an account; None where none is named, UNKNOWN_ID for a name that is not known."""
    return _number(name, lambda known: pwd.getpwnam(known).pw_uid)


def gid_of(name: str | None) -> int | None:
    """Return the number of a group, in the same way."""
    return _number(name, lambda known: grp.getgrnam(known).gr_gid)


def _number(name: str | None, find: t.Callable[[str], int]) -> int | None:
    if not name:
        return None
    # Others than 0 to 9 count as digits too, and int() refuses some of them.
    if name.isascii() and name.isdecimal():
        return int(name)
    try:
        return find(name)
    except KeyError:
        return UNKNOWN_ID
