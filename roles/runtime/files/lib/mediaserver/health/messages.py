# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends what is new, by the outbox of notifications."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from mediaserver._core.errors import FileProblem
from mediaserver.health import notices
from mediaserver.health.table import Check
from mediaserver.health.transitions import News
from mediaserver.notify.bounded_sender import BoundedSender
from mediaserver.notify.outbox import Outbox
from mediaserver.notify.settings import NotifySettings


def send(
    path: Path,
    notify: NotifySettings,
    news: Sequence[News],
    known: Mapping[str, Check],
    *,
    now: float,
    total_s: float,
    sender: BoundedSender | None = None,
) -> list[str]:
    """Send what is new, and what earlier runs could not send; return why not. ``path``: the outbox's file."""
    sender = sender or BoundedSender(total_s=total_s)
    outbox = Outbox(path, notify, sender)
    message = notices.compose(news, known, titles=notify.titles) if news else None
    try:
        if message is not None:
            outbox.post(message, now)
        outbox.deliver(now)
        if outbox.is_empty():
            with suppress(OSError):
                path.unlink(missing_ok=True)
    except FileProblem as error:
        # On a full disk, a message is sent at once or not at all.
        urls = notify.urls if message is not None else ()
        return [str(error), *(why for url in urls if message and (why := sender.send(url, message)))]
    return []
