# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Pure: wanted values beside a configuration object of Jellyfin's. What is wrong, what changes, what is sent.

The server takes whole objects, fills in defaults for what is missing, and ignores unknown names in silence. So
everything is compared with what the server itself has answered.
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
    # Last, since it may change the way to the server.
    "network": "/System/Configuration/network",
}
# Texts that Jellyfin leaves out of its answer while they are null (the OpenAPI documents of 10.11 and 12.0).
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
# Others could be taken by the server for a name that looks different here.
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
SECRET = re.compile(r"password|passphrase|secret|token|api_?key|private_?key", re.IGNORECASE)

Values = t.Mapping[str, t.Any]


def plan_section(section: str, wanted: Values, found: Values, *, allow_unknown: bool = False) -> list[Change]:
    """Return one change for each value that differs, named like ``system.TrickplayOptions.Interval``.

    Raises InvalidValue for what the server would misunderstand, refuse or ignore.
    """
    if section == "system" and any(str(name).casefold() == WIZARD.casefold() for name in wanted):
        raise InvalidValue(f"system: {WIZARD} is not for you to set: without it the server is open to everybody")
    absent = dict.fromkeys(NULLABLE[section], "")
    return list(changes_between(section, wanted, found, absent, allow_unknown=allow_unknown))


def changes_between(
    where: str, wanted: Values, found: Values, absent: Values, *, allow_unknown: bool = False
) -> t.Iterator[Change]:
    """Yield what differs. ``absent`` are names that the server may leave out, each with a value of its type.

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
            raise InvalidValue(f"{where}: {text} is written {right}")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InvalidValue(f"{where}: {text!r} is no name of a setting")
    if not allow_unknown:
        near = difflib.get_close_matches(text, sorted(known), n=1)
        hint = f"; is it {near[0]}?" if near else ""
        raise InvalidValue(f"{where}: this server has no {text}{hint} (it ignores what it does not know)")


def _check_type(path: str, value: t.Any, has: t.Any, *, secret: bool) -> None:
    kind = kind_of(value)
    expected = kind if has is MISSING or has is None else kind_of(has)
    got = "" if secret else f", not {value!r}" if kind not in ("an object", "a list") else f", not {kind}"
    if kind == "nothing that JSON can hold" or kind != expected:
        raise InvalidValue(f"{path} takes {expected}{got}")
    if isinstance(value, list):
        # Elements of an empty list may be anything; then the server is the one to complain.
        kinds = {kind_of(item) for item in has} if isinstance(has, list) else set()
        for item in value:
            wrong = kind_of(item)
            if wrong == "nothing that JSON can hold" or (len(kinds) == 1 and wrong not in kinds):
                raise InvalidValue(f"{path} takes a list with {' or '.join(kinds) or 'values'}, not with {wrong}")


def kind_of(value: t.Any) -> str:
    """Return the JSON type of a value, in words."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, float) and not math.isfinite(value):
        return "nothing that JSON can hold"
    for types, name in KINDS:
        if isinstance(value, types):
            return name
    return "null" if value is None else "nothing that JSON can hold"


KINDS: tuple[tuple[tuple[type, ...], str], ...] = (
    ((int, float), "a number"),
    ((str,), "a text"),
    ((list, tuple), "a list"),
    ((dict,), "an object"),
)


def same(left: t.Any, right: t.Any) -> bool:
    """Compare as JSON does: 2 is 2.0, but 1 is not true."""
    if kind_of(left) != kind_of(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(value, right[name]) for name, value in left.items())
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(same(*pair) for pair in zip(left, right, strict=True))
    return bool(left == right)


def merge(found: Values, wanted: Values) -> dict[str, t.Any]:
    """Return the whole object to send: objects are merged by key, lists replaced, null leaves a value alone."""
    body = copy.deepcopy(dict(found))
    for name, value in wanted.items():
        if value is None:
            continue
        has = body.get(name)
        body[name] = merge(has, value) if isinstance(has, dict) and isinstance(value, dict) else copy.deepcopy(value)
    return body


def check_body(section: str, body: Values) -> None:
    """Raise ServiceProblem for a body that would open the first-run wizard to everybody.

    The server reads names without regard to case and takes the last, so a second spelling is refused as well.
    """
    if section != "system":
        return
    values = [value for name, value in body.items() if name.casefold() == WIZARD.casefold()]
    if values != [True] or body.get(WIZARD) is not True:
        raise ServiceProblem(
            f"system: the server does not say that its first-run wizard is completed ({WIZARD}), and writing its"
            " configuration would leave it open. Run jellyfin_setup first"
        )


def secrets_in(values: t.Any, *, secret: bool = False) -> set[str]:
    """Return all texts that stand below a secret's name, for Ansible to hide."""
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
