# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes docs/command.md and the bash completion from the parser of the command ``mediaserver``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "roles" / "runtime" / "files" / "lib")]

from mediaserver.command import completion  # noqa: E402  (the path above must be set first)
from mediaserver.command.frame import Subcommand, exit_codes  # noqa: E402
from mediaserver.command.program import make_parser  # noqa: E402
from mediaserver.command.subcommands import SUBCOMMANDS  # noqa: E402

INTRODUCTION = """\
# The command mediaserver

`mediaserver` is installed on the Pi for every account. Each subcommand has `--help`, and `--json` for programs. An
error is one line on standard error and exit code 1, or 2 for a wrong argument; with `--json` it is also printed as
`{"error": "…"}`.
"""
END = "<!-- Written from roles/runtime/files/lib/mediaserver/command by `make docs`. -->\n"
# Columns of the usage lines; argparse takes the terminal's width otherwise.
WIDTH = "100"


def overview(subcommands: tuple[Subcommand, ...]) -> str:
    rows = [f"| [`{one.NAME}`](#mediaserver-{one.NAME}) | {one.HELP} |" for one in subcommands]
    return "\n".join(["| subcommand | what it shows or does |", "| --- | --- |", *rows]) + "\n"


def section(subcommand: Subcommand, parser: argparse.ArgumentParser) -> str:
    """Return the section of one subcommand."""
    usage = parser.format_usage().removeprefix("usage: ").rstrip()
    arguments = [
        f"| `{name_of(action)}` | {cell(action.help or '')} |" for action in parser._actions if action.dest != "help"
    ]
    codes = [f"| {code} | {text} |" for code, text in exit_codes(subcommand).items()]
    parts = [
        f"## mediaserver {subcommand.NAME}\n",
        subcommand.DESCRIPTION + "\n",
        f"```text\n{usage}\n```\n",
        "\n".join(["| argument | meaning |", "| --- | --- |", *arguments]) + "\n",
        "\n".join(["| exit code | meaning |", "| --- | --- |", *codes]) + "\n",
        "The result with `--json`, as JSON Schema:\n",
        f"```json\n{json.dumps(subcommand.SCHEMA, indent=1)}\n```\n",
    ]
    return "\n".join(parts)


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("%%", "%")


def name_of(action: argparse.Action) -> str:
    metavar = str(action.metavar or action.dest.upper())
    if not action.option_strings:
        return metavar
    return ", ".join(action.option_strings) + ("" if action.nargs == 0 else f" {metavar}")


def page(subcommands: tuple[Subcommand, ...] = SUBCOMMANDS) -> str:
    """Return the whole page."""
    os.environ["COLUMNS"] = WIDTH
    parsers = completion.subparsers(make_parser(subcommands))
    return "\n".join(
        [INTRODUCTION, overview(subcommands), *(section(one, parsers[one.NAME]) for one in subcommands), END]
    )


def targets() -> dict[Path, str]:
    """Return the files that are written, with their contents."""
    return {
        ROOT / "docs" / "command.md": page(),
        ROOT / "roles" / "runtime" / "files" / "completion" / "mediaserver.bash": completion.script(
            make_parser(SUBCOMMANDS)
        ),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is not current")
    check = parser.parse_args().check
    stale = {
        path: text for path, text in targets().items() if not path.exists() or path.read_text(encoding="utf-8") != text
    }
    for path, text in stale.items():
        print(path.relative_to(ROOT))
        if not check:
            path.write_text(text, encoding="utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
