# SPDX-License-Identifier: GPL-3.0-or-later
"""``mediaserver remove``: removes a torrent, its links and its entry of the library together, and restores them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

from mediaserver._core.errors import InvalidValue
from mediaserver.command import import_session, words
from mediaserver.command.frame import Context, Exit, Outcome, WrongArgument, list_schema, object_schema
from mediaserver.importer.holdings import Choice
from mediaserver.importer.problem import ImportProblem, shown
from mediaserver.importer.removal import Manifest
from mediaserver.importer.runner import Runner
from mediaserver.importer.space import inform_removed, read_holdings

NAME = "remove"
HELP = "remove a torrent, its links and its entry of the library; restorable for seven days (sudo)"
DESCRIPTION = (
    "Shows what it will remove, and asks. NAME is the name or hash of a torrent, or an entry of the library, such as\n"
    "`Film (2020)` or `tv/Show/Season 01`. What is removed is moved to a hidden folder on the same disk, and deleted\n"
    "after seven days; until then `--undo` restores it. `--now` deletes it at once. Files that belong to nothing that\n"
    "was named stay."
)
EXIT_CODES: Mapping[int, str] = {Exit.ATTENTION: "nothing was removed, because the question was not answered with yes"}
SCHEMA = object_schema(
    {
        "name": {"type": "string"},
        "done": {"enum": ["removed", "deleted", "restored", "nothing"]},
        "frees": {"type": "integer", "description": "bytes"},
        "torrents": list_schema({"type": "string"}),
        "library": list_schema({"type": "string"}, description="files, below mediaserver_media"),
        "downloads": list_schema({"type": "string"}, description="files, below mediaserver_downloads"),
    }
)
NOTHING = ("nothing was removed; to remove it without a question, add --yes",)
# Files that are listed before the question.
LISTED = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="a torrent or an entry of the library")
    parser.add_argument("--undo", action="store_true", help="restore what was removed within seven days")
    parser.add_argument("--now", action="store_true", help="delete at once; also what was removed before")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def run(arguments: argparse.Namespace, context: Context) -> Outcome:
    if arguments.undo and arguments.now:
        raise WrongArgument("--undo and --now exclude each other; give one of them")
    session = import_session.prepare(context, NAME)
    with import_session.journal_on(arguments.json):
        with import_session.alone(session):
            # What was interrupted is completed first.
            now = session.clock.time()
            session.transmission_service.ask(lambda: session.removals.complete(now), session.clock.monotonic())
            if arguments.undo:
                return _undo(session, arguments.name)
            if arguments.yes:
                return _remove(session, _target(session, arguments), now=arguments.now)
        # A person may take long to answer, and the import goes on meanwhile.
        target = _target(session, arguments)
        if not _agreed(context, _preview(target, now=arguments.now)):
            return _outcome(target, "nothing", 0, NOTHING, Exit.ATTENTION)
        with import_session.alone(session):
            if _paths(_target(session, arguments)) != _paths(target):
                raise ImportProblem(
                    f"{shown(target.name)} has changed since the question, so nothing was removed. Call it again"
                )
            return _remove(session, target, now=arguments.now)


def _undo(session: Runner, name: str) -> Outcome:
    manifest = session.removals.find(name)
    session.transmission_service.ask(lambda: session.removals.restore(manifest), session.clock.monotonic())
    lines = [f"{shown(manifest.name)} is restored"]
    lines += [
        f"{shown(one.name)} has no .torrent file, so Transmission does not have it again"
        for one in manifest.torrents
        if not one.metainfo
    ]
    return _outcome(manifest, "restored", 0, lines)


def _remove(session: Runner, target: Choice | Manifest, *, now: bool) -> Outcome:
    """Remove what was chosen; delete what was removed before."""
    clock = session.clock
    if isinstance(target, Manifest):
        session.removals.delete(target)
    else:
        removal = session.removals.erase if now else session.removals.remove
        session.transmission_service.ask(lambda: removal(target, clock.time()), clock.monotonic())
        inform_removed(session, target.library)
    if now:
        lines = [f"{shown(target.name)} is deleted, which frees {words.size(target.frees)}"]
        return _outcome(target, "deleted", target.frees, lines)
    lines = [
        f"{shown(target.name)} is removed. In seven days that frees {words.size(target.frees)}; until then"
        f" `sudo mediaserver remove --undo '{shown(target.name)}'` restores it"
    ]
    return _outcome(target, "removed", target.frees, lines)


def _agreed(context: Context, preview: Sequence[str]) -> bool:
    for line in preview:
        context.show(line)
    return context.ask("Remove this? [y/N] ").strip().lower() in ("y", "yes")


def _target(session: Runner, arguments: argparse.Namespace) -> Choice | Manifest:
    """Return what is to be removed; with --now, also something that was removed before."""
    try:
        return read_holdings(session).choose(arguments.name)
    except InvalidValue:
        if not arguments.now:
            raise
        return session.removals.find(arguments.name)


def _paths(target: Choice | Manifest) -> object:
    """Return what a person has agreed to."""
    return [one.hash for one in target.torrents], target.library, target.downloads


def _preview(target: Choice | Manifest, *, now: bool) -> list[str]:
    if isinstance(target, Manifest):
        return [f"{shown(target.name)}: {words.size(target.frees)}, removed before. It is deleted at once."]
    lines = [f"{shown(target.name)}: {words.size(target.frees)}"]
    lines += [f"  torrent   {shown(one.name)}" for one in target.torrents]
    for title, paths in (("library", target.library), ("download", target.downloads), ("stays", target.stays)):
        lines += [f"  {title:<9} {shown(path, 1000)}" for path in paths[:LISTED]]
        if len(paths) > LISTED:
            lines.append(f"  {title:<9} and {len(paths) - LISTED} more files")
    lines.append("It is deleted at once." if now else "It can be restored for seven days.")
    return lines


def _outcome(target: Choice | Manifest, done: str, frees: int, lines: Sequence[str], code: int = Exit.OK) -> Outcome:
    data = {
        "name": shown(target.name),
        "done": done,
        "frees": frees,
        "torrents": [shown(one.name) for one in target.torrents],
        "library": [shown(one, 1000) for one in target.library],
        "downloads": [shown(one, 1000) for one in target.downloads],
    }
    return Outcome(data, lines, code)
