# SPDX-License-Identifier: GPL-3.0-or-later
"""Import path of the contract tests: their helpers and the doubles."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for folder in (ROOT / "tests" / "doubles", ROOT / "tests" / "contract"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
