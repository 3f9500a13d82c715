# SPDX-License-Identifier: GPL-3.0-or-later
"""``mediaserver refetch``: downloads the torrents of a dead media disk again, onto the same library paths."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from mediaserver.command import import_session, words
from mediaserver.command.frame import Context, Exit, Outcome, list_schema, object_schema
from mediaserver.importer import refetch
from mediaserver.importer.access import NotNow
from mediaserver.importer.problem import shown
from mediaserver.importer.runner import Runner

NAME = "refetch"
HELP = "download everything of a dead media disk again, onto the same library paths (sudo)"
DESCRIPTION = (
    "For a new media disk, after the run of the playbook that has mounted it. Each torrent whose files are gone is\n"
    "downloaded again, and the import gives each file the path in the library that it had, so that what was watched\n"
    "stays watched. Files that were copied to the new disk are verified and completed. What no torrent brings back is\n"
    "listed by name. Torrents whose files were removed from the present disk are left alone."
)
EXIT_CODES: Mapping[int, str] = {
    Exit.OK: "everything is there, or downloads again; with --dry-run, it would",
    Exit.ATTENTION: "nothing was done, because the question was not answered with yes; or something has no torrent",
}
SCHEMA = object_schema(
    {
        "done": {"enum": ["nothing", "begun"]},
        "download": list_schema({"type": "string"}, description="torrents that download again as a whole"),
        "verify": list_schema({"type": "string"}, description="torrents of which a part is on the new disk"),
        "copied": list_schema({"type": "string"}, description="whole torrents that are imported again"),
        "no_torrent_file": list_schema({"type": "string"}, description="torrents that cannot be added again"),
        "removed": list_schema({"type": "string"}, description="torrents whose files were removed from this disk"),
        "without_torrent": list_schema({"type": "string"}, description="files of the library, below mediaserver_media"),
        "bytes": {"type": "integer", "description": "to be downloaded"},
        "free": {"type": "integer", "description": "bytes on the media disk"},
        "notes": list_schema({"type": "string"}, description="what could not be found out, and why"),
    }
)
# Names that are listed before the question.
LISTED = 20
NOTHING = "nothing was changed; to download without a question, add --yes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="show what would be downloaded, and change nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def run(arguments: argparse.Namespace, context: Context) -> Outcome:
    session = import_session.prepare(context, NAME)
    with import_session.journal_on(arguments.json), import_session.alone(session):
        if not arguments.dry_run:
            # Those of an interrupted run first: Transmission does not have them now.
            session.transmission_service.ask(session.notes.complete, session.clock.monotonic())
        made = _plan(session)
        lines = _lines(made)
        if arguments.dry_run or not made.of(refetch.LOST, refetch.PARTIAL, refetch.COPIED):
            if not arguments.dry_run:
                refetch.write_missing(session.settings, made.without)
            return _outcome(made, "nothing", lines, attention=_lacks(made))
        refetch.require_room(made)
        if not _agreed(arguments, context, lines):
            return _outcome(made, "nothing", [NOTHING], attention=True)
        begun = refetch.begin(session, made)
    lines = [*(lines if arguments.yes else []), f"{len(begun)} torrents download now. `mediaserver status` shows them"]
    return _outcome(made, "begun", lines, attention=_lacks(made))


def _plan(session: Runner) -> refetch.Plan:
    listed: set[str] = set()
    notes = []
    jellyfin = session.jellyfin
    if jellyfin is not None:
        try:
            listed = session.jellyfin_service.ask(jellyfin.all_files, session.clock.monotonic())
        except NotNow as error:
            notes.append(f"What Jellyfin lists is not known, so what has no torrent may be incomplete: {error}")
    return refetch.plan(session, listed, tuple(notes))


def _lacks(made: refetch.Plan) -> bool:
    return bool(made.without or made.of(refetch.NO_FILE))


def _agreed(arguments: argparse.Namespace, context: Context, lines: list[str]) -> bool:
    if arguments.yes:
        return True
    for line in lines:
        context.show(line)
    return context.ask("Download this again? [y/N] ").strip().lower() in ("y", "yes")


def _lines(made: refetch.Plan) -> list[str]:
    lost, partial = made.of(refetch.LOST), made.of(refetch.PARTIAL)
    lines = [
        f"{len(lost)} torrents download again, {len(partial)} are verified and completed:"
        f" {words.size(made.needed)}, and {words.size(made.free)} are free"
    ]
    groups = (
        ("again", [one.name for one in lost]),
        ("completed", [one.name for one in partial]),
        ("imported again", [one.name for one in made.of(refetch.COPIED)]),
        ("no .torrent file", [one.name for one in made.of(refetch.NO_FILE)]),
        ("removed before", [one.name for one in made.of(refetch.DELETED)]),
    )
    for title, names in groups:
        lines += [f"  {title:<16} {shown(name)}" for name in names[:LISTED]]
        if len(names) > LISTED:
            lines.append(f"  {title:<16} and {len(names) - LISTED} more")
    # All of them: what is lost for good is not abridged.
    lines += [f"  {'no torrent':<16} {shown(path, 1000)}" for path in made.without]
    return [*lines, *made.notes]


def _outcome(made: refetch.Plan, done: str, lines: list[str], *, attention: bool) -> Outcome:
    def names(state: str) -> list[str]:
        return [shown(one.name) for one in made.of(state)]

    data = {
        "done": done,
        "download": names(refetch.LOST),
        "verify": names(refetch.PARTIAL),
        "copied": names(refetch.COPIED),
        "no_torrent_file": names(refetch.NO_FILE),
        "removed": names(refetch.DELETED),
        "without_torrent": [shown(path, 1000) for path in made.without],
        "bytes": made.needed,
        "free": made.free,
        "notes": list(made.notes),
    }
    return Outcome(data, lines, Exit.ATTENTION if attention else Exit.OK)
