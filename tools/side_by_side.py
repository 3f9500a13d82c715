# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the parts of a check in parallel and prints their outputs one after the other.

    python tools/side_by_side.py [--log FILE] <PARTS

Each line of standard input is one part, "name: command" or "name after other, another: command"; the shell runs the
command. A part starts when the parts after its "after" have passed. Outputs are printed in the order of the lines; that
of the current part is printed while it runs. After a failure no further part starts. The exit status is 0 when every
part has passed. An interrupt is sent to the parts that run.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

PAUSE_S = 0.1
# Seconds that an interrupted part has for its cleanup before the next signal.
GRACE_S = {signal.SIGINT: 30.0, signal.SIGTERM: 10.0, signal.SIGKILL: 10.0}
LINE = re.compile(r"(?P<name>[\w-]+)(?: after (?P<after>[\w-]+(?:, [\w-]+)*))?: (?P<command>\S.*)")


class PlanError(Exception):
    """The list of parts is not valid; the text gives the reason."""


@dataclass
class Part:
    """One command: the parts that must have passed before it, its output file, and its result."""

    name: str
    command: str
    after: tuple[str, ...] = ()
    output: Path = Path(os.devnull)
    process: subprocess.Popen[bytes] | None = None
    begun: float = 0.0
    seconds: float = 0.0
    status: int | None = field(default=None)

    def start(self, folder: Path) -> None:
        self.output = folder / self.name
        self.begun = time.monotonic()
        with self.output.open("wb") as file:
            # A new session: the whole process group can be stopped, and the terminal's interrupt arrives only once.
            self.process = subprocess.Popen(
                ["sh", "-c", self.command],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def ended(self) -> bool:
        if self.process is not None and self.status is None and self.process.poll() is not None:
            self.status = self.process.returncode
            self.seconds = time.monotonic() - self.begun
        return self.status is not None

    @property
    def runs(self) -> bool:
        return self.process is not None and not self.ended()

    def signal(self, number: int) -> None:
        """Send a signal to every process of the part."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def has_processes(self) -> bool:
        """Return whether a process of the part still runs; zombies do not count, as init may reap them late."""
        assert self.process is not None
        self.ended()
        for file in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                state, _parent, group = file.read_text(errors="replace").rpartition(")")[2].split()[:3]
                if int(group) == self.process.pid and state not in "ZX":
                    return True
        return False


def parse(lines: Iterable[str]) -> list[Part]:
    """Parse the parts. Raises PlanError for an invalid line, a duplicate name, or a part after an unknown one."""
    parts: dict[str, Part] = {}
    for line in filter(None, map(str.strip, lines)):
        found = LINE.fullmatch(line)
        if found is None:
            raise PlanError(f"{line!r} is not a part: expected 'name: command' or 'name after other: command'")
        name, after = found["name"], tuple((found["after"] or "").split(", ")) if found["after"] else ()
        if name in parts:
            raise PlanError(f"{line!r}: two parts have the name {name}; give each part its own name")
        if unknown := [other for other in after if other not in parts]:
            raise PlanError(f"{line!r}: {unknown[0]} is not a part on an earlier line; move {name} below it")
        parts[name] = Part(name, found["command"], after)
    return list(parts.values())


class Printer:
    """Prints the output of the parts so far, in order and never mixed."""

    def __init__(self, parts: list[Part], write: Callable[[bytes], None]) -> None:
        self._parts = list(parts)
        self._write = write
        self._file: BinaryIO | None = None

    def print_new(self) -> None:
        while self._parts and self._parts[0].process is not None:
            part = self._parts[0]
            if self._file is None:
                self._write(f"==> {part.name}: {part.command}\n".encode())
                self._file = part.output.open("rb")
            ended = part.ended()  # before reading, so that the last output is not missed
            while text := self._file.read(65536):
                self._write(text)
            if not ended:
                return
            self._file.close()
            self._file = None
            how = "passed" if part.status == 0 else f"FAILED with status {part.status}"
            self._write(f"==> {part.name} {how} after {part.seconds:.0f} s\n".encode())
            self._parts.pop(0)

    def finish(self) -> None:
        """Print the remaining output, without the parts that were not started."""
        self._parts = [part for part in self._parts if part.process is not None]
        self.print_new()


def run(parts: list[Part], folder: Path, write: Callable[[bytes], None], interrupted: Callable[[], bool]) -> bool:
    """Run all parts; return whether every one has passed. ``interrupted`` stops them."""
    printer = Printer(parts, write)
    passed: set[str] = set()
    try:
        while not interrupted():
            passed |= {part.name for part in parts if part.ended() and part.status == 0}
            failed = any(part.status for part in parts)
            for part in parts:
                if part.process is None and not failed and passed.issuperset(part.after):
                    part.start(folder)
            printer.print_new()
            if not any(part.runs for part in parts) and (failed or len(passed) == len(parts)):
                break
            time.sleep(PAUSE_S)
    finally:
        stop(parts)
        printer.finish()
        if left_out := [part.name for part in parts if part.process is None]:
            write(f"==> not started: {', '.join(left_out)}\n".encode())
    return len(passed) == len(parts)


def stop(parts: list[Part]) -> None:
    """Stop the parts that run, with SIGINT first. A part has ended when its last process has."""
    running = [part for part in parts if part.runs]
    for number, seconds in GRACE_S.items():
        for part in running:
            part.signal(number)
        deadline = time.monotonic() + seconds
        while (running := [part for part in running if part.has_processes()]) and time.monotonic() < deadline:
            time.sleep(PAUSE_S)


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the parts of a check, read from standard input, in parallel.")
    parser.add_argument("--log", type=Path, default=Path(os.devnull), help="a file that gets the same output")
    given = parser.parse_args()
    try:
        parts = parse(sys.stdin)
    except PlanError as error:
        print(f"side_by_side: {error}", file=sys.stderr)
        return 2
    received: list[int] = []
    # Only recorded: an exception could occur between the start of a part and the assignment of its process.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _frame: received.append(number))
    with given.log.open("ab") as log, tempfile.TemporaryDirectory() as folder:

        def write(text: bytes) -> None:
            log.write(text)
            log.flush()
            with suppress(BrokenPipeError):
                sys.stdout.buffer.write(text)
                sys.stdout.buffer.flush()

        passed = run(parts, Path(folder), write, lambda: bool(received))
    return 128 + received[0] if received else int(not passed)


if __name__ == "__main__":
    sys.exit(main())
