# SPDX-License-Identifier: GPL-3.0-or-later
"""``mediaserver restore``: one service from the backup, the drill, and a household onto a blank Pi."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mediaserver._core import files, job_lock
from mediaserver._core.errors import FileProblem, reason
from mediaserver.backup import repository
from mediaserver.backup.repository import Disks, Repository
from mediaserver.backup.restic import Restic
from mediaserver.backup.settings import Settings
from mediaserver.backup.state import StateFile
from mediaserver.command import words
from mediaserver.command.frame import Context, Outcome, WrongArgument, list_schema, object_schema
from mediaserver.restore.containers import Containers
from mediaserver.restore.drill import Drill, Drilled
from mediaserver.restore.moments import BEFORE_RESTORE, FORMS, NEWEST
from mediaserver.restore.placing import Places
from mediaserver.restore.service import Restored, ServiceRestore
from mediaserver.restore.whole import WholeRestore

NAME = "restore"
HELP = "bring a service's files back from the backup, or try whether that works: --drill (sudo)"
DESCRIPTION = (
    "Restores the files and databases of one service. The present state is kept in a snapshot before, whose id is\n"
    "shown. What comes out of the repository is compared with the snapshot's list before anything changes. The\n"
    "service must work afterwards: its container is healthy, Jellyfin lists its libraries and users, Transmission its\n"
    "torrents. If it does not, the files of before are put back. `--drill` restores everything into a scratch folder,\n"
    "compares it, and changes nothing else. A blank Pi is restored by playbooks/restore.yml."
)
EXIT_CODES: Mapping[int, str] = {}
SCHEMA = object_schema(
    {
        "done": {"enum": ["restored", "drill", "whole", "completed", "nothing"]},
        "service": {"type": "string", "description": "empty without a SERVICE"},
        "snapshot": {"type": "string"},
        "taken": {"type": "string", "description": "when the snapshot was made, ISO 8601; empty without one"},
        "before": {"type": "string", "description": "the snapshot of the state before; empty without one"},
        "files": {"type": "integer"},
        "bytes": {"type": "integer"},
        "databases": {"type": "integer", "description": "with --drill: that were opened"},
        "rows": {"type": "integer", "description": "with --drill: in all tables, equal to the manifest"},
        "seen": list_schema({"type": "string"}, description="what shows that the service works"),
        "notes": list_schema({"type": "string"}),
    }
)
OWNER = "mediaserver restore"
DEFAULT_AT = NEWEST
# Of --everything: what the playbook writes into a folder of /run.
REQUEST = "restore.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("service", nargs="?", default="", metavar="SERVICE", help="such as jellyfin")
    parser.add_argument("--at", default=DEFAULT_AT, metavar="WHEN", help=f"the snapshot: {FORMS}; by default newest")
    parser.add_argument("--drill", action="store_true", help="restore into a scratch folder, compare, and remove it")
    parser.add_argument("--complete", action="store_true", help="put back what an interrupted restore has moved")
    parser.add_argument(
        "--put-back", action="store_true", help="the same for a start of Docker: only the files, no service is asked"
    )
    parser.add_argument(
        "--everything",
        metavar="FOLDER",
        default="",
        help="for playbooks/restore.yml: a whole household onto a blank Pi, with the files in this folder",
    )


def run(arguments: argparse.Namespace, context: Context) -> Outcome:
    _check(arguments)
    context.require_root(NAME)
    say: Callable[[str], None] = (lambda text: None) if arguments.json else context.show
    with job_lock.held(OWNER):
        if arguments.everything:
            return _everything(arguments, context, say)
        if arguments.complete or arguments.put_back:
            places = Places(context.root)
            note = places.note()
            if note is None:
                return _outcome("nothing", lines=["no restore was interrupted"])
            if arguments.put_back:
                places.put_back(note)
                return _outcome("completed", lines=["the files of before an interrupted restore are in place again"])
        settings = Settings.read(context.root)
        archive = Restic(repository.open_repository(settings), settings.cache)
        household = repository.household(settings)
        if arguments.drill:
            drill = Drill(settings, archive, household, context.now, StateFile(settings.state_file))
            return _drilled(drill.run(arguments.at))
        restore = ServiceRestore(
            settings,
            archive,
            household,
            Containers(context.root, context.docker),
            lambda: _keep_present(context.root),
            context.now,
            say,
        )
        if arguments.complete:
            restore.complete()
            return _outcome("completed", lines=["the files of before are in place again, and the service is started"])
        done = restore.run(arguments.service, arguments.at)
        _forget_faults(StateFile(settings.state_file), done.service)
        return _restored(done)


def _forget_faults(state_file: StateFile, service: str) -> None:
    """What the snapshot of before has found in a database that is replaced now is no news. Raises FileProblem."""
    faults = state_file.read().get("faults")
    if isinstance(faults, list):
        state_file.update(faults=[one for one in faults if not isinstance(one, dict) or one.get("service") != service])


def _check(arguments: argparse.Namespace) -> None:
    """Raises WrongArgument."""
    chosen = [arguments.service, arguments.drill, arguments.complete, arguments.put_back, arguments.everything]
    if sum(map(bool, chosen)) != 1:
        raise WrongArgument("give either a SERVICE, or --drill, or --complete; nothing else goes with them but --at")


def _keep_present(root: Path) -> str:
    """Make a snapshot of the present state; return its id. Raises MediaserverError."""
    # It takes a while to import, and only this needs it.
    from mediaserver.backup.run import BackupRun, Choice  # noqa: PLC0415

    # What is to be restored may be what is gone.
    return BackupRun(root, locked=True).run(BEFORE_RESTORE, Choice(accept_missing=True)).snapshot


def _everything(arguments: argparse.Namespace, context: Context, say: Callable[[str], None]) -> Outcome:
    folder = Path(arguments.everything)
    request = _request(folder)
    location = (files.read(folder / "repository") or "").strip()
    place = Repository(
        location,
        repository.kind_of(location, Disks("", "")),
        folder / "repository",
        folder / "password",
        {str(name): str(value) for name, value in request["environment"].items()},
    )
    archive = Restic(place, Path(request["work"]) / "restic")
    whole = WholeRestore(
        context.root,
        Path(request["state"]),
        (int(request["uid"]), int(request["gid"])),
        archive,
        context.now,
        lambda: archive.unlock(remove_all=True),
        bool(request["old_pi_is_gone"]),
        say,
    )
    done = whole.run(arguments.at, str(request["household"]))
    lines = [
        f"{done.files} files ({words.size(done.size)}) of {done.host} are restored, as of"
        f" {words.moment(done.snapshot.time)}"
    ]
    return _outcome(
        "whole",
        lines=lines,
        snapshot=done.snapshot.id,
        taken=words.moment(done.snapshot.time),
        files=done.files,
        bytes=done.size,
    )


def _request(folder: Path) -> dict[str, Any]:
    """Raises FileProblem."""
    path = folder / REQUEST
    try:
        found: dict[str, Any] = json.loads(files.read(path) or "")
        for name in ("state", "work", "uid", "gid", "household", "environment", "old_pi_is_gone"):
            found[name]
    except OSError as error:
        raise FileProblem(f"{path} cannot be read: {reason(error)}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise FileProblem(f"{path} cannot be used ({error!r}); it is written by playbooks/restore.yml") from error
    return found


def _restored(done: Restored) -> Outcome:
    lines = [
        f"{done.service} is restored as of {words.moment(done.taken)}: {done.files} files, {words.size(done.size)}",
        *(f"  {text}" for text in done.seen),
        *(f"  not used: {text}" for text in done.notes),
        f"the state before is in snapshot {done.before[:8]}. The way back: sudo mediaserver restore {done.service} --at"
        f" {done.before[:8]}",
        "passwords and settings are those of then, too. Run the playbook, which sets those of the inventory",
    ]
    return _outcome(
        "restored",
        lines=lines,
        service=done.service,
        snapshot=done.snapshot,
        taken=words.moment(done.taken),
        before=done.before,
        files=done.files,
        bytes=done.size,
        seen=list(done.seen),
        notes=list(done.notes),
    )


def _drilled(done: Drilled) -> Outcome:
    lines = [
        f"snapshot {done.snapshot.id[:8]} of {words.moment(done.snapshot.time)} was restored into a scratch folder:"
        f" {done.files} files, {words.size(done.size)}, all as listed; {done.databases} databases open, with all of"
        f" their {done.rows} rows"
    ]
    return _outcome(
        "drill",
        lines=lines + [f"  not used: {text}" for text in done.notes],
        snapshot=done.snapshot.id,
        taken=words.moment(done.snapshot.time),
        files=done.files,
        bytes=done.size,
        databases=done.databases,
        rows=done.rows,
        notes=list(done.notes),
    )


def _outcome(done: str, *, lines: list[str], **more: Any) -> Outcome:
    empty = {
        "service": "",
        "snapshot": "",
        "taken": "",
        "before": "",
        "files": 0,
        "bytes": 0,
        "databases": 0,
        "rows": 0,
    }
    return Outcome({"done": done, **empty, "seen": [], "notes": [], **more}, lines)
