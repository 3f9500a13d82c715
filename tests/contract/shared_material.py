# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the recordings and the official documents are: beside the checkout, or where MEDIASERVER_SHARED says."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("MEDIASERVER_SHARED") or ROOT.parent / "shared")
JELLYFIN = SHARED / "jellyfin"
JACKETT_RECORDED = SHARED / "jackett" / "recorded" / "0.24.2440"
RECORDED = JELLYFIN / "recorded"
# Name of the folder of recordings, by the version of the double.
RECORDINGS = {"12.0": "12.0-rc5", "10.11": "10.11.11"}


def missing(path: Path) -> str:
    """Reason to skip, empty when there is none."""
    return "" if path.exists() else f"{path} is not there (MEDIASERVER_SHARED names the folder of reference material)"
