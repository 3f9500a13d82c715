# SPDX-License-Identifier: GPL-3.0-or-later
"""All subcommands, in the order of --help and docs/command.md. Backup and restore will be added."""

from __future__ import annotations

from mediaserver.command import (
    doctor,
    health,
    import_torrents,
    logs,
    refetch,
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
    refetch,
    health,
    updates,
    verify,
    logs,
    doctor,
    version,
)
