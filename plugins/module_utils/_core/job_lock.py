# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The one lock of site.yml, backup, restore and upgrade: none of them works while another one does.

A program on the host holds the lock of the file (flock(2)), which ends with its process. A playbook has no process on
the host, so it leaves a lease in the file, which ends by its deadline. /run is empty after a boot, and so is the lock.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import time
import typing as t
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass

from . import clock, files
from .errors import MediaserverError
from .names import JOB_LOCK

PATIENCE_S = 600.0
PAUSE_S = 1.0
# The longest lease; a deadline further away is a mistake.
LONGEST_S = 7200.0


class Busy(MediaserverError):
    """Another job has held the lock for longer than this one waits."""


@dataclass(frozen=True)
class Holder:
    """Who holds the lock, in words for people, and since when (seconds since boot).

    ``until``: the end of a lease; 0 for a process, which holds the lock of the file itself. ``controller`` and
    ``process``: where a playbook runs, and its process there.
    """

    name: str
    since: float
    pid: int = 0
    until: float = 0.0
    controller: str = ""
    process: int = 0

    def in_words(self, now: float) -> str:
        minutes = max(int((now - self.since) // 60), 0)
        where = f" on {self.controller}" if self.controller else f" (process {self.pid})" if self.pid else ""
        return f"{self.name}{where}, for {minutes} min"


@dataclass(frozen=True)
class Lease:
    """What a playbook asks for; ``alive``: the processes of its controller, to recognise the lease of a dead one."""

    name: str
    controller: str
    process: int
    alive: Collection[int] = ()
    seconds: float = LONGEST_S


def read(path: files.StrPath = JOB_LOCK) -> Holder | None:
    """Return who is named in the file; None for an empty or damaged one."""
    try:
        data = json.loads(files.read(path) or "")
        return Holder(
            str(data["name"]),
            float(data["since"]),
            int(data.get("pid", 0)),
            float(data.get("until", 0)),
            str(data.get("controller", "")),
            int(data.get("process", 0)),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def is_valid_lease(found: Holder | None, now: float) -> bool:
    """Pure."""
    return found is not None and found.until > now and found.until - now <= LONGEST_S


@contextlib.contextmanager
def held(name: str, *, patience_s: float = PATIENCE_S, path: files.StrPath = JOB_LOCK) -> Iterator[None]:
    """Let this process alone into the block. Raises Busy, which names the holder, and OSError."""
    with _open(path) as stream:
        _wait(stream, path, patience_s, lambda found: False)
        _note(stream, Holder(name, clock.now(), os.getpid()))
        try:
            yield
        finally:
            _note(stream, None)


def take(wanted: Lease, *, patience_s: float = PATIENCE_S, path: files.StrPath = JOB_LOCK) -> None:
    """Leave a lease, in place of one of this playbook or of one that has died. Raises Busy, ValueError, OSError."""
    if not 0 < wanted.seconds <= LONGEST_S:
        raise ValueError(f"a lease of {wanted.seconds:g} s is refused; the longest is {LONGEST_S:g} s")
    with _open(path) as stream:
        _wait(stream, path, patience_s, lambda found: may_replace(found, wanted))
        now = clock.now()
        _note(
            stream,
            Holder(wanted.name, now, 0, now + wanted.seconds, wanted.controller, wanted.process),
        )


def release(controller: str, process: int, *, path: files.StrPath = JOB_LOCK) -> bool:
    """End the lease of this playbook, and say whether there was one. Raises OSError."""
    with _open(path) as stream:
        try:
            files.lock(stream.fileno(), patience=0)
        except TimeoutError:
            return False
        found = read(path)
        if found is None or not found.until or (found.controller, found.process) != (controller, process):
            return False
        _note(stream, None)
        return True


def may_replace(found: Holder, wanted: Lease) -> bool:
    """Say whether a lease is this playbook's own, or of a process that is gone on the same controller. Pure."""
    if found.controller != wanted.controller or not wanted.controller:
        return False
    return found.process == wanted.process or (bool(wanted.alive) and found.process not in wanted.alive)


@contextlib.contextmanager
def _open(path: files.StrPath) -> Iterator[t.TextIO]:
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    # Not truncated: those that wait read the name of the holder.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    with os.fdopen(descriptor, "r+", encoding="utf-8") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path} is not a file")
        yield stream


def _wait(stream: t.TextIO, path: files.StrPath, patience_s: float, replaceable: Callable[[Holder], bool]) -> None:
    """Return with the lock of the file, and no lease in it that counts."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            files.lock(stream.fileno(), patience=0)
        except TimeoutError:
            held_by = read(path)
        else:
            held_by = read(path)
            if not is_valid_lease(held_by, clock.now()) or (held_by and replaceable(held_by)):
                return
            files.unlock(stream.fileno())
        if time.monotonic() >= deadline:
            who = held_by.in_words(clock.now()) if held_by else "another program"
            raise Busy(
                f"another job works on this host: {who}. It was waited for {patience_s / 60:g} min. Run this again when"
                f" it has ended{_lease_end(held_by)}"
            )
        time.sleep(min(PAUSE_S, max(deadline - time.monotonic(), 0.01)))


def _lease_end(found: Holder | None) -> str:
    if found is None or not found.until:
        return ""
    minutes = max(int((found.until - clock.now()) // 60) + 1, 1)
    return f"; if it was interrupted, its lock ends by itself in {minutes} min"


def _note(stream: t.TextIO, holder: Holder | None) -> None:
    stream.seek(0)
    stream.truncate()
    if holder:
        stream.write(json.dumps(asdict(holder)) + "\n")
    stream.flush()
