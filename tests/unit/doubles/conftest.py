# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds the folder of the doubles to the path."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
for folder in (ROOT / "tests" / "doubles",):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
