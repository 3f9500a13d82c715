# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Pure: the content of settings.json, in the two styles in which a daemon keeps it.

Every version up to 4.1 writes names in kebab-case, and 4.1 a few in snake_case; all of them in snake_case when the
environment says TR_SAVE_VERSION_FORMAT=5. A daemon reads one spelling, and keeps another as something unknown, so
a setting is looked for, and written, in the spelling of the file's own style, and in that alone.
"""

from __future__ import annotations

import typing as t

from .password import verify_password
from .table import (
    SETTINGS,
    TABLE,
    Setting,
)
from .values import lenient, to_file

Values = dict[str, t.Any]

# Stands for a stored password that is not the wanted one; no password may begin so.
ANOTHER_PASSWORD = "{"


def is_snake(data: Values) -> bool:
    """Tell whether most of the names that tell the two styles apart are in snake_case."""
    votes = [setting for setting in SETTINGS if setting.in_file != setting.in_snake_file]
    newer = sum(setting.in_snake_file in data for setting in votes)
    return newer > sum(setting.in_file in data for setting in votes)


def from_file(data: Values, wanted: Values) -> Values:
    """Return the normal form of what settings.json says about the wanted settings."""
    snake = is_snake(data)
    found: Values = {}
    for name in wanted:
        setting = TABLE.get(name)
        key = _key(setting, snake) if setting else name
        if key not in data:
            continue
        if name == "rpc-password":
            # The hash cannot be turned back: it either is the wanted password or it is another.
            found[name] = wanted[name] if verify_password(wanted[name], data[key]) else ANOTHER_PASSWORD
        else:
            found[name] = lenient(setting, data[key]) if setting else data[key]
    return found


def merge_file(data: Values, changes: Values) -> Values:
    """Return the file's content with the changes in; of a setting that is changed, one spelling is left."""
    snake = is_snake(data)
    merged = dict(data)
    for name, value in changes.items():
        setting = TABLE.get(name)
        if setting is None:
            merged[name] = value
            continue
        key = _key(setting, snake)
        merged[key] = to_file(setting, value, snake=snake, old=data.get(key))
        for other in setting.spellings:
            if other != key:
                merged.pop(other, None)
    return merged


def _key(setting: Setting, snake: bool) -> str:
    return setting.in_snake_file if snake else setting.in_file
