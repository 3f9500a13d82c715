# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether Jellyfin's database is damaged: the server then ends at every start, without a message in its answers.

It is read only where the server does not run.
"""

from __future__ import annotations

import json
import sqlite3
import struct
import time
from contextlib import closing
from pathlib import Path

from mediaserver._core import files
from mediaserver.health.backup import STATE

# Below the project folder.
DATABASE = Path("config", "jellyfin", "data", "jellyfin.db")
# Jellyfin makes it at its first start, before the database.
DEVICE = "device.txt"
# The header: magic, the page size at byte 16, the number of pages at 28, valid where 24 and 92 are the same.
# Source: https://www.sqlite.org/fileformat2.html, section 1.3.
MAGIC, HEADER = b"SQLite format 3\0", 100
LIMIT_S = 15.0
STEPS = 10_000
RESTORE = "bring it back from the last sound backup: sudo mediaserver restore jellyfin --at yesterday"
NO_BACKUP = (
    "there is no backup of it. Move the file away, and Jellyfin begins with an empty one; run the playbook after"
)


def damage(root: Path) -> str:
    """Return what is wrong with the database of a server that does not run; empty where nothing was found."""
    path = root / DATABASE
    try:
        with path.open("rb") as stream:
            head = stream.read(HEADER)
        size = path.stat().st_size
    except FileNotFoundError:
        return "it is gone" if (path.parent / DEVICE).exists() else ""
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    return damage_of_header(head, size) or _damage_inside(path)


def damage_of_header(head: bytes, size: int) -> str:
    """Judge the first bytes of a database file. Pure."""
    if not size:
        return "it is empty"
    if len(head) < HEADER or not head.startswith(MAGIC):
        return "it is not a database"
    page = struct.unpack_from(">H", head, 16)[0]
    changed, pages, valid = (struct.unpack_from(">I", head, offset)[0] for offset in (24, 28, 92))
    expected = (65536 if page == 1 else page) * pages
    if changed == valid and size < expected:
        return f"it is cut off: it has {size} of {expected} bytes"
    return ""


def _damage_inside(path: Path) -> str:
    """Return the first finding of quick_check, within a time that a health check has."""
    end = time.monotonic() + LIMIT_S
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1)) as line:
            line.set_progress_handler(lambda: int(time.monotonic() > end), STEPS)
            found = str(line.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.OperationalError:
        return ""  # busy, or not done in time: nothing is known
    except sqlite3.DatabaseError as error:
        return f"SQLite cannot read it ({error})"
    return "" if found == "ok" else f"its check fails ({found.splitlines()[0][:120]})"


def remedy(state: Path) -> str:
    """Return what a person can do. ``state``: the folder of state files."""
    try:
        found = json.loads(files.read(state / STATE) or "{}")
    except (OSError, ValueError, RecursionError):
        found = {}
    return RESTORE if isinstance(found, dict) and found.get("backup") else NO_BACKUP
