# SPDX-License-Identifier: GPL-3.0-or-later
"""All subcommands, in the order of --help and docs/command.md."""

from __future__ import annotations

from mediaserver.command import (
    backup,
    card,
    doctor,
    health,
    import_torrents,
    logs,
    refetch,
    remove,
    restore,
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
    restore,
    refetch,
    updates,
    verify,
    logs,
    doctor,
    version,
)
