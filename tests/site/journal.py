# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of vpn-monitor on the Pi."""

from __future__ import annotations

import time
from typing import Any


def now(host: Any) -> str:
    """Return the Pi's time for ``since``; lines that were written before do not belong to that second."""
    time.sleep(1)
    return str(host.check_output("date '+%Y-%m-%d %H:%M:%S'"))


def since(host: Any, begin: str) -> str:
    """Return the messages of vpn-monitor since ``begin``."""
    return str(host.check_output(f"journalctl --no-pager --output cat --unit vpn-monitor --since '{begin}'"))
