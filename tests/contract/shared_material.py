# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths of the recordings and official documents: beside the checkout, or in the folder MEDIASERVER_SHARED."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("MEDIASERVER_SHARED") or ROOT.parent / "shared")
JELLYFIN = SHARED / "jellyfin"
JACKETT_RECORDED = SHARED / "jackett" / "recorded" / "0.24.2440"
RECORDED = JELLYFIN / "recorded"
# Folder of the recordings by the version of the double.
RECORDINGS = {"12.0": "12.0-rc5", "10.11": "10.11.11"}


def missing(path: Path) -> str:
    """Return the reason to skip a test, empty when the path exists."""
    return "" if path.exists() else f"{path} does not exist; set MEDIASERVER_SHARED to the folder of reference material"
