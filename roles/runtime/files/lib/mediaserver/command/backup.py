# SPDX-License-Identifier: GPL-3.0-or-later
"""``mediaserver backup``: keep settings, databases, keys and state in the repository, as cron does each night."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Mapping
from typing import Any

from mediaserver import journal
from mediaserver._core.errors import MediaserverError, reason
from mediaserver.backup.repository import BackupOff
from mediaserver.backup.run import MANUAL, SCHEDULED, BackupRun, Choice, Result
from mediaserver.command.frame import Context, Exit, Outcome, list_schema, object_schema

NAME = "backup"
HELP = "make a backup now, as each night (sudo)"
DESCRIPTION = (
    "Keeps what the household cannot get again: settings, databases (copied while their services run, and checked),\n"
    "keys, torrents with their progress, the state of the import, and the inventory folder. Media and downloads are\n"
    "not in it. It compares the snapshot with what was there before, removes old snapshots as upkeep_backup_keep\n"
    "says, and once a week reads a tenth of the repository. docs/backup.md says where the repository is and what it\n"
    "survives."
)
EXIT_CODES: Mapping[int, str] = {
    Exit.OK: "the backup is complete",
    Exit.ATTENTION: "there is a backup, and something needs attention; or there is no place for one",
}
SCHEMA = object_schema(
    {
        "made": {"type": "boolean", "description": "false where there is no place for a backup"},
        "off": {"type": "string", "description": "why there is no place; else empty"},
        "snapshot": {"type": "string"},
        "repository": {"type": "string", "description": "without name and password"},
        "survives": {"type": "string"},
        "files": {"type": "integer"},
        "databases": {"type": "integer"},
        "absent": list_schema({"type": "string"}, description="sources that do not exist yet"),
        "faults": list_schema(
            object_schema({"path": {"type": "string"}, "service": {"type": "string"}, "text": {"type": "string"}}),
            description="what the check of a database's copy has found; the copy is kept",
        ),
        "removed": {"type": "integer", "description": "old snapshots"},
        "checked": {"type": "string", "description": "the part of the repository that was read; else empty"},
        "problems": list_schema({"type": "string"}),
    }
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quiet", action="store_true", help="print problems only, as for cron")
    parser.add_argument(
        "--accept-missing", action="store_true", help="what is gone since the last backup was removed on purpose"
    )
    parser.add_argument(
        "--new-repository", action="store_true", help="begin a repository where an earlier one has vanished"
    )
    parser.add_argument("--check", action="store_true", help="check the repository now, not only once a week")


def run(arguments: argparse.Namespace, context: Context) -> Outcome:
    context.require_root(NAME)
    choice = Choice(arguments.accept_missing, arguments.new_repository, arguments.check)
    try:
        # Its lines for the journal are no part of the result.
        with contextlib.redirect_stdout(sys.stderr):
            result = BackupRun(context.root).run(SCHEDULED if arguments.quiet else MANUAL, choice)
    except BackupOff as error:
        text = f"no backup is made: {error}"
        return Outcome(_data(Result("", "", ""), off=str(error)), [text], Exit.ATTENTION)
    except (MediaserverError, OSError) as error:
        if arguments.quiet:
            journal.error(reason(error))
        raise
    is_well = not result.faults and not result.problems
    lines = _problem_lines(result) if arguments.quiet else lines_of(result)
    return Outcome(_data(result), lines, Exit.OK if is_well else Exit.ATTENTION)


def _data(result: Result, off: str = "") -> dict[str, Any]:
    return {
        "made": not off,
        "off": off,
        "snapshot": result.snapshot,
        "repository": result.where,
        "survives": result.survives,
        "files": result.files,
        "databases": result.databases,
        "absent": result.absent,
        "faults": result.faults,
        "removed": result.removed,
        "checked": result.checked,
        "problems": result.problems,
    }


def lines_of(result: Result) -> list[str]:
    made = [
        f"snapshot {result.snapshot[:8]} at {result.where}: {result.files} files, {result.databases} databases",
        f"it survives: {result.survives}",
    ]
    made += [f"{result.removed} old snapshots were removed"] * bool(result.removed)
    made += [f"part {result.checked} of the repository was read, without a fault"] * bool(result.checked)
    return made + _problem_lines(result)


def _problem_lines(result: Result) -> list[str]:
    return [f"{one['path']}: {one['text']}; its copy is kept as it is" for one in result.faults] + result.problems
