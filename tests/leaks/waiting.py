# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits for a condition."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 40


def wait_for(condition: Callable[[], bool], what: str, seconds: float = PATIENCE_S) -> None:
    """Wait until ``condition`` is true. Raises AssertionError with ``what`` after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.5)
