# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a service may be asked now: backoff while it does not answer, and no second try with wrong credentials.

Transmission locks all clients out after 100 wrong passwords. So credentials that were refused are not used again until
their file has others. A digest of them is kept, because the program ends between two tries.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from mediaserver._core import files
from mediaserver._core.errors import AccessDenied, FileProblem, MediaserverError, ProtocolError, Unreachable, reason
from mediaserver._transmission.client import CREDENTIALS
from mediaserver.importer.retry import pause

T = TypeVar("T")
TRANSMISSION_REMEDY = "Correct transmission_password in the household's vault and run the playbook"
JELLYFIN_REMEDY = "Run the playbook, which makes a new API key"


class NotNow(MediaserverError):
    """The service is not asked, or did not answer. The text says why."""


@dataclass
class Service:
    """One service and its present trouble. ``secret``: its credentials; ``refused``: where a digest of them lies."""

    title: str
    refused: Path
    secret: str
    remedy: str
    trouble: str = ""
    tries: int = 0
    not_before: float = 0.0
    denied: bool = False

    def ask(self, question: Callable[[], T], now: float) -> T:
        """Return the answer. Raises NotNow."""
        if self._is_refused():
            self._deny(f"{self.title} has refused the credentials, which are not tried again. {self.remedy}")
            raise NotNow(self.trouble)
        if now < self.not_before:
            raise NotNow(self.trouble)
        try:
            answer = question()
        except AccessDenied as error:
            # Of Transmission's other refusals, none is about the password. Jellyfin's have no reason.
            if error.reason in ("", CREDENTIALS):
                self._remember()
                self._deny(f"{self.title} refuses the credentials: {error}. {self.remedy}")
                raise NotNow(self.trouble) from error
            self._wait(now, f"{self.title} denies access: {error}")
            raise NotNow(self.trouble) from error
        except (Unreachable, ProtocolError) as error:
            self._wait(now, f"{self.title} does not answer as expected: {error}")
            raise NotNow(self.trouble) from error
        self.trouble, self.tries, self.not_before, self.denied = "", 0, 0.0, False
        return answer

    @property
    def wait_until(self) -> float:
        """The time of the next try; never, where the credentials were refused."""
        return float("inf") if self.denied else self.not_before

    def _deny(self, text: str) -> None:
        self.denied, self.trouble = True, text

    def _wait(self, now: float, text: str) -> None:
        self.tries += 1
        self.trouble, self.not_before = text, now + pause(self.tries)

    @property
    def _digest(self) -> str:
        return hashlib.sha256(self.secret.encode()).hexdigest()

    def _is_refused(self) -> bool:
        return (files.read(self.refused) or "").strip() == self._digest

    def _remember(self) -> None:
        try:
            files.write(self.refused, f"{self._digest}\n", mode=0o600)
        except OSError as error:
            raise FileProblem(f"{self.refused} cannot be written: {reason(error)}") from error
