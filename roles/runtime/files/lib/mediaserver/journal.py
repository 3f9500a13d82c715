# SPDX-License-Identifier: GPL-3.0-or-later
"""Log lines of the programs on this host: with a priority for the journal, plain elsewhere.

systemd reads the priority from a prefix such as ``<4>`` (sd-daemon(3), SyslogLevelPrefix= in systemd.exec(5)), so
``journalctl -p warning`` shows what went wrong. JOURNAL_STREAM names the socket of the journal (systemd.exec(5)).
"""

from __future__ import annotations

import os
import sys
from enum import IntEnum
from typing import TextIO


class Priority(IntEnum):
    """As in syslog(3)."""

    ERROR = 3  # a program cannot do its work
    WARNING = 4  # something is wrong, or may need a person
    NOTICE = 5  # a repair, or another change of state
    INFO = 6


def info(text: object) -> None:
    _write(Priority.INFO, text, sys.stdout)


def notice(text: object) -> None:
    _write(Priority.NOTICE, text, sys.stdout)


def warning(text: object, *, stream: TextIO | None = None) -> None:
    _write(Priority.WARNING, text, stream or sys.stdout)


def error(text: object, *, stream: TextIO | None = None) -> None:
    """Write to standard error by default, as a program does that ends with this."""
    _write(Priority.ERROR, text, stream or sys.stderr)


def _write(priority: Priority, text: object, stream: TextIO) -> None:
    prefix = f"<{priority:d}>" if _is_journal(stream) else ""
    for line in str(text).splitlines() or [""]:
        print(f"{prefix}{line}", file=stream, flush=True)


def _is_journal(stream: TextIO) -> bool:
    """Say whether a stream is the journal's: a program started by another one may have the variable alone."""
    try:
        device, inode = os.environ["JOURNAL_STREAM"].split(":")
        status = os.fstat(stream.fileno())
        return (status.st_dev, status.st_ino) == (int(device), int(inode))
    except (KeyError, ValueError, OSError):
        return False
