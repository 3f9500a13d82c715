# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends what is new, by the outbox of notifications."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mediaserver._core.errors import FileProblem
from mediaserver.health import notices
from mediaserver.health.table import Check
from mediaserver.health.transitions import News
from mediaserver.notify.outbox import Outbox
from mediaserver.notify.sender import Sender
from mediaserver.notify.settings import NotifySettings


def send(
    path: Path,
    notify: NotifySettings,
    news: Sequence[News],
    known: Mapping[str, Check],
    *,
    now: float,
    sender: Sender,
) -> list[str]:
    """Send what is new, and what earlier runs and the import have left; return why not. ``path``: the outbox's file."""
    troubles: list[str] = []
    outbox = Outbox(path, notify, sender)
    message = notices.compose(news, known, titles=notify.titles) if news else None
    if message is not None:
        try:
            # A key of its own: each message is about other checks, so none replaces an earlier one.
            outbox.say(f"health {now:.0f}", message, now)
        except FileProblem as error:
            # On a full disk, a message is sent at once or not at all.
            troubles += [str(error), *(why for url in notify.urls if (why := sender.send(url, message)))]
    try:
        outbox.deliver(now)
    except FileProblem as error:
        troubles.append(str(error))
    return troubles
