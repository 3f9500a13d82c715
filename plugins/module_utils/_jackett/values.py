# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Validates wanted values of ServerConfig.json, and converts stored values by Jackett's lenient rules. Pure."""

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
# Characters that need no escape in a URL.
KEY = re.compile(r"[0-9A-Za-z_-]{16,128}")


def normalise(setting: Setting, value: t.Any) -> t.Any:
    """Return the value to write; empty text becomes null. Raises InvalidValue with the accepted values."""
    if value == "" and setting.nullable:
        return None
    try:
        return PARSERS[setting.kind](setting, value)
    except (TypeError, ValueError, OverflowError) as error:
        # The message must not contain the value of a secret.
        got = "" if setting.secret else f", not {value!r}"
        raise InvalidValue(f"{setting.name} must be {expected(setting)}{got}") from error


def as_read(setting: Setting, value: t.Any) -> t.Any:
    """Return a stored value as Jackett reads it. Raises ValueError, TypeError or OverflowError where it rejects it."""
    if value is None:
        if setting.nullable or setting.kind not in ("bool", "int", "index"):
            return None
        raise ValueError("null")
    if isinstance(value, (dict, list)):
        raise ValueError("not a scalar")
    if setting.kind == "bool":
        if isinstance(value, str) and value.strip().lower() not in ("true", "false"):
            raise ValueError("not a boolean")
        return boolean(value) if isinstance(value, str) else bool(value)
    if setting.kind in ("int", "index"):
        names = {name: number for number, name in setting.choices}
        number = names[value.lower()] if isinstance(value, str) and value.lower() in names else _whole(value)
        if abs(number) > setting.limit:
            raise ValueError("too large")
        return number
    # Jackett treats empty and missing text alike.
    return (str(value).lower() if isinstance(value, bool) else str(value)) or None


def expected(setting: Setting) -> str:
    """Return a description of a setting's accepted values."""
    text = DESCRIPTIONS[setting.kind]
    if setting.choices:
        text += " of " + ", ".join(f"{name} ({number})" for number, name in setting.choices)
    if setting.low is not None:
        text += f" from {setting.low}" + (f" to {setting.high}" if setting.high is not None else "")
    return text + (f" ({setting.unit})" if setting.unit else "") + (", or empty text" if setting.nullable else "")


def hash_password(plain: str, key: str) -> str:
    """Return Jackett's hash of a password: SHA-512 over the password and the APIKey in UTF-16LE, in hexadecimal."""
    try:
        return hashlib.sha512((plain + key).encode("utf-16-le")).hexdigest()
    except UnicodeEncodeError as error:
        raise InvalidValue("admin_password is not valid text; choose another password") from error


def is_hash(stored: t.Any) -> bool:
    """Return whether a stored value is a hash, so that a login needs the password."""
    return isinstance(stored, str) and HASH.fullmatch(stored) is not None


def is_plain(text: str) -> bool:
    """Return whether a text is printable and on one line."""
    return not any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in text)


def is_usable_key(stored: t.Any) -> bool:
    """Return whether Jackett keeps a stored key; it replaces a blank one."""
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
    # Credentials before an @ belong into ProxyUsername and ProxyPassword.
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
    "host": "a host name or address, with user name and password in their own fields",
    "key": "text",
    "hash": "text",
}
