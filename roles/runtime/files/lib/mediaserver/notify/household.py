# SPDX-License-Identifier: GPL-3.0-or-later
"""The notifications of this host, for each program that has something to say: the import, and checks of the host.

It adds its messages to the outbox and delivers, in the same run: no unit of another program takes part.
"""

from __future__ import annotations

from pathlib import Path

from mediaserver import journal
from mediaserver._core.errors import FileProblem
from mediaserver.notify.outbox import FILE, FOLDER, Outbox
from mediaserver.notify.settings import NotifySettings


def outbox(root: Path, state: Path) -> Outbox | None:
    """Return the outbox; None, with a warning, where the settings cannot be read.

    ``root`` and ``state`` are the project folder and mediaserver_state. Root may use it, and the account mediaserver
    with the credential ``notify``.
    """
    try:
        return Outbox(state / FOLDER / FILE, NotifySettings.read(root))
    except FileProblem as error:
        journal.warning(f"no notifications are sent: {error}")
        return None
