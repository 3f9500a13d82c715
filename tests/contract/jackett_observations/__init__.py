# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the observations that Jackett's recordings contain beside exchanges, each repeated on the double."""

from __future__ import annotations

from .checks import CHECKS, Check, Line
from .data_protection import lose_keys, search_for_links
from .password import SECRET
from .settings import check_start_with_file, check_web_host
from .start import check_start_with_switches

__all__ = ["CHECKS", "SECRET", "find", "lose_keys", "search_for_links"]


def find(file: str, line: Line) -> Check | None:
    """Return the check of a line, None when there is none."""
    if "command_line" in line and "pidfile" not in line:
        return check_start_with_switches
    if "before" in line:
        return check_start_with_file
    if line["name"].endswith(": what followed"):
        return check_web_host
    return CHECKS.get((file, line["name"]))
