# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Pure: sets of settings. From a user's words, settings.json and the session to normal forms, and back."""

from __future__ import annotations

import difflib
import typing as t

from ansible_collections.household.mediaserver.plugins.module_utils._errors import InvalidValue
from ansible_collections.household.mediaserver.plugins.module_utils._transmission_client import (
    at_least,
    version_of,
)
from ansible_collections.household.mediaserver.plugins.module_utils._transmission_table import (
    NAMES,
    READ_ONLY,
    SETTINGS,
    TABLE,
)
from ansible_collections.household.mediaserver.plugins.module_utils._transmission_values import (
    lenient,
    normalise,
    to_file,
    to_rpc,
    verify_password,
)

CREDENTIALS = {"rpc-username": "username", "rpc-password": "password"}

Values = dict[str, t.Any]

# Stands for a stored password that is not the wanted one; no password may begin so.
ANOTHER_PASSWORD = "{"


def read_wanted(settings: Values, *, username: str = "", password: str = "", allow_unknown: bool = False) -> Values:
    """Return what the user wants in normal form, by name; a value of None leaves its setting alone."""
    wanted: Values = {}
    for spelling, value in settings.items():
        name = NAMES.get(spelling, spelling)
        if name in CREDENTIALS:
            raise InvalidValue(f"{spelling} belongs into the option {CREDENTIALS[name]}, which is kept out of all logs")
        if name.replace("_", "-") in READ_ONLY:
            raise InvalidValue(f"{spelling} is something that Transmission tells; it cannot be set")
        if name not in TABLE and not allow_unknown:
            similar = difflib.get_close_matches(name.replace("_", "-"), TABLE, n=1)
            raise InvalidValue(
                f"{spelling} is no setting of Transmission 3.00 to 4.1"
                + (f"; is {similar[0]} meant?" if similar else "")
                + " (allow_unknown lets it pass)"
            )
        if name in wanted:
            raise InvalidValue(f"{name} is given twice, in two spellings")
        if value is not None:
            wanted[name] = normalise(TABLE[name], value) if name in TABLE else value
    if username:
        wanted["rpc-username"] = normalise(TABLE["rpc-username"], username)
    if password:
        wanted["rpc-password"] = normalise(TABLE["rpc-password"], password)
    return wanted


def file_only(names: t.Iterable[str]) -> list[str]:
    """Return those that only settings.json holds; a setting that we do not know counts as one."""
    return sorted(name for name in names if name not in TABLE or TABLE[name].where == "file")


def from_file(data: Values, wanted: Values) -> Values:
    """Return the normal form of what settings.json says about the wanted settings."""
    found: Values = {}
    for name in wanted:
        setting = TABLE.get(name)
        for spelling in setting.spellings if setting else (name,):
            if spelling in data:
                found[name] = lenient(setting, data[spelling]) if setting else data[spelling]
                break
    if "rpc-password" in found:
        stored = next(data[key] for key in TABLE["rpc-password"].spellings if key in data)
        # The hash cannot be turned back: it either is the wanted password or it is another.
        right = verify_password(wanted["rpc-password"], stored)
        found["rpc-password"] = wanted["rpc-password"] if right else ANOTHER_PASSWORD
    return found


def from_session(session: Values) -> Values:
    """Return the normal form of everything that the daemon tells and that can be set."""
    return {
        setting.name: lenient(setting, session[setting.rpc])
        for setting in SETTINGS
        if setting.rpc and setting.rpc in session
    }


def merge_file(data: Values, changes: Values) -> Values:
    """Return the file's content with the changes in, in the spelling that the file uses."""
    merged = dict(data)
    for name, value in changes.items():
        setting = TABLE.get(name)
        written = to_file(setting, value) if setting else value
        present = [key for key in setting.spellings if key in data] if setting else []
        for key in present or [name]:
            merged[key] = written
    return merged


def rpc_arguments(changes: Values) -> Values:
    """Return the arguments of session-set."""
    return {TABLE[name].rpc: to_rpc(TABLE[name], value) for name, value in changes.items()}


def refuse_too_new(wanted: Values, session: Values) -> None:
    """Raise InvalidValue for settings that this daemon would ignore in silence."""
    version = version_of(session)
    for name in sorted(wanted):
        setting = TABLE.get(name)
        if setting is None or (setting.rpc and setting.rpc in session):
            continue
        if setting.rpc or not at_least(version, setting.since):
            raise InvalidValue(f"{name} is not known to Transmission {version}; it came with {setting.since}")
