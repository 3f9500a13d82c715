# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the route of a request; literals are not case-sensitive, as in ASP.NET."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from jellyfin_double.answers import Answer

if TYPE_CHECKING:
    from jellyfin_double.application import Call

Handler = Callable[["Call"], Answer]


class Access(Enum):
    """The authorization that a route requires."""

    PUBLIC = auto()
    TOKEN = auto()
    ADMINISTRATOR = auto()
    SETUP = auto()  # none until the wizard is completed, then an administrator


@dataclass(frozen=True)
class Route:
    method: str
    pattern: str
    access: Access
    handler: Handler


@dataclass(frozen=True)
class Found:
    route: Route
    values: dict[str, str]


class Router:
    def __init__(self, routes: Iterable[Route]) -> None:
        # A literal has priority over a placeholder: /Users/Me is not a user's id.
        self._routes = sorted(routes, key=lambda route: route.pattern.count("{"))

    def find(self, method: str, path: str) -> Found | list[str]:
        """Return the route, or the methods that the path allows; none when the path is unknown."""
        allowed: list[str] = []
        for route in self._routes:
            values = _match(route.pattern, path)
            if values is None:
                continue
            if route.method == method:
                return Found(route, values)
            allowed.append(route.method)
        return sorted(set(allowed))


def _match(pattern: str, path: str) -> dict[str, str] | None:
    wanted, present = pattern.strip("/").split("/"), path.strip("/").split("/")
    if len(wanted) != len(present):
        return None
    values = {}
    for piece, word in zip(wanted, present, strict=True):
        if piece.startswith("{"):
            values[piece[1:-1]] = word
        elif piece.lower() != word.lower():
            return None
    return values
