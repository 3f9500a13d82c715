# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract tests read recordings and documents that lie beside the checkout, and run the doubles."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for folder in (ROOT / "tests" / "doubles", ROOT / "tests" / "contract"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
