# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets in another network namespace: made there, used from here (setns(2) moves one thread only)."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Made = TypeVar("Made")


def inside(pid: int, make: Callable[[], Made]) -> Made:
    """Return what ``make`` makes in the network namespace of process ``pid``. Raises OSError, and what it raises."""
    made: list[Made] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            descriptor = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.setns(descriptor, os.CLONE_NEWNET)
            finally:
                os.close(descriptor)
            made.append(make())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return made[0]


def identity(pid: int) -> int:
    """Return the number of the network namespace of a process; 0 when there is no such process."""
    try:
        return Path(f"/proc/{pid}/ns/net").stat().st_ino if pid else 0
    except OSError:
        return 0
