# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Actions that change Jellyfin's libraries, each one call of its API."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass


class Action:
    """One call to the server; str() describes it."""


@dataclass(frozen=True)
class DeleteLibrary(Action):
    """With ``keep_items``, no scan is requested, so the items stay for the library that is created next."""

    name: str
    keep_items: bool = False

    def __str__(self) -> str:
        return f"remove library {self.name} and keep its items" if self.keep_items else f"delete library {self.name}"


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
    """With ``scan``, the server scans and then watches the folder.

    Without, the path is added only to check that the folder exists; a later action removes it.
    """

    name: str
    path: str
    scan: bool = True

    def __str__(self) -> str:
        return f"{'add' if self.scan else 'check'} path {self.path} of {self.name}"


@dataclass(frozen=True)
class RemovePath(Action):
    """Removes one shortcut with exactly this path, and all its PathInfos."""

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
    """Stops a running scan, which would drop the items of a library that is being recreated."""

    def __str__(self) -> str:
        return "stop the running scan"


@dataclass(frozen=True)
class ScanAll(Action):
    def __str__(self) -> str:
        return "scan all libraries"
