# SPDX-License-Identifier: GPL-3.0-or-later
"""What the subcommands of the import share: they run as the account mediaserver, and one at a time."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

from mediaserver._core import files
from mediaserver._core.errors import FileProblem
from mediaserver.command.frame import Context
from mediaserver.importer import program
from mediaserver.importer.runner import UMASK, Runner
from mediaserver.importer.settings import CREDENTIALS_VARIABLE, SETTINGS, Credentials, Settings
from mediaserver.notify import household


def prepare(context: Context, name: str) -> Runner:
    """Return the import of this household. As root, the credentials are read and root's rights are given up.

    Raises AccessDenied for another account, FileProblem.
    """
    if not is_service():
        context.require_root(name)
    if not (context.root / SETTINGS).exists():
        raise FileProblem(
            f"{context.root / SETTINGS} does not exist, so downloads are not imported on this host. To have them"
            " imported, set upkeep_import to true, with transmission in stack_services, and run the playbook"
        )
    settings = Settings.read(context.root / SETTINGS)
    credentials = Credentials.read(context.root, with_jellyfin=bool(settings.jellyfin_url))
    outbox = household.outbox(context.root)
    program.become_account(settings.state)
    os.umask(UMASK)
    return program.runner(settings, credentials, outbox=outbox)


def is_service() -> bool:
    """Say whether systemd has started this for the unit of the import, and not a person."""
    return CREDENTIALS_VARIABLE in os.environ


@contextlib.contextmanager
def alone(run: Runner) -> Iterator[None]:
    """Wait until no other process imports or removes. Raises TimeoutError."""
    with files.locked(program.lock_of(run.settings), patience=program.PATIENCE_S):
        yield


@contextlib.contextmanager
def journal_on(stream_is_json: bool) -> Iterator[None]:
    """Keep the lines that the import writes about its work out of a JSON result."""
    with contextlib.redirect_stdout(sys.stderr) if stream_is_json else contextlib.nullcontext():
        yield
