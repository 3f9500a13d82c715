# SPDX-License-Identifier: GPL-3.0-or-later
"""vpn-verify: shows on the running host that no packet leaves past the tunnel. Changes nothing but drop counters."""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
from collections.abc import Callable, Sequence
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


def main(
    arguments: Sequence[str],
    *,
    root: Path,
    checks: Callable[[Verification], dict[str, Callable[[], str]]] = Verification.checks,
    lock: Path = VERIFY_LOCK,
) -> int:
    """Do every check, print a line for each; return how many failed, 100 at the most."""
    parser = argparse.ArgumentParser(prog="vpn-verify", description="Shows that nothing leaves past the tunnel.")
    parser.add_argument("--address-page", required=True, metavar="URL", help="answers with the caller's address")
    parser.add_argument("--target", default=NOWHERE, metavar="IPV4", help="where the packets go that must not get out")
    chosen = parser.parse_args(arguments)
    try:
        with contextlib.ExitStack() as stack:
            # Each counts the packets that the barriers drop meanwhile; those of another one would pass for its own.
            if lock.parent.is_dir():
                stack.enter_context(files.locked(lock))
            return _verify(checks(Verification(root, chosen.address_page, chosen.target)))
    except OSError as error:
        print(f"vpn-verify: {lock} cannot be used: {error}; it has to run as root", file=sys.stderr)
        return 1


def _verify(checks: dict[str, Callable[[], str]]) -> int:
    failed = 0
    for name, check in checks.items():
        try:
            print(f"ok    {name}: {check()}")
        except (MediaserverError, OSError, ValueError, subprocess.TimeoutExpired) as error:
            failed += 1
            print(f"FAIL  {name}: {in_words(error)}")
    print(
        f"{failed} of the checks failed" if failed else "all checks passed", file=sys.stderr if failed else sys.stdout
    )
    return min(failed, 100)
