# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Pure: one value of ServerConfig.json. A user's is checked; a found one is read as generously as Jackett does."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import typing as t
import unicodedata
import urllib.parse

from ansible.module_utils.parsing.convert_bool import boolean

from .._core.errors import InvalidValue
from .table import Setting

HASH = re.compile(r"[0-9a-f]{128}")
# Goes into addresses as it is.
KEY = re.compile(r"[0-9A-Za-z_-]{16,128}")


def normalise(setting: Setting, value: t.Any) -> t.Any:
    """Return the value to write; raise InvalidValue, saying what is accepted. Empty text stands for none."""
    if value == "" and setting.nullable:
        return None
    try:
        return PARSERS[setting.kind](setting, value)
    except (TypeError, ValueError, OverflowError) as error:
        # The value of a secret is not for messages.
        got = "" if setting.secret else f", not {value!r}"
        raise InvalidValue(f"{setting.name} takes {expected(setting)}{got}") from error


def as_read(setting: Setting, value: t.Any) -> t.Any:
    """Return what Jackett makes of a found value; raise ValueError where it would throw the file away."""
    if value is None:
        if setting.nullable or setting.kind not in ("bool", "int", "index"):
            return None
        raise ValueError("null")
    if isinstance(value, (dict, list)):
        raise ValueError("no plain value")
    if setting.kind == "bool":
        if isinstance(value, str) and value.strip().lower() not in ("true", "false"):
            raise ValueError("no truth value")
        return boolean(value) if isinstance(value, str) else bool(value)
    if setting.kind in ("int", "index"):
        names = {name: number for number, name in setting.choices}
        number = names[value.lower()] if isinstance(value, str) and value.lower() in names else _whole(value)
        if abs(number) > setting.limit:
            raise ValueError("too large")
        return number
    # Empty and missing are the same to Jackett.
    return (str(value).lower() if isinstance(value, bool) else str(value)) or None


def expected(setting: Setting) -> str:
    """Describe in words what a setting takes."""
    text = DESCRIPTIONS[setting.kind]
    if setting.choices:
        text += " of " + ", ".join(f"{name} ({number})" for number, name in setting.choices)
    if setting.low is not None:
        text += f" from {setting.low}" + (f" to {setting.high}" if setting.high is not None else "")
    return text + (f" ({setting.unit})" if setting.unit else "") + (", or empty text" if setting.nullable else "")


def hash_password(plain: str, key: str) -> str:
    """Return a password as Jackett stores it: SHA-512 over UTF-16LE of the password and the APIKey behind it."""
    try:
        return hashlib.sha512((plain + key).encode("utf-16-le")).hexdigest()
    except UnicodeEncodeError as error:
        raise InvalidValue("admin_password is not text") from error


def is_hash(stored: t.Any) -> bool:
    """Tell whether somebody can log in with it, and nobody without."""
    return isinstance(stored, str) and HASH.fullmatch(stored) is not None


def is_plain(text: str) -> bool:
    """Tell whether a text is printable, on one line."""
    return not any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in text)


def is_usable_key(stored: t.Any) -> bool:
    """Tell whether Jackett keeps a found key; it makes a new one in place of a blank one."""
    return isinstance(stored, str) and bool(stored.strip()) and is_plain(stored) and not set('"\\') & set(stored)


def _whole(value: t.Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError(value)
    number = float(value)
    if number != int(number):
        raise ValueError(value)
    return int(value)


def _bool(setting: Setting, value: t.Any) -> bool:
    return boolean(value, strict=True)


def _int(setting: Setting, value: t.Any) -> int:
    number = _whole(value)
    low = -setting.limit if setting.low is None else setting.low
    if not low <= number <= (setting.high or setting.limit):
        raise ValueError(number)
    return number


def _index(setting: Setting, value: t.Any) -> int:
    for number, name in setting.choices:
        if str(value).strip().lower() in (name, str(number)) and not isinstance(value, bool):
            return number
    raise ValueError(value)


def _text(setting: Setting, value: t.Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise TypeError(value)
    text = str(value)
    if not text.strip() or not is_plain(text):
        raise ValueError(value)
    return text


def _path(setting: Setting, value: t.Any) -> str:
    text = _text(setting, value)
    if not text.startswith("/"):
        raise ValueError(value)
    return re.sub(r"/+", "/", text).rstrip("/") or "/"


def _base(setting: Setting, value: t.Any) -> str | None:
    return _path(setting, value).rstrip("/") or None


def _loopback(setting: Setting, value: t.Any) -> str:
    address = ipaddress.ip_address(_text(setting, value))
    if not address.is_loopback:
        raise ValueError(value)
    return str(address)


def _url(setting: Setting, value: t.Any) -> str:
    text = _text(setting, value)
    parts = urllib.parse.urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or " " in text or "@" in parts.netloc:
        raise ValueError(value)
    return text


def _host(setting: Setting, value: t.Any) -> str:
    text = _text(setting, value)
    # What stands before an @ is a secret, and has fields of its own.
    if set(text) & set("@/ "):
        raise ValueError(value)
    return text


PARSERS: dict[str, t.Callable[[Setting, t.Any], t.Any]] = {
    "bool": _bool,
    "int": _int,
    "index": _index,
    "text": _text,
    "path": _path,
    "base": _base,
    "loopback": _loopback,
    "url": _url,
    "host": _host,
}
DESCRIPTIONS = {
    "bool": "true or false",
    "int": "a whole number",
    "index": "one",
    "text": "text on one line",
    "path": "an absolute path",
    "base": "a path that begins with /",
    "loopback": "a loopback address like 127.0.0.1",
    "url": "an http or https address without a user name",
    "host": "a host name or address; user name and password have fields of their own",
    "key": "text",
    "hash": "text",
}
