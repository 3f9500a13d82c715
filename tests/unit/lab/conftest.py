# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the lab's modules importable as its program finds them."""

from __future__ import annotations

import sys
from pathlib import Path

LAB = Path(__file__).resolve().parents[2] / "lab"
# What runs in a provider's container, and the host package, for those that it talks to.
PROVIDER = LAB / "images" / "provider"
HOST = LAB.parents[1] / "roles" / "runtime" / "files" / "lib"
LEAKS = LAB.parent / "leaks"
sys.path.extend(str(folder) for folder in (LAB, PROVIDER, HOST, LEAKS, Path(__file__).parent))
