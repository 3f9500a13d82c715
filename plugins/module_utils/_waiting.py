# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What waiting needs; tests hand in a clock of their own."""

from __future__ import annotations

import typing as t


class Clock(t.Protocol):
    """The two functions of the module time that waiting needs."""

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float, /) -> None: ...
