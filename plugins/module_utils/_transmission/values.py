# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Pure: the forms of one value. A user's, the file's and the RPC's are brought to one normal form and back.

Comparison is always between normal forms, because Transmission ignores wrong types without an error and writes the
same value differently from version to version.
"""

from __future__ import annotations

import math
import re
import typing as t

from .._core.errors import InvalidValue
from .password import hash_password
from .table import Setting

TRUE = ("true", "yes", "on", "1")
FALSE = ("false", "no", "off", "0")
# A file of the newer style holds the name; other choices are numbers in it too.
NAMED = ("encryption",)


def normalise(setting: Setting, value: t.Any) -> t.Any:
    """Return the normal form; raise InvalidValue, saying what is accepted, where there is none."""
    try:
        normal = PARSERS[setting.kind](setting, value)
    except (TypeError, ValueError, OverflowError) as error:
        # The value of a secret is not for messages.
        got = "" if setting.secret else f", not {value!r}"
        raise InvalidValue(f"{setting.name} takes {expected(setting)}{got}") from error
    return normal


def lenient(setting: Setting, value: t.Any) -> t.Any:
    """Return the normal form of what was found, or itself, which then differs from any wanted."""
    try:
        return normalise(setting, value)
    except InvalidValue:
        return value


def to_file(setting: Setting, value: t.Any, *, snake: bool = False, old: t.Any = None) -> t.Any:
    """Return what to write. A value keeps the form it has in the file; else it gets the one of the file's style."""
    if setting.kind == "password":
        return hash_password(value)
    if setting.kind == "umask":
        # Text came with 4.0.
        return value if isinstance(old, str) or (snake and old is None) else int(value, 8)
    if setting.kind == "index" and (isinstance(old, str) or (snake and old is None and setting.name in NAMED)):
        return setting.choices[value][-1]
    return value


def to_rpc(setting: Setting, value: t.Any, *, modern: bool = False) -> t.Any:
    """Return what session-set takes; where a choice has two names, the JSON-RPC protocol knows the last one only."""
    return setting.choices[value][-1 if modern else 0] if setting.kind == "index" else value


def expected(setting: Setting) -> str:
    """Describe in words what a setting takes."""
    text = DESCRIPTIONS[setting.kind]
    if setting.choices:
        text += " of " + ", ".join(
            f"{number} ({' or '.join(names)})" if setting.kind == "index" else names[0]
            for number, names in enumerate(setting.choices)
        )
    if setting.low is not None and setting.kind not in ("umask", "mode"):
        text += f" from {setting.low:g}" + (f" to {setting.high:g}" if setting.high is not None else "")
    return text + (f" ({setting.unit})" if setting.unit else "")


def _bool(setting: Setting, value: t.Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text not in TRUE + FALSE:
        raise ValueError(text)
    return text in TRUE


def _int(setting: Setting, value: t.Any) -> int:
    number = _float(setting, value)
    if number != int(number):
        raise ValueError(value)
    return int(number)


def _float(setting: Setting, value: t.Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError(value)
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return _in_range(setting, number)


def _octal(setting: Setting, value: t.Any) -> str:
    """Text is octal as chmod has it; a number is taken as it is, because YAML and Transmission do so too."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise TypeError(value)
    number = int(_in_range(setting, int(value, 8) if isinstance(value, str) else value))
    return f"{number:04o}" if setting.kind == "mode" else f"{number:03o}"


def _in_range(setting: Setting, number: float) -> float:
    if (setting.low is not None and number < setting.low) or (setting.high is not None and number > setting.high):
        raise ValueError(number)
    return number


def _text(setting: Setting, value: t.Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise TypeError(value)
    text = str(value)
    if "\0" in text or not (text or setting.empty):
        raise ValueError(value)
    return text


def _password(setting: Setting, value: t.Any) -> str:
    text = _text(setting, value)
    # Transmission takes what begins so for a hash.
    if not text or text.startswith("{"):
        raise ValueError
    return text


def _path(setting: Setting, value: t.Any) -> str:
    text = _text(setting, value)
    if text and not text.startswith("/"):
        raise ValueError(value)
    return re.sub(r"/+", "/", text).rstrip("/") or text[:1]


def _csv(setting: Setting, value: t.Any) -> str:
    parts = value if isinstance(value, list) else re.split("[,;]", _text(setting, value))
    return ",".join(part for part in (_text(setting, part).strip() for part in parts) if part)


def _index(setting: Setting, value: t.Any) -> int:
    for number, names in enumerate(setting.choices):
        if str(value).strip().lower() in (*names, str(number)) and not isinstance(value, bool):
            return number
    raise ValueError(value)


def _choice(setting: Setting, value: t.Any) -> str:
    return setting.choices[_index(setting, value)][0]


def _list(setting: Setting, value: t.Any) -> list[str]:
    names = [_choice(setting, part) for part in (value if isinstance(value, list) else [value])]
    if not names or len(set(names)) < len(names):
        raise ValueError(value)
    return names


PARSERS: dict[str, t.Callable[[Setting, t.Any], t.Any]] = {
    "bool": _bool,
    "int": _int,
    "float": _float,
    "text": _text,
    "password": _password,
    "path": _path,
    "csv": _csv,
    "index": _index,
    "choice": _choice,
    "list": _list,
    "umask": _octal,
    "mode": _octal,
}
DESCRIPTIONS = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "text": "text",
    "password": "text that is not empty and does not begin with {",
    "path": "an absolute path",
    "csv": "a list, or text with commas",
    "index": "one",
    "choice": "one",
    "list": "a list without repetition",
    "umask": 'octal digits as text, like "002"',
    "mode": 'octal digits as text, like "0750"',
}
