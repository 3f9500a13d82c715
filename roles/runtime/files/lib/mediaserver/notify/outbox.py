# SPDX-License-Identifier: GPL-3.0-or-later
"""Collects what arrives within minutes into one message, and sends it until each address has it.

All of it is in one file, so a reboot loses nothing. A kill between sending and writing sends that message once more.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from mediaserver import journal
from mediaserver._core import files
from mediaserver._core.errors import FileProblem, reason
from mediaserver._core.notify_urls import shown
from mediaserver.notify.message import Message, News, compose
from mediaserver.notify.sender import Sender
from mediaserver.notify.settings import NotifySettings

FILE = "notify.json"
# A message is sent when nothing has arrived for QUIET_S; at the latest LONGEST_S after the first arrival.
QUIET_S = 120.0
LONGEST_S = 600.0
# A message that cannot be sent is tried again after a growing pause, and given up after a day.
FIRST_PAUSE_S = 60.0
LONGEST_PAUSE_S = 3600.0
GIVEN_UP_S = 86400.0
# Messages that wait for the internet; the oldest are dropped.
PENDING_KEPT = 20


@dataclass(frozen=True)
class Arrived:
    """One torrent. ``key`` identifies the arrival: after a kill it may be added twice."""

    key: str
    time: float
    news: News


@dataclass(frozen=True)
class Pending:
    """A message and the digests of the URLs that do not have it yet."""

    message: Message
    since: float
    to: tuple[str, ...]
    tries: int = 0
    not_before: float = 0.0


@dataclass(frozen=True)
class Content:
    """The content of the file."""

    arrived: tuple[Arrived, ...] = ()
    pending: tuple[Pending, ...] = ()


@dataclass
class Outbox:
    """The messages of one household. ``path`` is in a folder that the program which sends may write."""

    path: Path
    settings: NotifySettings
    sender: Sender = field(default_factory=Sender)

    def add(self, key: str, news: News, now: float) -> None:
        """Note an arrival; nothing where notifications are off. Raises FileProblem."""
        if not self.settings.urls:
            return
        content = self._read()
        others = tuple(one for one in content.arrived if one.key != key)
        kept = news if self.settings.titles else replace(news, titles=())
        self._write(replace(content, arrived=(*others, Arrived(key, now, kept))))

    def post(self, message: Message, now: float) -> None:
        """Have a message sent by the next ``deliver``; nothing where notifications are off. Raises FileProblem."""
        if not self.settings.urls:
            return
        content = self._read()
        new = Pending(message, now, tuple(map(files.digest, self.settings.urls)))
        self._write(replace(content, pending=(*content.pending, new)[-PENDING_KEPT:]))

    def is_empty(self) -> bool:
        """Say whether each address has all messages. Raises FileProblem."""
        return self._read() == Content()

    def deliver(self, now: float) -> None:
        """Send what is due. Raises FileProblem."""
        content = self._read()
        if not self.settings.urls:
            if content != Content():
                self._write(Content())  # switched off meanwhile
            return
        if content.arrived and is_due([one.time for one in content.arrived], now):
            message = compose([one.news for one in content.arrived], titles=self.settings.titles)
            new = Pending(message, now, tuple(map(files.digest, self.settings.urls)))
            content = Content(pending=(*content.pending, new))
            self._write(content)
        for one in content.pending:
            # A clock that was set back would hold a message for long.
            if one.not_before <= now or one.not_before - now > LONGEST_PAUSE_S:
                self._send(one, now)

    def _send(self, pending: Pending, now: float) -> None:
        left = []
        for number, url in enumerate(self.settings.urls, start=1):
            if files.digest(url) not in pending.to:
                continue
            why = self.sender.send(url, pending.message)
            if why:
                journal.warning(f"a notification was not sent: {shown(number, url)} of mediaserver_notify: {why}")
                left.append(files.digest(url))
        tries = pending.tries + 1
        pause = min(FIRST_PAUSE_S * 2 ** min(tries - 1, 10), LONGEST_PAUSE_S)
        # An address that was removed from the list has no claim any more.
        rest = replace(pending, to=tuple(left), tries=tries, not_before=now + pause)
        if left and now - pending.since > GIVEN_UP_S:
            journal.warning("a notification that could not be sent for a day is given up")
            left = []
        self._replace(pending, rest if left else None)

    def _replace(self, pending: Pending, rest: Pending | None) -> None:
        content = self._read()
        found = [rest if one == pending else one for one in content.pending]
        self._write(replace(content, pending=tuple(one for one in found if one is not None)))

    def _read(self) -> Content:
        """Return the content; a missing or damaged file counts as empty. Raises FileProblem."""
        try:
            return _content(json.loads(files.read(self.path) or "{}"))
        except OSError as error:
            raise FileProblem(f"{self.path} cannot be read: {reason(error)}") from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return Content()

    def _write(self, content: Content) -> None:
        try:
            files.write(self.path, json.dumps(asdict(content), indent=1) + "\n", mode=0o600)
        except OSError as error:
            raise FileProblem(f"{self.path} cannot be written: {reason(error)}") from error


def is_due(times: Sequence[float], now: float) -> bool:
    """Say whether arrivals of these times are sent now. Pure; a clock that was set back makes them due."""
    return now - max(times) >= QUIET_S or now - min(times) >= LONGEST_S or now < min(times)


def _content(data: dict[str, Any]) -> Content:
    arrived = tuple(
        Arrived(
            str(one["key"]),
            float(one["time"]),
            News(str(one["news"]["kind"]), int(one["news"]["count"]), tuple(map(str, one["news"]["titles"]))),
        )
        for one in data.get("arrived", ())
    )
    pending = tuple(
        Pending(
            Message(str(one["message"]["heading"]), str(one["message"]["body"])),
            float(one["since"]),
            tuple(map(str, one["to"])),
            int(one["tries"]),
            float(one["not_before"]),
        )
        for one in data.get("pending", ())
    )
    return Content(arrived, pending)
