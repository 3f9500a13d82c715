# SPDX-License-Identifier: GPL-3.0-or-later
"""vpn-verify: shows on the running host that no packet leaves past the tunnel. Changes nothing but drop counters."""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mediaserver._core import files
from mediaserver._core.errors import MediaserverError, reason
from mediaserver._core.names import VERIFY_LOCK
from mediaserver.verify.checks import NOWHERE, Verification


def in_words(error: Exception) -> str:
    """Return what a check found, or why it could not be made, without the numbers and reprs of Python's own texts."""
    if isinstance(error, subprocess.TimeoutExpired):
        command = error.cmd if isinstance(error.cmd, str) else " ".join(map(str, error.cmd))
        return f"it could not be checked: {command} has not ended after {error.timeout:g} s"
    if isinstance(error, OSError):
        return f"it could not be checked: {reason(error)}"
    return str(error)


@dataclass(frozen=True)
class Result:
    """The result of one check."""

    check: str
    passed: bool
    text: str

    @property
    def line(self) -> str:
        return f"{'ok   ' if self.passed else 'FAIL '} {self.check}: {self.text}"


Checks = Callable[[Verification], dict[str, Callable[[], str]]]


def results(
    verification: Verification, *, checks: Checks = Verification.checks, lock: Path = VERIFY_LOCK
) -> Iterator[Result]:
    """Make each check and yield its result. Raises OSError where the lock cannot be used."""
    with contextlib.ExitStack() as stack:
        # Each counts the packets that the barriers drop meanwhile; those of another one would pass for its own.
        if lock.parent.is_dir():
            stack.enter_context(files.locked(lock))
        for name, check in checks(verification).items():
            try:
                result = Result(name, True, check())
            except (MediaserverError, OSError, ValueError, subprocess.TimeoutExpired) as error:
                result = Result(name, False, in_words(error))
            yield result


def summary(failed: int) -> str:
    return f"{failed} of the checks failed" if failed else "all checks passed"


def exit_code(failed: int) -> int:
    return min(failed, 100)


def main(
    arguments: Sequence[str],
    *,
    root: Path,
    checks: Checks = Verification.checks,
    lock: Path = VERIFY_LOCK,
) -> int:
    """Do every check, print a line for each; return how many failed, 100 at the most."""
    parser = argparse.ArgumentParser(prog="vpn-verify", description="Shows that nothing leaves past the tunnel.")
    parser.add_argument("--address-page", required=True, metavar="URL", help="answers with the caller's address")
    parser.add_argument("--target", default=NOWHERE, metavar="IPV4", help="where the packets go that must not get out")
    chosen = parser.parse_args(arguments)
    failed = 0
    try:
        for result in results(Verification(root, chosen.address_page, chosen.target), checks=checks, lock=lock):
            failed += not result.passed
            print(result.line)
    except OSError as error:
        print(f"vpn-verify: {lock} cannot be used: {error}; it has to run as root", file=sys.stderr)
        return 1
    print(summary(failed), file=sys.stderr if failed else sys.stdout)
    return exit_code(failed)
