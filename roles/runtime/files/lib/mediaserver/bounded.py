# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls with a time limit: a child process makes them, so that one that hangs in the kernel can be left behind.

A thread could not be ended, and would keep this process from its own end. Where no call hangs, there is one child.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

# Seconds in which a killed child normally is gone. One that waits for a dead disk stays, and is not waited for.
END_S = 1.0
LENGTH = struct.Struct("!I")


@dataclass(frozen=True)
class Job:
    """A call without arguments. Its value must survive pickle."""

    name: str
    call: Callable[[], Any]
    limit_s: float


@dataclass(frozen=True)
class Result:
    """What a call has returned, or why there is no value: ``late``, or the words of an unexpected error."""

    name: str
    value: Any = None
    late: bool = False
    error: str = ""

    @property
    def ok(self) -> bool:
        return not self.late and not self.error


def each(jobs: Sequence[Job], *, total_s: float) -> Iterator[Result]:
    """Yield the result of each call, in order. After ``total_s`` seconds, the rest is late without a try."""
    end = time.monotonic() + total_s
    left = list(jobs)
    while left:
        if time.monotonic() >= end:
            yield from (Result(job.name, late=True) for job in left)
            return
        child = _Child(left)
        try:
            while left:
                job = left.pop(0)
                found = child.result(job, min(job.limit_s, end - time.monotonic()))
                yield found
                if found.late or child.gone:
                    break
        finally:
            child.end()


def one(call: Callable[[], Any], limit_s: float) -> Result:
    """Return the result of one call."""
    return next(each([Job("", call, limit_s)], total_s=limit_s + END_S))


class _Child:
    """The process that makes the calls, one after another, and sends each result when it has it."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        self._pipe, theirs = os.pipe()
        self.gone = False
        self._pid = os.fork()
        if self._pid == 0:
            _work(jobs, theirs)
        os.close(theirs)

    def result(self, job: Job, limit_s: float) -> Result:
        end = time.monotonic() + limit_s
        length = self._read(LENGTH.size, end)
        body = None if length is None else self._read(LENGTH.unpack(length)[0], end)
        if body is None:
            if self.gone:
                return Result(job.name, error="its process ended")
            return Result(job.name, late=True)
        value, error = pickle.loads(body)
        return Result(job.name, value, error=error)

    def _read(self, size: int, end: float) -> bytes | None:
        """Return so many bytes; None when they have not come in time, or the child is gone."""
        found = b""
        while len(found) < size:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._pipe], [], [], left)[0]:
                return None
            piece = os.read(self._pipe, size - len(found))
            if not piece:
                self.gone = True
                return None
            found += piece
        return found

    def end(self) -> None:
        """Kill the child with what it has started."""
        os.close(self._pipe)
        with suppress(OSError):
            os.killpg(self._pid, signal.SIGKILL)
        with suppress(OSError):
            os.kill(self._pid, signal.SIGKILL)
        end = time.monotonic() + END_S
        while time.monotonic() < end:
            with suppress(ChildProcessError):
                if os.waitpid(self._pid, os.WNOHANG)[0] == 0:
                    time.sleep(0.01)
                    continue
            return


def _work(jobs: Sequence[Job], pipe: int) -> None:
    """Make the calls and end the process. It keeps no lock of its parent: flock(2) ends with the last descriptor."""
    try:
        os.setsid()
        os.closerange(3, pipe)
        os.closerange(pipe + 1, 1024)
        for job in jobs:
            value, error = None, ""
            try:
                value = job.call()
            except Exception as failure:
                error = f"{type(failure).__name__}: {failure}"
            body = pickle.dumps((value, error))
            _send(pipe, LENGTH.pack(len(body)) + body)
    except BaseException:
        os._exit(1)
    os._exit(0)


def _send(pipe: int, text: bytes) -> None:
    while text:
        text = text[os.write(pipe, text) :]
