# SPDX-License-Identifier: GPL-3.0-or-later
"""``mediaserver remove``: removes a torrent, its links and its entry of the library together, and restores them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

from mediaserver._core.errors import InvalidValue
from mediaserver.command import import_session, words
from mediaserver.command.frame import Context, Exit, Outcome, WrongArgument, list_schema, object_schema
from mediaserver.importer.holdings import Choice
from mediaserver.importer.problem import shown
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
    with import_session.journal_on(arguments.json), import_session.alone(session):
        now = session.clock.time()
        # What was interrupted is completed first.
        session.transmission_service.ask(lambda: session.removals.complete(now), session.clock.monotonic())
        if arguments.undo:
            return _undo(session, arguments.name)
        return _remove(session, arguments, context)


def _undo(session: Runner, name: str) -> Outcome:
    manifest = session.removals.find(name)
    session.transmission_service.ask(lambda: session.removals.restore(manifest), session.clock.monotonic())
    lines = [f"{shown(manifest.name)} is restored"]
    lines += [
        f"{shown(one.name)} has no .torrent file, so Transmission does not have it again"
        for one in manifest.torrents
        if not one.metainfo
    ]
    return _outcome(manifest.name, "restored", 0, [one.name for one in manifest.torrents], manifest, lines)


def _remove(session: Runner, arguments: argparse.Namespace, context: Context) -> Outcome:
    choice = _choice(session, arguments.name, now=arguments.now)
    if choice is None:
        return _delete(session, arguments, context)
    names = [one.name for one in choice.torrents]
    if not _agreed(arguments, context, _preview(choice, now=arguments.now)):
        return _outcome(choice.name, "nothing", 0, names, choice, NOTHING, Exit.ATTENTION)
    clock = session.clock
    removal = session.removals.erase if arguments.now else session.removals.remove
    session.transmission_service.ask(lambda: removal(choice, clock.time()), clock.monotonic())
    inform_removed(session, choice.library)
    if arguments.now:
        lines = [f"{shown(choice.name)} is deleted, which frees {words.size(choice.frees)}"]
        return _outcome(choice.name, "deleted", choice.frees, names, choice, lines)
    lines = [
        f"{shown(choice.name)} is removed. In seven days that frees {words.size(choice.frees)}; until then"
        f" `sudo mediaserver remove --undo '{shown(choice.name)}'` restores it"
    ]
    return _outcome(choice.name, "removed", choice.frees, names, choice, lines)


def _delete(session: Runner, arguments: argparse.Namespace, context: Context) -> Outcome:
    """Delete what was removed before."""
    manifest = session.removals.find(arguments.name)
    names = [one.name for one in manifest.torrents]
    preview = [f"{shown(manifest.name)}: {words.size(manifest.frees)}, removed before. It is deleted at once."]
    if not _agreed(arguments, context, preview):
        return _outcome(manifest.name, "nothing", 0, names, manifest, NOTHING, Exit.ATTENTION)
    session.removals.delete(manifest)
    lines = [f"{shown(manifest.name)} is deleted, which frees {words.size(manifest.frees)}"]
    return _outcome(manifest.name, "deleted", manifest.frees, names, manifest, lines)


def _agreed(arguments: argparse.Namespace, context: Context, preview: Sequence[str]) -> bool:
    if arguments.yes:
        return True
    for line in preview:
        context.show(line)
    return context.ask("Remove this? [y/N] ").strip().lower() in ("y", "yes")


def _choice(session: Runner, name: str, *, now: bool) -> Choice | None:
    """Return what is to be removed; None for something that was removed before and is to be deleted now."""
    try:
        return read_holdings(session).choose(name)
    except InvalidValue:
        if not now:
            raise
        session.removals.find(name)
        return None


def _preview(choice: Choice, *, now: bool) -> list[str]:
    lines = [f"{shown(choice.name)}: {words.size(choice.frees)}"]
    lines += [f"  torrent   {shown(one.name)}" for one in choice.torrents]
    for title, paths in (("library", choice.library), ("download", choice.downloads), ("stays", choice.stays)):
        lines += [f"  {title:<9} {shown(path, 1000)}" for path in paths[:LISTED]]
        if len(paths) > LISTED:
            lines.append(f"  {title:<9} and {len(paths) - LISTED} more files")
    lines.append("It is deleted at once." if now else "It can be restored for seven days.")
    return lines


def _outcome(
    name: str,
    done: str,
    frees: int,
    torrents: Sequence[str],
    paths: object,
    lines: Sequence[str],
    code: int = Exit.OK,
) -> Outcome:
    data = {
        "name": shown(name),
        "done": done,
        "frees": frees,
        "torrents": [shown(one) for one in torrents],
        "library": [shown(one, 1000) for one in getattr(paths, "library", ())],
        "downloads": [shown(one, 1000) for one in getattr(paths, "downloads", ())],
    }
    return Outcome(data, lines, code)
