# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Reads, merges and renders Jackett's ServerConfig.json. Pure."""

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

# Jackett's serialiser escapes these characters in addition to those of JSON (RFC 8259).
ESCAPED = {ord(letter): f"\\u{ord(letter):04x}" for letter in "\x85\u2028\u2029"}
DISABLED = TABLE["ProxyType"].default
# Fields that Jackett generates, with their lengths.
GENERATED = {"APIKey": 32, "InstanceId": 64}


@dataclass(frozen=True)
class StoredConfig:
    """Fields of the file, by Jackett's names.

    ``problem``: why Jackett would replace the file by its defaults. ``exact``: the text is what Jackett itself writes,
    as the check before each start requires. ``recovered``: generated fields that could be read from a damaged file.
    """

    data: Values = field(default_factory=dict)
    problem: str = ""
    exact: bool = True
    recovered: Values = field(default_factory=dict)

    @property
    def protected(self) -> bool:
        """Whether a Jackett that starts with this file requires a password."""
        return not self.problem and is_hash(self.data.get("AdminPassword")) and is_usable_key(self.data.get("APIKey"))


def read_wanted(settings: Values, *, allow_unknown: bool = False) -> Values:
    """Return the wanted values by Jackett's names, without those of None. Raises InvalidValue."""
    wanted: Values = {}
    for spelling, value in settings.items():
        name = canonical(spelling)
        if name not in TABLE:
            _reject_unknown(spelling, value, allow_unknown=allow_unknown)
        elif TABLE[name].elsewhere:
            raise InvalidValue(f"{spelling} cannot be set here: it {TABLE[name].elsewhere}")
        if name in wanted:
            raise InvalidValue(f"{name} is given twice, in two spellings; remove one of the two")
        if value is not None:
            wanted[name] = normalise(TABLE[name], value) if name in TABLE else value
    return wanted


def canonical(spelling: str) -> str:
    """Return Jackett's own spelling of a name; an unknown name unchanged."""
    return NAMES.get(re.sub("[_-]", "", spelling).lower(), spelling)


def parse(content: Content) -> StoredConfig:
    """Parse a file by Jackett's rules."""
    if not content.exists:
        return StoredConfig()
    if content.problem:
        return StoredConfig(problem=content.problem, exact=False, recovered=recover(content.raw))
    data: Values = {}
    exact = True
    for spelling, value in content.data.items():
        name = NAMES.get(spelling.lower(), spelling)
        if name in TABLE:
            try:
                data[name] = as_read(TABLE[name], value)
            except (ValueError, TypeError, OverflowError):
                problem = f"{name} is of the wrong type, so Jackett would replace the whole file by its defaults"
                return StoredConfig(problem=problem, exact=False, recovered=recover(content.raw))
            exact = exact and name == spelling and (value == "" or type(value) is type(data[name]))
        else:
            data[name] = value
    try:
        exact = exact and render(content.data).encode() == content.raw
    except ValueError:
        problem = "it contains a value that is not valid JSON or not valid text"
        return StoredConfig(problem=problem, exact=False, recovered=recover(content.raw))
    if data.get("ProxyType") == 0 and not data.get("ProxyUrl"):
        # Jackett's first file has this combination and means no proxy.
        data["ProxyType"] = DISABLED
    return StoredConfig(data, exact=exact)


def recover(raw: bytes) -> Values:
    """Return the generated fields of a damaged file that are complete."""
    found: Values = {}
    text = raw.decode(errors="replace")
    for name in GENERATED:
        match = re.search(rf'"{name}"\s*:\s*"([^"\\]*)"\s*[,}}]', text)
        if match and KEY.fullmatch(match[1]):
            found[name] = match[1]
    return found


def target(wanted: Values, stored: StoredConfig, *, password: str, api_key: str, spares: t.Iterable[Values]) -> Values:
    """Return the managed fields: the wanted ones, the generated ones and the password's hash. Raises InvalidValue.

    Generated fields are taken from the file, else from its recovered part, else from the first of ``spares`` that has
    them. ``api_key`` overrides the key unless it is empty.
    """
    kept = {name: value for name, value in stored.data.items() if name in GENERATED and is_usable_key(value)}
    result = dict(wanted)
    for name in GENERATED:
        result[name] = next(source[name] for source in (kept, stored.recovered, *spares) if source.get(name))
    if api_key:
        result["APIKey"] = api_key
    result["AdminPassword"] = hash_password(password, result["APIKey"])
    _reject_contradiction(wanted, merge(stored, result))
    return result


def effective(stored: StoredConfig, content: Content) -> Values:
    """Return the values for the comparison, with Jackett's defaults for missing fields; empty without a valid file."""
    return {**DEFAULTS, **stored.data} if content.exists and not stored.problem else {}


def merge(stored: StoredConfig, fields: Values) -> Values:
    """Return the whole content to write, in Jackett's order, with unknown fields last."""
    merged = {**DEFAULTS, **stored.data, **fields}
    merged["ProxyIsAnonymous"] = not (merged["ProxyUsername"] and merged["ProxyPassword"])
    return merged


def render(data: Values) -> str:
    """Return the text that Jackett itself would write: indented by two spaces, without a final newline."""
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False).translate(ESCAPED)


def _reject_unknown(spelling: str, value: t.Any, *, allow_unknown: bool) -> None:
    if not allow_unknown:
        similar = difflib.get_close_matches(spelling, [setting.name for setting in SETTINGS], n=1)
        hint = f"; is {similar[0]} meant?" if similar else ""
        raise InvalidValue(f"{spelling} is not a field of Jackett's ServerConfig.json{hint}")
    # JSON has no form for infinite numbers (RFC 8259, section 6).
    if isinstance(value, (dict, list)) or not is_plain(f"{spelling}{value}") or str(value) in ("nan", "inf", "-inf"):
        raise InvalidValue(f"{spelling} must be true or false, a number or text on one line")


def _reject_contradiction(wanted: Values, merged: Values) -> None:
    if wanted.get("ProxyType", DISABLED) != DISABLED and not merged["ProxyUrl"]:
        raise InvalidValue("ProxyType needs ProxyUrl: without it Jackett uses no proxy. Set ProxyUrl")
