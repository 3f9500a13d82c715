# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the official documents are: beside the checkout, or where MEDIASERVER_SHARED says."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
JELLYFIN = Path(os.environ.get("MEDIASERVER_SHARED") or ROOT.parent / "shared") / "jellyfin"
