# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends a message by apprise, which is imported only when there is one: it takes seconds on a small host."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Callable, Iterator
from typing import Any

from mediaserver._core.notify_urls import fault
from mediaserver.notify.message import Message

NOT_INSTALLED = "the package apprise is not installed; run the playbook again, or: sudo apt-get install apprise"
NOT_USABLE = "apprise cannot use it; compare it with the page of that service in apprise's documentation"
NOT_SENT = "apprise could not deliver the message; check the address, its key, and the internet connection"


def load_apprise() -> Any:
    """Return the module. Raises ImportError."""
    import apprise  # noqa: PLC0415  (see above)

    return apprise


class Sender:
    """Sends to one URL at a time. Each method returns why it did not work, without the URL; empty for success."""

    def __init__(self, load: Callable[[], Any] = load_apprise) -> None:
        self._load = load

    def check(self, url: str) -> str:
        """Have apprise parse a URL; nothing is sent."""
        return self._made(url)[1]

    def send(self, url: str, message: Message) -> str:
        made, why = self._made(url)
        if why:
            return why
        with _silent():
            try:
                sent = made.notify(title=message.heading, body=message.body)
            except Exception as error:  # apprise has some hundred plugins, whose errors are not its own
                return f"{NOT_SENT} ({type(error).__name__})"
        return "" if sent else NOT_SENT

    def _made(self, url: str) -> tuple[Any, str]:
        if wrong := fault(url):
            return None, wrong
        try:
            apprise = self._load()
        except ImportError:
            return None, NOT_INSTALLED
        with _silent():
            try:
                made = apprise.Apprise.instantiate(url, suppress_exceptions=True)
            except Exception as error:
                return None, f"{NOT_USABLE} ({type(error).__name__})"
        return made, "" if made else NOT_USABLE


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep apprise's own lines away from output and journal: they quote the URL with its secrets."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(before)
