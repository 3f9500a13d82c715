# SPDX-License-Identifier: GPL-3.0-or-later
"""Collects what arrives within minutes into one message, and sends each message until each address has it.

Each program that adds something also delivers, so no program depends on the units of another one. All of it is in one
file, so a reboot loses nothing. A kill between sending and writing sends that message once more.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
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

SENDING = "sending.lock"
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
    key: str = ""
    tries: int = 0
    not_before: float = 0.0


@dataclass(frozen=True)
class Content:
    """The content of the file."""

    arrived: tuple[Arrived, ...] = ()
    pending: tuple[Pending, ...] = ()


@dataclass
class Outbox:
    """The messages of one household. ``path`` is in a folder of its own, whose owner also owns the files in it."""

    path: Path
    settings: NotifySettings
    sender: Sender = field(default_factory=Sender)

    def add(self, key: str, news: News, now: float) -> None:
        """Note an arrival; nothing where notifications are off. Raises FileProblem."""
        kept = news if self.settings.titles else replace(news, titles=())

        def added(content: Content) -> Content:
            others = tuple(one for one in content.arrived if one.key != key)
            return replace(content, arrived=(*others, Arrived(key, now, kept)))

        if self.settings.urls:
            self._change(added)

    def say(self, key: str, message: Message, now: float) -> None:
        """Note a message that is not collected. An earlier one of the same key that no address has is replaced.

        Raises FileProblem.
        """
        to = tuple(map(files.digest, self.settings.urls))

        def added(content: Content) -> Content:
            others = tuple(one for one in content.pending if (one.key, one.to) != (key, to))
            return replace(content, pending=(*others, Pending(message, now, to, key))[-PENDING_KEPT:])

        if self.settings.urls:
            self._change(added)

    def deliver(self, now: float) -> None:
        """Send what is due; nothing while another process does. Raises FileProblem."""
        if not self.path.exists():
            return
        with self._sending() as alone:
            if not alone:
                return
            content = self._read()
            if self._due(content, now) != content:
                content = self._change(lambda found: self._due(found, now))
            failed: dict[str, str] = {}
            for one in content.pending:
                # A clock that was set back would hold a message for long.
                if one.not_before <= now or one.not_before - now > LONGEST_PAUSE_S:
                    self._send(one, now, failed)

    def _due(self, content: Content, now: float) -> Content:
        """Return the content with one message in place of arrivals that are due."""
        if not self.settings.urls:
            return Content()  # switched off meanwhile
        if not content.arrived or not is_due([one.time for one in content.arrived], now):
            return content
        message = compose([one.news for one in content.arrived], titles=self.settings.titles)
        new = Pending(message, now, tuple(map(files.digest, self.settings.urls)))
        return Content(pending=(*content.pending, new))

    def _send(self, pending: Pending, now: float, failed: dict[str, str]) -> None:
        """Send one message. An address that has ``failed`` in this delivery is not tried with the next message."""
        left = []
        for number, url in enumerate(self.settings.urls, start=1):
            if files.digest(url) not in pending.to:
                continue
            if url not in failed and (why := self.sender.send(url, pending.message)):
                journal.warning(f"a notification was not sent: {shown(number, url)} of mediaserver_notify: {why}")
                failed[url] = why
            if url in failed:
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
        def replaced(content: Content) -> Content:
            found = [rest if one == pending else one for one in content.pending]
            return replace(content, pending=tuple(one for one in found if one is not None))

        self._change(replaced)

    @contextlib.contextmanager
    def _sending(self) -> Iterator[bool]:
        """Give True to one process at a time, False to others. Raises FileProblem."""
        path = self.path.with_name(SENDING)
        try:
            descriptor = _opened(path)
        except OSError as error:
            raise FileProblem(f"{path} cannot be opened: {reason(error)}") from error
        try:
            files.lock(descriptor, patience=0)
        except TimeoutError:
            yield False
        else:
            yield True
        finally:
            os.close(descriptor)

    def _change(self, change: Callable[[Content], Content]) -> Content:
        """Read, change and write, while no other process does. Raises FileProblem."""
        folder = self.path.parent
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                files.lock(descriptor)
                changed = change(self._read())
                self._write(changed)
                return changed
            finally:
                os.close(descriptor)
        except OSError as error:
            raise FileProblem(f"{folder} cannot be used: {reason(error)}; run the playbook again") from error

    def _read(self) -> Content:
        """Return the content; a missing or damaged file counts as empty. Raises FileProblem."""
        try:
            return _content(json.loads(files.read(self.path) or "{}"))
        except OSError as error:
            raise FileProblem(f"{self.path} cannot be read: {reason(error)}") from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return Content()

    def _write(self, content: Content) -> None:
        text = json.dumps(asdict(content), indent=1) + "\n"
        try:
            if content == Content():
                # So a program sees without reading that nothing waits, and a full disk holds no message back.
                self.path.unlink(missing_ok=True)
                return
            files.replace(self.path, text.encode(), mode=0o600, owner=_owner(self.path.parent))
        except OSError as error:
            raise FileProblem(f"{self.path} cannot be written: {reason(error)}") from error


def _opened(path: Path) -> int:
    """Open a lock file, and make a missing one. Raises OSError."""
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(path, flags)
    except FileNotFoundError:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
        os.fchown(descriptor, *_owner(path.parent))
        return descriptor


def _owner(folder: Path) -> tuple[int, int]:
    """Return the owner for a file in a folder: what root writes, the account of the import reads. Raises OSError."""
    if os.geteuid() != 0:
        return (-1, -1)
    status = folder.stat()
    return (status.st_uid, status.st_gid)


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
            str(one["key"]),
            int(one["tries"]),
            float(one["not_before"]),
        )
        for one in data.get("pending", ())
    )
    return Content(arrived, pending)
