# SPDX-License-Identifier: GPL-3.0-or-later
"""All subcommands, in the order of --help and docs/command.md. Restore will be added."""

from __future__ import annotations

from mediaserver.command import (
    backup,
    card,
    doctor,
    health,
    import_torrents,
    logs,
    remove,
    space,
    status,
    updates,
    verify,
    version,
)
from mediaserver.command.frame import Subcommand

SUBCOMMANDS: tuple[Subcommand, ...] = (
    status,
    import_torrents,
    space,
    remove,
    health,
    backup,
    card,
    updates,
    verify,
    logs,
    doctor,
    version,
)
