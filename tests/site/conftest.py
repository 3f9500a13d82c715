# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that run the whole playbook against a Pi of the lab, break things on it, and boot it again."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ("tools", "tests/testinfra", "tests/site")]

from fixtures import containers, host, house, inventory  # noqa: E402  (the path above must be set first)

__all__ = ["containers", "host", "house", "inventory"]
