# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the lab's modules importable as its program finds them."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "lab"))
