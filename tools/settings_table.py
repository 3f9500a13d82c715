# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the table of Transmission's settings for readers from the one that the module works by."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The link below it is made by tools/setup.
sys.path[:0] = [str(ROOT / "build" / "collections")]

from ansible_collections.household.mediaserver.plugins.module_utils._transmission.table import (  # noqa: E402
    READ_ONLY,
    SETTINGS,
    Setting,
)
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.values import (  # noqa: E402
    expected,
)

TARGET = ROOT / "docs" / "transmission-settings.md"
OPTIONS = {"rpc-username": "username", "rpc-password": "password"}
INTRODUCTION = """\
# Settings of Transmission

Every setting that the module `household.mediaserver.transmission_settings` knows, for Transmission 3.00, 4.0 and 4.1.
The module converts values. It refuses values out of range, and settings that the running daemon does not know; a name
that is not in the table passes with `allow_unknown: true` only. `_` may stand for each `-` in a name, and the other
names of a setting in the table may be used, too. `null` leaves a setting alone.

| column | meaning |
| --- | --- |
| changed | live: by RPC, while the daemon runs; stopped: in settings.json only, while it does not run |
| since | the first version that knows it, and the last one for a setting that was removed |
| RPC | its names in the older protocol and in the JSON-RPC 2.0 of 4.1, where these are not `a-b` and `a_b` |
| file | the same for settings.json; it is in snake_case where 4.1 runs with `TR_SAVE_VERSION_FORMAT=5` |

While the daemon is stopped, all settings are changed in the file. The daemon writes a live change to the file when it
ends.
"""
FORMS = """\
## Forms that differ from version to version

The module takes any of these, and writes what the daemon or its file uses.

| setting | in settings.json | by RPC |
| --- | --- | --- |
| `encryption` | a number; with `TR_SAVE_VERSION_FORMAT=5` a name, `allowed` for 0 | a name; 0 is `tolerated` in the \
older protocol, `allowed` in JSON-RPC 2.0 |
| `umask` | 3.00: a number, 18 for octal 022; 4.0 and 4.1: text, `"022"`; all read a number | |
| `preallocation`, `message-level` | a number; 4.1 reads names too | |
| `rpc-password` | salted and hashed; a daemon hashes a plain one at its start | |

`message-level` counts differently in 3.00: 0 is nothing, 1 errors, 2 information, 3 everything. In 4.1 `utp-enabled`
and `tcp-enabled` follow `preferred-transports`: the daemon ignores a value that contradicts it, and the module then
fails.
"""


def names(setting: Setting, older: str, newer: str) -> str:
    """The two names, where they do not follow from the setting's."""
    regular = (setting.name, setting.name.replace("-", "_"))
    return "" if (older, newer) == regular else " / ".join(f"`{name}`" for name in dict.fromkeys((older, newer)))


def row(setting: Setting) -> str:
    value = f"`{OPTIONS[setting.name]}`, an option" if setting.name in OPTIONS else expected(setting)
    cells = (
        f"`{setting.name}`",
        value + (" (secret)" if setting.secret else ""),
        "live" if setting.where == "rpc" else "stopped",
        f"{setting.since} to {setting.until}" if setting.until else setting.since,
        names(setting, setting.rpc, setting.in_json_rpc) if setting.rpc else "none",
        names(setting, setting.in_file, setting.in_snake_file),
    )
    return "| " + " | ".join(cells) + " |"


def page() -> str:
    """Return the whole page."""
    head = ["| setting | takes | changed | since | RPC | file |", "| --- | --- | --- | --- | --- | --- |"]
    told = ", ".join(f"`{name}`" for name in sorted(READ_ONLY))
    parts = (
        INTRODUCTION,
        "\n".join([*head, *(row(setting) for setting in sorted(SETTINGS, key=lambda one: one.name))]) + "\n",
        f"These are read-only; the daemon reports them: {told}.\n",
        FORMS,
        "<!-- Written from plugins/module_utils/_transmission/table.py by `make docs`. -->\n",
    )
    return "\n".join(parts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the page is not current")
    check = parser.parse_args().check
    if TARGET.exists() and TARGET.read_text(encoding="utf-8") == page():
        return 0
    print(TARGET.relative_to(ROOT))
    if not check:
        TARGET.write_text(page(), encoding="utf-8")
    return 1 if check else 0


if __name__ == "__main__":
    sys.exit(main())
