# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes docs/status.schema.json, the JSON Schema of the health check's result, from the host's program."""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "roles" / "runtime" / "files" / "lib")]

from mediaserver.health.report import SCHEMA  # noqa: E402  (the path above must be set first)

TARGET = ROOT / "docs" / "status.schema.json"


def schema() -> str:
    """Return the text of the file."""
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "status.json",
        "$comment": "Written from roles/runtime/files/lib/mediaserver/health/report.py by `make docs`.",
    }
    return json.dumps({**head, **SCHEMA}, indent=1) + "\n"


if __name__ == "__main__":
    TARGET.write_text(schema(), encoding="utf-8")
