# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: a tunnel as somebody described it, each value with the place where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Place:
    """Where a value stands: a variable and, in a text, the line. ``label`` is the setting's name there."""

    variable: str
    line: str = ""
    label: str = ""

    def of(self, label: str) -> Place:
        return Place(self.variable, self.line, label)

    @property
    def number(self) -> int:
        """The line as a number, 0 where there is none."""
        return int(self.line.removeprefix("line ") or 0)

    def __str__(self) -> str:
        return ", ".join(part for part in (self.variable, self.line) if part)


@dataclass(frozen=True)
class Value:
    """A raw value. Its text may be a secret, so it shows itself without."""

    text: str = field(repr=False)
    place: Place


@dataclass
class PeerDraft:
    """One server; settings by their lower-case WireGuard name."""

    place: Place
    settings: dict[str, list[Value]] = field(default_factory=dict)
    spoilt: set[str] = field(default_factory=set)


@dataclass
class Draft:
    """All that was said about the tunnel, nothing of it checked yet."""

    place: Place
    interface: Place | None = None
    settings: dict[str, list[Value]] = field(default_factory=dict)
    peers: list[PeerDraft] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    generated_key: bool = False  # an absent private key is made on the host
    faults: list[ConfigurationError] = field(default_factory=list)
    left_out: bool = False  # a section was refused as a whole, so nothing is said about what is missing
    # Settings of the interface whose line is a fault: that they are missing then is not said as well.
    spoilt: set[str] = field(default_factory=set)

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Keep a fault, and go on with the next part of the description."""
        try:
            yield
        except ConfigurationError as error:
            self.faults += error.faults

    def refuse_faulty(self) -> None:
        """Raise what was collected, as one error."""
        if len(self.faults) == 1:
            raise self.faults[0] from None
        if self.faults:
            raise SeveralErrors(sorted(self.faults, key=lambda fault: fault.place.number)) from None


class ConfigurationError(ValueError):
    """A mistake in the description; names the place and the remedy, and never shows a value."""

    def __init__(self, place: Place, problem: str, remedy: str) -> None:
        label = f"{place.label}: " if place.label else ""
        super().__init__(f"{place}: {label}{problem}. {remedy}.")
        self.place = place
        self.problem = label + problem
        self.remedy = remedy

    @property
    def faults(self) -> list[ConfigurationError]:
        return [self]


class SeveralErrors(ConfigurationError):
    """All mistakes of one description, in the order of its lines."""

    def __init__(self, faults: list[ConfigurationError]) -> None:
        first = faults[0]
        super().__init__(first.place, first.problem, first.remedy)
        self.problem = first.problem
        self.args = (" ".join(str(fault) for fault in faults),)
        self._faults = faults

    @property
    def faults(self) -> list[ConfigurationError]:
        return self._faults
