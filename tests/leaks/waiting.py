# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for what must come about by itself."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 40


def wait_for(happened: Callable[[], bool], what: str, seconds: float = PATIENCE_S) -> None:
    """Raises AssertionError with what has not happened in time."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.5)
