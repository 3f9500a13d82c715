# SPDX-License-Identifier: GPL-3.0-or-later
"""``mediaserver import``: imports finished downloads by hand, or shows what would be done."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from mediaserver._core.errors import InvalidValue
from mediaserver._import.model import KINDS
from mediaserver.command import download_state, import_session
from mediaserver.command.frame import Context, Exit, Outcome, WrongArgument, list_schema, object_schema
from mediaserver.importer import by_hand
from mediaserver.importer.by_hand import Proposal
from mediaserver.importer.problem import shown
from mediaserver.importer.runner import Runner

NAME = "import"
HELP = "import finished downloads into the library now, or show the plan (sudo)"
DESCRIPTION = (
    "Publishes finished downloads as hard links in the library, as the host does by itself when Transmission has\n"
    "finished one. Without a hash it imports what waits. With one it imports that torrent, also when another program\n"
    "has labelled it. `--again` imports also what was deleted from the library, `--existing` what was finished before\n"
    "the import was set up. It runs as the account mediaserver."
)
EXIT_CODES: Mapping[int, str] = {
    Exit.OK: "all of it is in the library and listed by Jellyfin; with --dry-run, it can be planned",
    Exit.ATTENTION: "something waits; `waiting` says why",
}
LINK = object_schema({"source": {"type": "string"}, "target": {"type": "string"}})
PLAN = object_schema(
    {
        "hash": {"type": "string"},
        "name": {"type": "string"},
        "kind": {"enum": ["", *KINDS]},
        "links": list_schema(LINK, description="target: below mediaserver_media"),
        "present": list_schema(LINK, description="in the library already"),
        "left_out": list_schema(download_state.LEFT_OUT),
        "problem": {"type": "string", "description": "why nothing of it can be imported; else empty"},
    }
)
SCHEMA = object_schema(
    {
        "plans": list_schema(PLAN, description="with --dry-run"),
        "waiting": list_schema(download_state.WAITING),
        "arrived": list_schema(download_state.ARRIVED, description="by this run"),
    }
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("hash", nargs="?", default="", metavar="HASH", help="of one torrent, as Transmission shows it")
    parser.add_argument("--dry-run", action="store_true", help="show the plan and change nothing")
    parser.add_argument("--kind", default="", choices=KINDS, help="what it is, in place of what its name says")
    parser.add_argument("--again", action="store_true", help="also what was deleted from the library")
    parser.add_argument("--existing", action="store_true", help="also what was finished before the import was set up")


def run(arguments: argparse.Namespace, context: Context) -> Outcome:
    torrent = _checked(arguments)
    session = import_session.prepare(context, NAME)
    if arguments.dry_run:
        return _show(by_hand.propose(session, torrent, kind=arguments.kind, again=arguments.again))
    begun = session.clock.time()
    # Written before the wait, so that a run that is at work takes them.
    if torrent:
        by_hand.request(session, torrent, kind=arguments.kind, again=arguments.again)
    if arguments.existing:
        by_hand.request_existing(session)
    with import_session.journal_on(arguments.json), import_session.alone(session):
        session.run()
    return _result(session, torrent, begun)


def _checked(arguments: argparse.Namespace) -> str:
    """Return the hash in the form of the import; empty without one. Raises WrongArgument."""
    if (arguments.kind or arguments.again) and not arguments.hash:
        raise WrongArgument("--kind and --again are for one torrent; give its hash")
    if arguments.existing and (arguments.hash or arguments.dry_run):
        raise WrongArgument(
            "--existing imports all that was finished before; leave out the hash and --dry-run. To see the plan of one"
            " of them, give its hash with --dry-run alone"
        )
    try:
        return by_hand.checked_hash(arguments.hash) if arguments.hash else ""
    except InvalidValue as error:
        raise WrongArgument(str(error)) from error


def _result(session: Runner, torrent: str, begun: float) -> Outcome:
    state = session.state_file.read()
    found = download_state.data("runs", state, recent=len(state.recent))
    waiting = [one for one in found["waiting"] if torrent in ("", one["hash"])]
    fresh = {one.hash for one in state.recent if one.time >= begun}
    arrived = [one for one in found["arrived"] if one["hash"] in fresh and torrent in ("", one["hash"])]
    lines = [f"{one['name']} waits: {one['text']}" for one in waiting]
    if import_session.is_service():
        # The journal has all of it already, and a unit that has left something waiting has not failed.
        return Outcome({"plans": [], "waiting": waiting, "arrived": arrived}, [])
    if not waiting:
        lines = [f"{len(arrived)} arrived, nothing waits"]
    return Outcome({"plans": [], "waiting": waiting, "arrived": arrived}, lines, Exit.ATTENTION if waiting else Exit.OK)


def _show(proposals: Sequence[Proposal]) -> Outcome:
    plans = [_plan(one) for one in proposals]
    lines = [line for one in plans for line in _table(one)] or ["nothing waits"]
    failed = any(one["problem"] for one in plans)
    return Outcome({"plans": plans, "waiting": [], "arrived": []}, lines, Exit.ATTENTION if failed else Exit.OK)


def _plan(one: Proposal) -> dict[str, Any]:
    planned = one.planned
    links = planned.links if planned else ()
    present = planned.present if planned else ()
    return {
        "hash": one.hash,
        "name": shown(one.name),
        "kind": planned.kind if planned else "",
        "links": [{"source": _name(link.source), "target": _name(link.target)} for link in links],
        "present": [{"source": _name(link.source), "target": _name(link.target)} for link in present],
        "left_out": [{"file": _name(file), "reason": why} for file, why in (planned.left_out if planned else ())],
        "problem": one.problem,
    }


def _name(path: str) -> str:
    return shown(path, 1000)


def _table(plan: Mapping[str, Any]) -> list[str]:
    rows = [(one["source"], one["target"]) for one in plan["links"]]
    rows += [(one["source"], f"(already there) {one['target']}") for one in plan["present"]]
    rows += [(one["file"], f"(left out) {one['reason']}") for one in plan["left_out"]]
    width = max((len(source) for source, _target in rows), default=0)
    head = f"{plan['name']}: {plan['problem'] or plan['kind']}"
    return [head, *(f"  {source:<{width}}  {target}" for source, target in rows)]
