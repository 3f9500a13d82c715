# SPDX-License-Identifier: GPL-3.0-or-later
"""Folder of Jellyfin's OpenAPI documents: beside the checkout, or in MEDIASERVER_SHARED."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[5]
JELLYFIN = Path(os.environ.get("MEDIASERVER_SHARED") or ROOT.parent / "shared") / "jellyfin"
