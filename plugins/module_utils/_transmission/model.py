# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Pure: sets of settings. From a user's words and the session to normal forms."""

from __future__ import annotations

import difflib
import typing as t

from .._core.errors import InvalidValue
from . import legacy
from .client import (
    at_least,
    newer,
    version_of,
)
from .table import (
    NAMES,
    READ_ONLY,
    SETTINGS,
    TABLE,
)
from .values import (
    lenient,
    normalise,
)

# By the variables of the role; the module's options are username and password.
CREDENTIALS = {"rpc-username": "user", "rpc-password": "password"}

Values = dict[str, t.Any]


def read_wanted(settings: Values, *, username: str = "", password: str = "", allow_unknown: bool = False) -> Values:
    """Return what the user wants in normal form, by name; a value of None leaves its setting alone."""
    wanted: Values = {}
    unknown: list[str] = []
    for spelling, value in settings.items():
        name = NAMES.get(spelling, spelling)
        if name in CREDENTIALS:
            raise InvalidValue(
                f"{spelling} belongs into transmission_{CREDENTIALS[name]}, which is kept out of all logs"
            )
        if name.replace("_", "-") in READ_ONLY:
            raise InvalidValue(f"{spelling} is something that Transmission tells; it cannot be set")
        if name not in TABLE and not allow_unknown:
            unknown.append(_unknown(spelling, name))
            continue
        if name in wanted:
            raise InvalidValue(f"{name} is given twice, in two spellings")
        if value is not None:
            wanted[name] = normalise(TABLE[name], value) if name in TABLE else value
    if unknown:
        raise InvalidValue("; ".join(unknown))
    if username:
        wanted["rpc-username"] = normalise(TABLE["rpc-username"], username)
    if password:
        wanted["rpc-password"] = normalise(TABLE["rpc-password"], password)
    return wanted


def _unknown(spelling: str, name: str) -> str:
    if old := legacy.explain(str(spelling)):
        return old
    similar = difflib.get_close_matches(str(name).replace("_", "-"), TABLE, n=1)
    return f"{spelling} is no setting of Transmission 3.00 to 4.1" + (f"; is {similar[0]} meant?" if similar else "")


def file_only(names: t.Iterable[str]) -> list[str]:
    """Return those that only settings.json holds; a setting that we do not know counts as one."""
    return sorted(name for name in names if name not in TABLE or TABLE[name].where == "file")


def from_session(session: Values) -> Values:
    """Return the normal form of everything that the daemon tells and that can be set."""
    return {
        setting.name: lenient(setting, session[setting.name])
        for setting in SETTINGS
        if setting.rpc and setting.name in session
    }


def refuse_unknown(wanted: Values, session: Values) -> None:
    """Raise InvalidValue for settings that this daemon would ignore without an error."""
    version = version_of(session)
    for name in sorted(wanted):
        setting = TABLE.get(name)
        if setting is None or (setting.rpc and name in session):
            continue
        if setting.rpc or not at_least(version, setting.since):
            raise InvalidValue(f"{name} is not known to Transmission {version}; it came with {setting.since}")
        if setting.until and newer(version, setting.until):
            raise InvalidValue(f"{name} is not known to Transmission {version}; it was there up to {setting.until}")
