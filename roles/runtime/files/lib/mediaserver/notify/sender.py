# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends a message by apprise, which is imported only when there is one: it takes seconds on a small host."""

from __future__ import annotations

import contextlib
import io
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from mediaserver._core.notify_urls import fault
from mediaserver.notify.message import Message

NOT_INSTALLED = "the package apprise is not installed; run the playbook again, or: sudo apt-get install apprise"
NOT_USABLE = "apprise cannot use it; compare it with the page of that service in apprise's documentation"
NOT_SENT = "apprise could not deliver the message; check the address, its key, and the internet connection"

NOT_ANSWERED = "the address has not answered within {seconds:g} s; check it, and the internet connection"
NO_TIME = "there was no time left to send it in this run"
# Apprise's own timeouts end most attempts after 8 s, but no slow DNS server, and none that sends byte by byte.
PATIENCE_S = 30.0


def load_apprise() -> Any:
    """Return the module. Raises ImportError."""
    import apprise  # noqa: PLC0415  (see above)

    return apprise


class Sender:
    """Sends to one URL at a time. Each method returns why it did not work, without the URL; empty for success."""

    def __init__(
        self, load: Callable[[], Any] = load_apprise, patience: float = PATIENCE_S, total_s: float = math.inf
    ) -> None:
        """``patience``: seconds for one message to one URL, ``total_s``: for all from the first one on."""
        self._load = load
        self._patience = patience
        self._total_s = total_s
        self._end: float | None = None

    def check(self, url: str) -> str:
        """Have apprise parse a URL; nothing is sent."""
        return self._made(url)[1]

    def send(self, url: str, message: Message) -> str:
        self._end = self._end or time.monotonic() + self._total_s
        patience = min(self._patience, self._end - time.monotonic())
        if patience <= 0:
            return NO_TIME
        made, why = self._made(url)
        return why or self._notify(made, message, patience)

    def _notify(self, made: Any, message: Message, patience: float) -> str:
        results: list[str] = []

        def notify() -> None:
            try:
                sent = made.notify(title=message.heading, body=message.body)
                results.append("" if sent else NOT_SENT)
            except Exception as error:  # apprise has some hundred plugins, whose errors are not its own
                results.append(f"{NOT_SENT} ({type(error).__name__})")

        # The end of the program does not wait for a daemon thread.
        thread = threading.Thread(target=notify, name="notification", daemon=True)
        with _silent() as silence:
            thread.start()
            thread.join(patience)
            silence.stays = thread.is_alive()
        return results[0] if results else NOT_ANSWERED.format(seconds=round(patience, 1))

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


@dataclass
class _Silence:
    """``stays``: a thread that was given up may still write lines."""

    stays: bool = False


@contextlib.contextmanager
def _silent() -> Iterator[_Silence]:
    """Keep apprise's own lines away from output and journal: they quote the URL with its secrets."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    silence = _Silence()
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield silence
    finally:
        if not silence.stays:
            logging.disable(before)
