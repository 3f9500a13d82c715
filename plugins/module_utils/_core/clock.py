# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The two functions of the module time that waiting needs, so that tests can wait without time passing."""

from __future__ import annotations

import typing as t


class Clock(t.Protocol):
    """The module time, or a double."""

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float, /) -> None: ...
