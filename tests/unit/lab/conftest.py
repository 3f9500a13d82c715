# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds the folders of the lab and of the leak test to the path."""

from __future__ import annotations

import sys
from pathlib import Path

LAB = Path(__file__).resolve().parents[2] / "lab"
# The NAT-PMP responder of the provider's container, and its client in the host package.
PROVIDER = LAB / "images" / "provider"
HOST = LAB.parents[1] / "roles" / "runtime" / "files" / "lib"
LEAKS = LAB.parent / "leaks"
TOOLS = LAB.parents[1] / "tools"
sys.path.extend(str(folder) for folder in (LAB, PROVIDER, HOST, LEAKS, TOOLS, Path(__file__).parent))
