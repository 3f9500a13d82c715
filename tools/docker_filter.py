# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the files of the filter before Docker's socket from the table of allowed calls."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The link below it is made by tools/setup.
sys.path[:0] = [str(ROOT / "build" / "collections")]

from ansible_collections.household.mediaserver.plugins.module_utils._services import docker_calls  # noqa: E402

FOLDER = ROOT / "roles" / "stack" / "files" / "entrypoints"


def main() -> int:
    for name, text in docker_calls.files().items():
        path = FOLDER / name
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
