# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the host package importable as it is on the Pi, and what these tests share."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[2] / "roles" / "runtime" / "files" / "lib"), str(HERE)]
