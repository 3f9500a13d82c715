# SPDX-License-Identifier: GPL-3.0-or-later
"""``mediaserver space``: what would free how much on the media disk."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from mediaserver.command import import_session, words
from mediaserver.command.frame import Context, Outcome, list_schema, object_schema
from mediaserver.importer.problem import shown
from mediaserver.importer.space import report

NAME = "space"
HELP = "list what would free how much space on the media disk (sudo)"
DESCRIPTION = (
    "Lists, largest first: downloads without a link in the library, seeds that have reached their ratio, films and\n"
    "seasons that every user has watched, and what was removed and can still be restored. A file that is a hard link\n"
    "in both download and library frees its space only when both are removed, which `mediaserver remove` does."
)
EXIT_CODES: Mapping[int, str] = {}
OFFER = object_schema(
    {
        "name": {"type": "string", "description": "what `mediaserver remove` takes"},
        "frees": {"type": "integer", "description": "bytes"},
        "reasons": list_schema({"type": "string"}),
    }
)
SCHEMA = object_schema(
    {
        "free": {"type": "integer", "description": "bytes"},
        "total": {"type": "integer", "description": "bytes"},
        "offers": list_schema(OFFER),
        "notes": list_schema({"type": "string"}, description="what could not be found out"),
    }
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    del parser


def run(arguments: argparse.Namespace, context: Context) -> Outcome:
    del arguments
    session = import_session.prepare(context, NAME)
    found = report(session)
    offers = [{"name": one.name, "frees": one.frees, "reasons": list(one.reasons)} for one in found.offers]
    lines = [f"{words.size(found.free)} of {words.size(found.total)} are free"]
    lines += [f"{words.size(one.frees):>9}  {shown(one.name)}  ({', '.join(one.reasons)})" for one in found.offers]
    if not offers:
        lines.append("nothing to remove was found")
    lines += found.notes
    data = {"free": found.free, "total": found.total, "offers": offers, "notes": list(found.notes)}
    return Outcome(data, lines)
