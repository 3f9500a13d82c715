# SPDX-License-Identifier: GPL-3.0-or-later
"""The doubles are a package of their own beside the tests."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
for folder in (ROOT / "tests" / "doubles",):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
