# SPDX-License-Identifier: GPL-3.0-or-later
"""The notifications of this host, for each program that has something to say: the import, and checks of the host.

It adds its messages to the outbox and delivers, in the same run: no unit of another program takes part.
"""

from __future__ import annotations

from pathlib import Path

from mediaserver import journal
from mediaserver._core.errors import FileProblem
from mediaserver.command.settings import CommandSettings
from mediaserver.notify.outbox import Outbox
from mediaserver.notify.settings import OUTBOX, NotifySettings


def outbox(root: Path) -> Outbox | None:
    """Return the outbox of the project folder ``root``; None, with a warning, where the settings cannot be read.

    Root may use it, and the account mediaserver with the credential ``notify``.
    """
    try:
        return Outbox(CommandSettings.read(root).state / OUTBOX, NotifySettings.read(root))
    except FileProblem as error:
        journal.warning(f"no notifications are sent: {error}")
        return None
