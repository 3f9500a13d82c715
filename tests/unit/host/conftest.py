# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the host package importable as it is on the Pi, and what these tests share."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
# The last one has Jellyfin's double.
sys.path[:0] = [str(ROOT / "roles" / "runtime" / "files" / "lib"), str(HERE), str(ROOT / "tests" / "doubles")]
