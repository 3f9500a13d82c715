# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Puts a household's values into the texts of the registry.

``<name>`` is a variable, or what follows from one; ``<name?>`` may be empty.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import typing as t

from .._core.errors import InvalidValue
from .model import SecretFile

PLACEHOLDER = re.compile(r"<([a-z_][a-z0-9_.]*)(\??)>")
# What is made from a variable, by the name that stands in the registry.
DERIVED: dict[str, tuple[str, t.Callable[[t.Any], t.Any]]] = {
    "ipv6_disabled": ("mediaserver_ipv6", lambda ipv6: 0 if ipv6 else 1),
    "bridge_address": ("gateway_subnet", lambda subnet: str(ipaddress.IPv4Network(subnet)[1])),
    "watchtower_only_reports": ("upkeep_watchtower_mode", lambda mode: "false" if mode == "update" else "true"),
    "watchtower_cleans_up": ("upkeep_watchtower_cleanup", lambda given: str(bool(given)).lower()),
    "watchtower_sees_stopped": ("upkeep_watchtower_include_stopped", lambda given: str(bool(given)).lower()),
    "holder_address": ("gateway_subnet", lambda subnet: str(ipaddress.IPv4Network(subnet)[2])),
}
# What the compose file takes from a household's variables in any case.
ALWAYS = ("mediaserver_root", "mediaserver_data", "gateway_subnet")


def names(*parts: t.Any) -> list[str]:
    """Return the variables that the texts of ``parts`` stand for, those of conditions included."""
    found = set(ALWAYS)
    for text in _texts(parts):
        found |= {_variable(name) for name, _optional in PLACEHOLDER.findall(text)}
    return sorted(found)


class Values:
    """The values of a household's variables, by name."""

    def __init__(self, given: t.Mapping[str, t.Any]) -> None:
        self._given = given

    def get(self, name: str) -> t.Any:
        """Return the value of a variable, or of what is derived from one; None for one that is not there."""
        source, derive = DERIVED.get(name, (name, None))
        value: t.Any = self._given
        for part in source.split("."):
            value = value.get(part) if isinstance(value, t.Mapping) else None
        return derive(value) if derive and value is not None else value

    def text(self, text: str) -> str:
        """Put values into a text. Raises InvalidValue for a variable that has none."""
        return PLACEHOLDER.sub(self._value, text)

    def texts(self, texts: t.Iterable[str]) -> list[str]:
        """Put values into each text. One that stands for a list gives its items; no value gives none."""
        result: list[str] = []
        for text in texts:
            found = PLACEHOLDER.fullmatch(text)
            value = self.get(found[1]) if found else self.text(text)
            items = value if isinstance(value, (list, tuple)) else [value] if value else []
            result += [str(item) for item in items]
        return result

    def _value(self, found: re.Match[str]) -> str:
        value = self.get(found[1])
        if value in (None, "") and not found[2]:
            raise InvalidValue(f"{_variable(found[1])} is not set, and the services need it")
        return "" if value is None else str(value)


def _variable(name: str) -> str:
    return DERIVED.get(name, (name, None))[0].partition(".")[0]


def _texts(part: t.Any) -> t.Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, SecretFile):
        if part.variable:
            yield f"<{part.variable}?>"
    elif dataclasses.is_dataclass(part):
        for field in dataclasses.fields(part):
            value = getattr(part, field.name)
            # A condition is the name of a variable without its brackets.
            yield from (f"<{name}>" for name in value.values()) if field.name == "conditions" else _texts(value)
    elif isinstance(part, t.Mapping):
        for value in part.values():
            yield from _texts(value)
    elif isinstance(part, (list, tuple)):
        for value in part:
            yield from _texts(value)
