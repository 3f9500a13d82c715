# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The steps by which libraries of Jellyfin are changed, one call of its API each."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass


class Action:
    """One call to the server; its text says which."""


@dataclass(frozen=True)
class DeleteLibrary(Action):
    """With ``keep_items``, the server is not asked to look: the items stay for the library that comes next."""

    name: str
    keep_items: bool = False

    def __str__(self) -> str:
        return (
            f"take library {self.name} away, and keep its items" if self.keep_items else f"delete library {self.name}"
        )


@dataclass(frozen=True)
class CreateLibrary(Action):
    name: str
    type: str
    paths: tuple[str, ...]
    options: t.Mapping[str, t.Any]

    def __str__(self) -> str:
        return f"create library {self.name}"


@dataclass(frozen=True)
class AddPath(Action):
    """With ``scan``, the server looks at it at once, and watches it. Without, it only proves that it is there."""

    name: str
    path: str
    scan: bool = True

    def __str__(self) -> str:
        return f"{'add' if self.scan else 'try'} path {self.path} of {self.name}"


@dataclass(frozen=True)
class RemovePath(Action):
    """Takes away one shortcut of exactly this path, and all PathInfos of it."""

    name: str
    path: str

    def __str__(self) -> str:
        return f"remove path {self.path} of {self.name}"


@dataclass(frozen=True)
class WriteOptions(Action):
    name: str
    options: t.Mapping[str, t.Any]

    def __str__(self) -> str:
        return f"write options of {self.name}: {', '.join(sorted(self.options))}"


@dataclass(frozen=True)
class StopScan(Action):
    """A scan that goes on while a library is away would drop its items."""

    def __str__(self) -> str:
        return "stop a scan that is running"


@dataclass(frozen=True)
class ScanAll(Action):
    def __str__(self) -> str:
        return "scan all libraries"
