"""Makes the host package importable as it is on the Pi."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "roles" / "gateway" / "files" / "lib"))
