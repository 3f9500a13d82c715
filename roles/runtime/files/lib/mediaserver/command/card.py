# SPDX-License-Identifier: GPL-3.0-or-later
"""``mediaserver card``: the recovery card on one page, and the answer that it is still there."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from mediaserver._core import files
from mediaserver._core.errors import FileProblem, reason
from mediaserver.backup import card, repository
from mediaserver.backup.repository import BackupOff, Kind
from mediaserver.backup.settings import Settings
from mediaserver.backup.state import CARD, StateFile
from mediaserver.command.frame import Context, Outcome, WrongArgument, list_schema, object_schema

NAME = "card"
HELP = "print the recovery card, or confirm that it is still there (sudo)"
DESCRIPTION = (
    "Prints the page with which a blank Pi becomes this household again: repository, its password, the steps, and an\n"
    "empty line for the vault's password, which is filled in by hand. Print it on paper, or write it by hand; no copy\n"
    "is left on the Pi. Once a quarter `mediaserver status` asks whether the card is still where it should be;\n"
    "`sudo mediaserver card --confirm` answers."
)
EXIT_CODES: Mapping[int, str] = {}
SCHEMA = object_schema(
    {
        "lines": list_schema({"type": "string"}, description="the card; empty with --confirm"),
        "confirmed": {"type": "boolean"},
    }
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--confirm", action="store_true", help="the filled-in card is there; ask again in a quarter")
    parser.add_argument(
        "--without-password", action="store_true", help="leave password and access keys out, to look at"
    )


def run(arguments: argparse.Namespace, context: Context) -> Outcome:
    context.require_root(NAME)
    if arguments.confirm and arguments.without_password:
        raise WrongArgument("--confirm prints no card; leave --without-password out")
    settings = Settings.read(context.root)
    if arguments.confirm:
        StateFile(settings.state_file).update(**{CARD: context.now()})
        return Outcome({"lines": [], "confirmed": True}, ["noted; status asks again in a quarter of a year"])
    try:
        opened = repository.open_repository(settings)
    except BackupOff as error:
        raise FileProblem(f"there is no repository, so there is no card: {error}") from error
    hidden = arguments.without_password
    lines = card.text(
        location=repository.where(opened.location) if hidden else opened.location,
        password=card.HIDDEN if hidden else _password(opened),
        survives=repository.SURVIVES[opened.kind],
        environment=dict.fromkeys(opened.environment, card.HIDDEN) if hidden else opened.environment,
        household=repository.household(settings),
        is_media_disk=opened.kind is Kind.MEDIA_DISK,
        now=context.now(),
    )
    return Outcome({"lines": lines, "confirmed": False}, lines)


def _password(opened: repository.Repository) -> str:
    try:
        return (files.read(opened.password_file) or "").strip()
    except OSError as error:
        raise FileProblem(f"{opened.password_file} cannot be read: {reason(error)}") from error
