# SPDX-License-Identifier: GPL-3.0-or-later
"""The command ``mediaserver``: parses the arguments, runs a subcommand and prints its outcome."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from mediaserver._core.errors import MediaserverError, reason
from mediaserver.command.frame import Context, Exit, Line, Outcome, Subcommand, WrongArgument, exit_codes

PROGRAM = "mediaserver"
DESCRIPTION = "Shows and controls the household media server on this host."
PACKAGE = "mediaserver.command"
# The module of each subcommand of subcommands.SUBCOMMANDS. Only the one that is called is imported: each of them brings
# a part of the host's programs, and all together take twice as long to start.
MODULES = {
    "status": "status",
    "import": "import_torrents",
    "space": "space",
    "remove": "remove",
    "restore": "restore",
    "refetch": "refetch",
    "health": "health",
    "backup": "backup",
    "card": "card",
    "updates": "updates",
    "verify": "verify",
    "logs": "logs",
    "doctor": "doctor",
    "version": "version",
}
# Of states (ECMA-48, Select Graphic Rendition).
COLOURS = {"ok": "32", "warning": "33", "bad": "1;31"}
INTERRUPTED = 130  # 128 and SIGINT, as of a program that a shell ended


def epilog(subcommand: Subcommand) -> str:
    return "exit codes:\n" + "\n".join(f"  {code:<4}{text}" for code, text in exit_codes(subcommand).items())


def needed(arguments: Sequence[str]) -> Sequence[Subcommand]:
    """Return the subcommand that is called; all of them for --help, and to name them after a wrong call."""
    module = MODULES.get(arguments[0]) if arguments else None
    if module:
        return [cast("Subcommand", importlib.import_module(f"{PACKAGE}.{module}"))]
    return cast("Sequence[Subcommand]", importlib.import_module(f"{PACKAGE}.subcommands").SUBCOMMANDS)


def make_parser(subcommands: Sequence[Subcommand]) -> argparse.ArgumentParser:
    """Return the parser of the whole command."""
    parser = argparse.ArgumentParser(prog=PROGRAM, description=DESCRIPTION)
    commands = parser.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")
    for one in subcommands:
        own = commands.add_parser(
            one.NAME,
            help=one.HELP,
            description=one.DESCRIPTION,
            epilog=epilog(one),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        own.add_argument("--json", action="store_true", help="print the result as JSON")
        one.add_arguments(own)
    return parser


def main(
    arguments: Sequence[str],
    *,
    root: Path,
    subcommands: Sequence[Subcommand] | None = None,
    context: Context | None = None,
) -> int:
    """Run one subcommand and return its exit code."""
    subcommands = subcommands or needed(arguments)
    chosen = make_parser(subcommands).parse_args(arguments)
    subcommand = next(one for one in subcommands if chosen.subcommand == one.NAME)
    try:
        outcome = subcommand.run(chosen, context or Context(root))
        _print(outcome, as_json=chosen.json)
        return outcome.exit_code
    except BrokenPipeError:
        # The reader, such as head(1), has ended. Python would complain when it flushes at its own end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except KeyboardInterrupt:
        return INTERRUPTED
    except (MediaserverError, OSError, subprocess.TimeoutExpired) as error:
        text = in_words(error)
        if chosen.json:
            print(json.dumps({"error": text}))
        print(f"{PROGRAM} {subcommand.NAME}: {text}", file=sys.stderr)
        return Exit.USAGE if isinstance(error, WrongArgument) else Exit.FAILED


def coloured(line: str) -> str:
    colour = COLOURS.get(line.state) if isinstance(line, Line) else None
    return f"\033[{colour}m{line}\033[0m" if colour else line


def in_words(error: BaseException) -> str:
    if isinstance(error, subprocess.TimeoutExpired):
        command = error.cmd if isinstance(error.cmd, str) else " ".join(map(str, error.cmd))
        return f"{command} has not ended after {error.timeout:g} s"
    return reason(error)


def _print(outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(outcome.data, indent=2))
    else:
        # Source of the variable: https://no-color.org/.
        in_colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        for line in outcome.lines:
            print(coloured(line) if in_colour else line)
    sys.stdout.flush()
