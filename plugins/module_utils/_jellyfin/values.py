# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Validates and compares wanted values with a configuration object of Jellyfin, and merges them into it. Pure.

The server accepts only whole objects, uses defaults for missing values, and ignores unknown names without an error. So
names and types are checked against the object that the server itself returned.
"""

from __future__ import annotations

import copy
import difflib
import math
import re
import typing as t

from .._core.errors import InvalidValue, ServiceProblem
from .._core.plan import HIDDEN, MISSING, Change

SECTIONS = {
    "system": "/System/Configuration",
    "encoding": "/System/Configuration/encoding",
    # Last, because it may change the server's address.
    "network": "/System/Configuration/network",
}
# Texts that Jellyfin's response omits while they are null (OpenAPI documents of 10.11 and 12.0).
NULLABLE: dict[str, frozenset[str]] = {
    "system": frozenset({"CachePath"}),
    "encoding": frozenset(
        {
            *("EncoderAppPath", "EncoderAppPathDisplay", "EncoderPreset", "FallbackFontPath", "QsvDevice"),
            *("TranscodingTempPath", "VaapiDevice"),
        }
    ),
    "network": frozenset(),
}
WIZARD = "IsStartupWizardCompleted"
# The server might normalise other characters to a known name.
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
SECRET = re.compile(r"password|passphrase|secret|token|api_?key|private_?key", re.IGNORECASE)

Values = t.Mapping[str, t.Any]


def plan_section(section: str, wanted: Values, found: Values, *, allow_unknown: bool = False) -> list[Change]:
    """Return one change for each value that differs, named like ``system.TrickplayOptions.Interval``.

    Raises InvalidValue for names and types that the server would ignore, reject or misread.
    """
    if section == "system" and any(str(name).casefold() == WIZARD.casefold() for name in wanted):
        raise InvalidValue(f"system: {WIZARD} must not be set; a server without it is open to every client. Remove it")
    absent = dict.fromkeys(NULLABLE[section], "")
    return list(changes_between(section, wanted, found, absent, allow_unknown=allow_unknown))


def changes_between(
    where: str, wanted: Values, found: Values, absent: Values, *, allow_unknown: bool = False
) -> t.Iterator[Change]:
    """Yield the values that differ. ``absent`` are names that the server may omit, each with a value of its type.

    Raises InvalidValue.
    """
    for name in sorted(wanted, key=str):
        value = wanted[name]
        if value is None:
            continue
        _check_name(where, name, {*found, *absent}, allow_unknown=allow_unknown)
        path = f"{where}.{name}"
        has = found.get(name, MISSING)
        secret = SECRET.search(path) is not None
        _check_type(path, value, absent[name] if has is MISSING and name in absent else has, secret=secret)
        if isinstance(value, dict) and isinstance(has, dict):
            yield from changes_between(path, value, has, {}, allow_unknown=allow_unknown)
        elif has is MISSING or not same(value, has):
            yield Change(path, _masked(has), _masked(value), secret=secret)


def _check_name(where: str, name: t.Any, known: t.Collection[str], *, allow_unknown: bool) -> None:
    if name in known:
        return
    text = str(name)
    for right in known:
        if right.casefold() == text.casefold():
            raise InvalidValue(f"{where}: {text} is misspelled; write {right}")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InvalidValue(f"{where}: {text!r} is not the name of a setting; correct it")
    if not allow_unknown:
        near = difflib.get_close_matches(text, sorted(known), n=1)
        hint = f"; is {near[0]} meant?" if near else ""
        raise InvalidValue(f"{where}: this server has no {text}{hint} (it would ignore the name)")


def _check_type(path: str, value: t.Any, has: t.Any, *, secret: bool) -> None:
    kind = kind_of(value)
    expected = kind if has is MISSING or has is None else kind_of(has)
    got = "" if secret else f", not {value!r}" if kind not in ("an object", "a list") else f", not {kind}"
    if kind == NOT_JSON or kind != expected:
        raise InvalidValue(f"{path} must be {expected}{got}")
    if isinstance(value, list):
        # The element type of an empty list is not known, so only the server can check it.
        kinds = {kind_of(item) for item in has} if isinstance(has, list) else set()
        for item in value:
            wrong = kind_of(item)
            if wrong == NOT_JSON or (len(kinds) == 1 and wrong not in kinds):
                raise InvalidValue(
                    f"each element of {path} must be {' or '.join(kinds) or 'a JSON value'}, not {wrong}"
                )


def kind_of(value: t.Any) -> str:
    """Return a description of a value's JSON type."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, float) and not math.isfinite(value):
        return NOT_JSON
    for types, name in KINDS:
        if isinstance(value, types):
            return name
    return "null" if value is None else NOT_JSON


NOT_JSON = "a value without JSON form"
KINDS: tuple[tuple[tuple[type, ...], str], ...] = (
    ((int, float), "a number"),
    ((str,), "a text"),
    ((list, tuple), "a list"),
    ((dict,), "an object"),
)


def same(left: t.Any, right: t.Any) -> bool:
    """Return whether two values are equal as JSON: 2 equals 2.0, but 1 does not equal true."""
    if kind_of(left) != kind_of(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(value, right[name]) for name, value in left.items())
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(same(*pair) for pair in zip(left, right, strict=True))
    return bool(left == right)


def merge(found: Values, wanted: Values) -> dict[str, t.Any]:
    """Return the whole object to send: objects are merged by key, lists replaced, null is not managed."""
    body = copy.deepcopy(dict(found))
    for name, value in wanted.items():
        if value is None:
            continue
        has = body.get(name)
        body[name] = merge(has, value) if isinstance(has, dict) and isinstance(value, dict) else copy.deepcopy(value)
    return body


def check_body(section: str, body: Values) -> None:
    """Raise ServiceProblem for a body that would open the first-run wizard to every client.

    The server ignores the case of names and uses the last one, so a second spelling is rejected as well.
    """
    if section != "system":
        return
    values = [value for name, value in body.items() if name.casefold() == WIZARD.casefold()]
    if values != [True] or body.get(WIZARD) is not True:
        raise ServiceProblem(
            f"system: the server's first-run wizard is not completed ({WIZARD} is not true), and writing its"
            " configuration would keep it open. Run jellyfin_setup first"
        )


def secrets_in(values: t.Any, *, secret: bool = False) -> set[str]:
    """Return all texts below a name of a secret, which Ansible must mask."""
    if isinstance(values, dict):
        below = (secrets_in(value, secret=secret or bool(SECRET.search(str(name)))) for name, value in values.items())
        return set().union(*below)
    if isinstance(values, (list, tuple)):
        return set().union(*(secrets_in(value, secret=secret) for value in values))
    return {str(values)} if secret and values not in (None, "", True, False) else set()


def _masked(value: t.Any) -> t.Any:
    """Return the value with the secrets inside it hidden."""
    if isinstance(value, dict):
        return {
            name: HIDDEN if SECRET.search(str(name)) and inner not in (None, "") else _masked(inner)
            for name, inner in value.items()
        }
    return [_masked(item) for item in value] if isinstance(value, (list, tuple)) else value
