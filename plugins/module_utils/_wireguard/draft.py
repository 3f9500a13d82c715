# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tunnel's description before it is checked, each value with its source location. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Place:
    """Source location of a value: the variable and, in a text, the line. ``label`` is the setting's name there."""

    variable: str
    line: str = ""
    label: str = ""

    def of(self, label: str) -> Place:
        return Place(self.variable, self.line, label)

    @property
    def number(self) -> int:
        """The line as a number, 0 for a variable without lines."""
        return int(self.line.removeprefix("line ") or 0)

    def __str__(self) -> str:
        return ", ".join(part for part in (self.variable, self.line) if part)


@dataclass(frozen=True)
class Value:
    """A value before it is checked. Its text may be a secret and is left out of repr()."""

    text: str = field(repr=False)
    place: Place


@dataclass
class PeerDraft:
    """One server. ``settings`` have WireGuard's names in lower case; ``invalid`` are names whose line is a fault."""

    place: Place
    settings: dict[str, list[Value]] = field(default_factory=dict)
    invalid: set[str] = field(default_factory=set)


@dataclass
class Draft:
    """The whole description, not checked yet.

    ``generated_key``: a missing private key is generated on the host. ``incomplete``: a section was rejected, so no
    setting is reported as missing. ``invalid``: interface settings whose line is a fault, not reported as missing.
    """

    place: Place
    interface: Place | None = None
    settings: dict[str, list[Value]] = field(default_factory=dict)
    peers: list[PeerDraft] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    generated_key: bool = False
    faults: list[ConfigurationError] = field(default_factory=list)
    incomplete: bool = False
    invalid: set[str] = field(default_factory=set)

    @contextmanager
    def collecting_faults(self) -> Iterator[None]:
        """Record a ConfigurationError of the body instead of raising it."""
        try:
            yield
        except ConfigurationError as error:
            self.faults += error.faults

    def raise_faults(self) -> None:
        """Raise the recorded faults, if any, as one ConfigurationError."""
        if len(self.faults) == 1:
            raise self.faults[0] from None
        if self.faults:
            raise ConfigurationErrors(sorted(self.faults, key=lambda fault: fault.place.number)) from None


class ConfigurationError(ValueError):
    """A fault in the description, with its place and the remedy. Never contains the value."""

    def __init__(self, place: Place, problem: str, remedy: str) -> None:
        label = f"{place.label}: " if place.label else ""
        super().__init__(f"{place}: {label}{problem}. {remedy}.")
        self.place = place
        self.problem = label + problem
        self.remedy = remedy

    @property
    def faults(self) -> list[ConfigurationError]:
        return [self]


class ConfigurationErrors(ConfigurationError):
    """All faults of one description, in the order of its lines."""

    def __init__(self, faults: list[ConfigurationError]) -> None:
        first = faults[0]
        super().__init__(first.place, first.problem, first.remedy)
        self.problem = first.problem
        self.args = (" ".join(str(fault) for fault in faults),)
        self._faults = faults

    @property
    def faults(self) -> list[ConfigurationError]:
        return self._faults
