# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Pure: the whole of ServerConfig.json. What was found, what is wanted, and the text to write."""

from __future__ import annotations

import difflib
import json
import re
import typing as t
from dataclasses import dataclass, field

from .._core.errors import InvalidValue
from .._core.json_file import Content
from .table import (
    DEFAULTS,
    NAMES,
    SETTINGS,
    TABLE,
)
from .values import (
    KEY,
    as_read,
    hash_password,
    is_hash,
    is_plain,
    is_usable_key,
    normalise,
)

Values = dict[str, t.Any]

# Jackett's serialiser escapes these beside what JSON demands.
ESCAPED = {ord(letter): f"\\u{ord(letter):04x}" for letter in "\x85\u2028\u2029"}
DISABLED = TABLE["ProxyType"].default
MADE = {"APIKey": 32, "InstanceId": 64}


@dataclass(frozen=True)
class Held:
    """What the file says, by Jackett's names. `problem`: why nobody may count on Jackett to keep it. `tidy`: it
    is written as Jackett writes it, which is what the check before each start insists on."""

    data: Values = field(default_factory=dict)
    problem: str = ""
    tidy: bool = True
    rescued: Values = field(default_factory=dict)

    @property
    def claimed(self) -> bool:
        """Tell whether a Jackett that starts with it asks for a password."""
        return not self.problem and is_hash(self.data.get("AdminPassword")) and is_usable_key(self.data.get("APIKey"))


def read_wanted(settings: Values, *, allow_unknown: bool = False) -> Values:
    """Return what the user wants, by Jackett's names; a value of None leaves its field alone."""
    wanted: Values = {}
    for spelling, value in settings.items():
        name = canonical(spelling)
        if name not in TABLE:
            _refuse_unknown(spelling, value, allow_unknown=allow_unknown)
        elif TABLE[name].elsewhere:
            raise InvalidValue(f"{spelling} cannot be set here: it {TABLE[name].elsewhere}")
        if name in wanted:
            raise InvalidValue(f"{name} is given twice, in two spellings")
        if value is not None:
            wanted[name] = normalise(TABLE[name], value) if name in TABLE else value
    return wanted


def canonical(spelling: str) -> str:
    """Return Jackett's own spelling of a name, or a name that it does not know as it is."""
    return NAMES.get(re.sub("[_-]", "", spelling).lower(), spelling)


def inspect(content: Content) -> Held:
    """Read a file as Jackett would."""
    if not content.exists:
        return Held()
    if content.problem:
        return Held(problem=content.problem, tidy=False, rescued=rescue(content.raw))
    data: Values = {}
    tidy = True
    for spelling, value in content.data.items():
        name = NAMES.get(spelling.lower(), spelling)
        if name in TABLE:
            try:
                data[name] = as_read(TABLE[name], value)
            except (ValueError, TypeError, OverflowError):
                problem = f"{name} is of the wrong type, for which Jackett replaces the whole file by its defaults"
                return Held(problem=problem, tidy=False, rescued=rescue(content.raw))
            tidy = tidy and name == spelling and (value == "" or type(value) is type(data[name]))
        else:
            data[name] = value
    try:
        tidy = tidy and render(content.data).encode() == content.raw
    except ValueError:
        return Held(problem="it holds what is no JSON or no text", tidy=False, rescued=rescue(content.raw))
    if data.get("ProxyType") == 0 and not data.get("ProxyUrl"):
        # So its first file has it, and it reads it as no proxy.
        data["ProxyType"] = DISABLED
    return Held(data, tidy=tidy)


def rescue(raw: bytes) -> Values:
    """Return the key and the id of a damaged file, where they are whole."""
    found: Values = {}
    text = raw.decode(errors="replace")
    for name in MADE:
        match = re.search(rf'"{name}"\s*:\s*"([^"\\]*)"\s*[,}}]', text)
        if match and KEY.fullmatch(match[1]):
            found[name] = match[1]
    return found


def target(wanted: Values, held: Held, *, password: str, api_key: str, spares: t.Iterable[Values]) -> Values:
    """Return the fields that have to hold: wanted ones, and the three that make it claimed. Spares: later is worse."""
    kept = {name: value for name, value in held.data.items() if name in MADE and is_usable_key(value)}
    result = dict(wanted)
    for name in MADE:
        result[name] = next(source[name] for source in (kept, held.rescued, *spares) if source.get(name))
    if api_key:
        result["APIKey"] = api_key
    result["AdminPassword"] = hash_password(password, result["APIKey"])
    _refuse_contradiction(wanted, merge(held, result))
    return result


def view(held: Held, content: Content) -> Values:
    """Return what is compared: a field that the file lacks has Jackett's default. Without a file there is nothing."""
    return {**DEFAULTS, **held.data} if content.exists and not held.problem else {}


def merge(held: Held, fields: Values) -> Values:
    """Return the whole content to write, in Jackett's order; fields that we do not know come last."""
    merged = {**DEFAULTS, **held.data, **fields}
    merged["ProxyIsAnonymous"] = not (merged["ProxyUsername"] and merged["ProxyPassword"])
    return merged


def render(data: Values) -> str:
    """Return the text that Jackett itself would write: two spaces, no newline at the end."""
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False).translate(ESCAPED)


def _refuse_unknown(spelling: str, value: t.Any, *, allow_unknown: bool) -> None:
    if not allow_unknown:
        similar = difflib.get_close_matches(spelling, [setting.name for setting in SETTINGS], n=1)
        hint = f"; is {similar[0]} meant?" if similar else ""
        raise InvalidValue(f"{spelling} is no field of Jackett's ServerConfig.json{hint}")
    # Text covers numbers, of which JSON knows no infinite ones.
    if isinstance(value, (dict, list)) or not is_plain(f"{spelling}{value}") or str(value) in ("nan", "inf", "-inf"):
        raise InvalidValue(f"{spelling} takes a truth value, a number or text on one line")


def _refuse_contradiction(wanted: Values, merged: Values) -> None:
    if wanted.get("ProxyType", DISABLED) != DISABLED and not merged["ProxyUrl"]:
        raise InvalidValue("ProxyType needs ProxyUrl: without one Jackett uses no proxy and says nothing")
