# SPDX-License-Identifier: GPL-3.0-or-later
"""The adapter of restic (0.18, as Debian 13 has it): its arguments, exit codes and output.

Repository, password and keys are given in files and in the environment, which only root can read: never as arguments,
which every account can.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from mediaserver._core.errors import MediaserverError, reason
from mediaserver.backup import repository as places
from mediaserver.backup.repository import Repository

# The name of every household's host in its snapshots, so that a restore on a Pi with another name changes nothing.
HOST = "mediaserver"
TAG, INCOMPLETE = "mediaserver", "incomplete"
HOUSEHOLD, REASON = "household=", "reason="
PROGRAM = "restic"
# The lowest priority, and an end together with the program that started it, as after SIGKILL.
POLITELY = ("setpriv", "--pdeathsig", "TERM", "--", "nice", "-n", "19", "ionice", "-c", "3")
RETRY_LOCK = "--retry-lock=5m"
# What a first backup to a slow machine may take; a share that has gone away answers never.
LIMIT_S = 12 * 3600.0
SHORT_S = 600.0
END_S = 10.0
# Of the messages of a failure.
LINES = 3


class Fault(StrEnum):
    """What a failure of restic means."""

    INCOMPLETE = "incomplete"  # there is a snapshot, and it lacks something
    NO_REPOSITORY = "no-repository"
    LOCKED = "locked"
    WRONG_PASSWORD = "wrong-password"
    KILLED = "killed"
    FULL = "full"
    UNREACHABLE = "unreachable"
    DAMAGED = "damaged"
    NOT_INSTALLED = "not-installed"
    OTHER = "other"


# Source: https://restic.readthedocs.io/en/v0.18.0/075_scripting.html#exit-codes. Every other code is a failure, too.
CODES: Mapping[int, Fault] = {
    3: Fault.INCOMPLETE,
    10: Fault.NO_REPOSITORY,
    11: Fault.LOCKED,
    12: Fault.WRONG_PASSWORD,
    130: Fault.KILLED,
}
# Where the code says nothing more than that it failed, as codes 10 to 12 do before restic 0.17.
TEXTS: tuple[tuple[str, Fault], ...] = (
    (r"no space left on device|quota exceeded|file too large", Fault.FULL),
    (r"wrong password or no key found", Fault.WRONG_PASSWORD),
    (r"already locked", Fault.LOCKED),
    (
        r"connection refused|no such host|i/o timeout|network is unreachable|host is down|no route to host"
        r"|stale file handle|transport endpoint|input/output error|connection reset|permission denied"
        r"|server misbehaving",
        Fault.UNREACHABLE,
    ),
    (r"is there a repository at|repository does not exist|unable to open config file", Fault.NO_REPOSITORY),
    (
        r"ciphertext verification failed|does not match|checksum|invalid data|unexpected eof|not found in"
        r"|contains .*errors|pack .* (?:missing|truncated|size)|contains errors|errors were found|integrity",
        Fault.DAMAGED,
    ),
)
REMEDIES: Mapping[Fault, str] = {
    Fault.INCOMPLETE: "The snapshot is kept. See `sudo mediaserver logs backup` for what is missing",
    Fault.NO_REPOSITORY: "See whether its disk, share or server is there, and check upkeep_backup_repository",
    Fault.LOCKED: "Another program works with it. Run this again later",
    Fault.WRONG_PASSWORD: (
        "The repository has another password than this host: it may be of another household, or of an earlier set-up of"
        " this one. Restore it with its recovery card (docs/restore.md), or choose another upkeep_backup_repository"
    ),
    Fault.KILLED: "It was ended before it was done. Run this again; what was made so far is used",
    Fault.FULL: "Make room there, or shorten upkeep_backup_keep and run `sudo mediaserver backup --check`",
    Fault.UNREACHABLE: "See whether the disk, share or server is there, then run this again",
    Fault.DAMAGED: (
        'Parts of it cannot be read. Keep it as it is, and see docs/backup.md, section "A damaged repository"'
    ),
    Fault.NOT_INSTALLED: "Run the playbook again",
    Fault.OTHER: "See `sudo mediaserver logs backup`",
}


class ResticError(MediaserverError):
    """restic has failed. ``fault``: what it means."""

    def __init__(self, message: str, fault: Fault, output: str = "") -> None:
        super().__init__(message)
        self.fault = fault
        self.output = output


@dataclass(frozen=True)
class Made:
    """A new snapshot, and why it is not complete, else empty."""

    snapshot: str
    problem: str = ""


@dataclass(frozen=True)
class Snapshot:
    id: str
    time: float
    tags: tuple[str, ...]
    paths: tuple[str, ...]

    @property
    def household(self) -> str:
        return next((one.removeprefix(HOUSEHOLD) for one in self.tags if one.startswith(HOUSEHOLD)), "")

    @property
    def complete(self) -> bool:
        return INCOMPLETE not in self.tags


@dataclass(frozen=True)
class Entry:
    """A file, folder or link in a snapshot; ``path`` as in the snapshot."""

    path: str
    type: str
    size: int
    mode: int
    uid: int
    gid: int
    mtime: str


@dataclass(frozen=True)
class Done:
    code: int
    output: str
    messages: str


Run = Callable[[Sequence[str], Mapping[str, str], "Path | None", float], Done]


def run_program(command: Sequence[str], environment: Mapping[str, str], folder: Path | None, limit_s: float) -> Done:
    """Run a program to its end. After ``limit_s`` seconds it is killed. Raises OSError, subprocess.TimeoutExpired."""
    process = subprocess.Popen(
        command,
        env=dict(environment),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, messages = process.communicate(timeout=limit_s)
    except BaseException:
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGTERM)
        # One that waits for a dead share stays, and is not waited for.
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_S)
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        raise
    return Done(process.returncode, output, messages)


@dataclass(frozen=True)
class Restic:
    """One repository. ``cache``: a folder off the card."""

    repository: Repository
    cache: Path
    run: Run = run_program
    program: tuple[str, ...] = (PROGRAM,)
    inherited: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def call(self, *arguments: str, folder: Path | None = None, limit_s: float = LIMIT_S) -> Done:
        """Raises ResticError for any exit code but 0."""
        command = [*POLITELY, *self.program, *arguments]
        try:
            self.cache.mkdir(mode=0o700, parents=True, exist_ok=True)
            done = self.run(command, self._environment(), folder, limit_s)
        except subprocess.TimeoutExpired as error:
            raise self._error(
                Fault.UNREACHABLE, arguments[0], f"it has not ended after {limit_s / 60:g} min"
            ) from error
        except OSError as error:
            fault = Fault.NOT_INSTALLED if isinstance(error, FileNotFoundError) else Fault.OTHER
            raise self._error(fault, arguments[0], reason(error)) from error
        if done.code != 0:
            raise self._failure(arguments[0], done)
        return done

    def _failure(self, verb: str, done: Done) -> ResticError:
        # setpriv(1) cannot start a program that is not there.
        fault = Fault.NOT_INSTALLED if done.code == 127 else fault_of(done.code, done.messages + done.output)
        lines = [line.strip() for line in done.messages.splitlines() if line.strip()]
        return self._error(fault, verb, "; ".join(lines[-LINES:]) or f"exit code {done.code}", done.output)

    def _error(self, fault: Fault, verb: str, text: str, output: str = "") -> ResticError:
        where = places.where(self.repository.location)
        return ResticError(
            f"restic {verb} has failed for {where}: {self._redacted(text)}. {REMEDIES[fault]}", fault, output
        )

    def _redacted(self, text: str) -> str:
        location = self.repository.location
        text = text.replace(location, places.where(location))
        logins = [part for login in re.findall(r"//([^/@]*)@", location) for part in login.split(":")]
        for value in (*logins, *self.repository.environment.values()):
            text = text.replace(value, "…") if len(value) > 3 else text
        return text

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in self.inherited.items() if not name.startswith("RESTIC_")}
        return {
            **{"HOME": "/root", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            **kept,
            # Where it puts packs before they are sent; /tmp may be the card, or memory.
            "TMPDIR": str(self.cache),
            **self.repository.environment,
            "RESTIC_REPOSITORY_FILE": str(self.repository.location_file),
            "RESTIC_PASSWORD_FILE": str(self.repository.password_file),
            "RESTIC_CACHE_DIR": str(self.cache),
        }

    def exists(self) -> bool:
        """Say whether there is a repository, which this password opens. Raises ResticError."""
        try:
            self.call("cat", "config", "--no-lock", limit_s=SHORT_S)
        except ResticError as error:
            if error.fault is Fault.NO_REPOSITORY:
                return False
            raise
        return True

    def init(self) -> None:
        self.call("init", limit_s=SHORT_S)

    def backup(self, paths: Sequence[str], *, folder: Path, exclude_file: Path, tags: Sequence[str]) -> Made:
        """Make a snapshot. Relative paths begin at the snapshot's root. Raises ResticError."""
        arguments = [f"--exclude-file={exclude_file}", f"--host={HOST}", *(f"--tag={one}" for one in tags)]
        try:
            done = self.call("backup", "--json", "--quiet", RETRY_LOCK, *arguments, "--", *paths, folder=folder)
        except ResticError as error:
            if error.fault is not Fault.INCOMPLETE:
                raise
            return Made(_summary(error.output), str(error))
        return Made(_summary(done.output))

    def snapshots(self, household: str = "") -> list[Snapshot]:
        """Return the snapshots, oldest first; those of one household where it is given. Raises ResticError."""
        chosen = (f"--tag={HOUSEHOLD}{household}",) if household else ()
        done = self.call("snapshots", "--json", "--no-lock", *chosen, limit_s=SHORT_S)
        found = _parsed(done.output) or []
        try:
            return sorted((_snapshot(one) for one in found), key=lambda one: one.time)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise _unexpected(done.output) from error

    def ls(self, snapshot: str) -> Iterator[Entry]:
        """Yield everything in a snapshot. Raises ResticError."""
        done = self.call("ls", "--json", "--no-lock", snapshot, limit_s=SHORT_S)
        for line in done.output.splitlines():
            one = _parsed(line)
            if not isinstance(one, dict):
                raise _unexpected(line)
            if "node" in (one.get("struct_type"), one.get("message_type")):
                yield Entry(
                    str(one["path"]),
                    str(one["type"]),
                    int(one.get("size", 0)),
                    int(one.get("mode", 0)),
                    int(one.get("uid", 0)),
                    int(one.get("gid", 0)),
                    str(one.get("mtime", "")),
                )

    def dump(self, snapshot: str, path: str) -> str:
        """Return a text file of a snapshot. Raises ResticError."""
        return self.call("dump", "--no-lock", snapshot, path, limit_s=SHORT_S).output

    def restore(self, snapshot: str, target: Path, includes: Sequence[str] = ()) -> None:
        """Restore these paths of a snapshot, or all, below a folder. Raises ResticError."""
        self.call("restore", snapshot, "--target", str(target), *(f"--include={one}" for one in includes), "--no-lock")

    def tag(self, snapshot: str, tag: str) -> None:
        self.call("tag", RETRY_LOCK, f"--add={tag}", snapshot, limit_s=SHORT_S)

    def forget(self, keep: Sequence[str], household: str) -> int:
        """Remove snapshots of this household that ``keep`` does not name; return how many. Raises ResticError.

        Those of another reason, and incomplete ones, are counted apart: the state that a restore has left must not
        take the place of that day's backup.

        restic 0.18 exits 0 for one that it could not remove, so the list is read again.
        """
        done = self.call(
            *("forget", "--json", RETRY_LOCK, "--group-by=host,tags", f"--tag={HOUSEHOLD}{household}", *keep),
            limit_s=SHORT_S,
        )
        removed = {str(one["id"]) for group in _parsed(done.output) or [] for one in group.get("remove") or []}
        if left := removed & {one.id for one in self.snapshots()}:
            raise self._error(Fault.OTHER, "forget", f"{len(left)} snapshots could not be removed")
        return len(removed)

    def prune(self) -> None:
        self.call("prune", RETRY_LOCK)

    def check(self, part: int, parts: int) -> None:
        """Check the structure, and read one part of the data. Raises ResticError."""
        self.call("check", RETRY_LOCK, f"--read-data-subset={part}/{parts}")

    def unlock(self, *, remove_all: bool = False) -> None:
        """Remove locks that restic takes for stale; with ``remove_all`` also those of other machines."""
        self.call("unlock", *(["--remove-all"] if remove_all else []), limit_s=SHORT_S)


def fault_of(code: int, text: str) -> Fault:
    """Pure."""
    if code in CODES:
        return CODES[code]
    if code < 0 or code in (128 + signal.SIGTERM, 128 + signal.SIGKILL):
        return Fault.KILLED
    return next((fault for pattern, fault in TEXTS if re.search(pattern, text, re.IGNORECASE)), Fault.OTHER)


def _summary(output: str) -> str:
    for line in reversed(output.splitlines()):
        found = _parsed(line)
        if isinstance(found, dict) and found.get("message_type") == "summary" and found.get("snapshot_id"):
            return str(found["snapshot_id"])
    raise ResticError("restic backup has named no snapshot; see `sudo mediaserver logs backup`", Fault.OTHER)


def _snapshot(one: Mapping[str, Any]) -> Snapshot:
    return Snapshot(
        str(one["id"]),
        datetime.fromisoformat(re.sub(r"\.\d+", "", str(one["time"])).replace("Z", "+00:00")).timestamp(),
        tuple(map(str, one.get("tags") or ())),
        tuple(map(str, one.get("paths") or ())),
    )


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _unexpected(text) from error


def _unexpected(text: str) -> ResticError:
    return ResticError(f"restic has answered in an unexpected form ({text[:80]!r}); run this again", Fault.OTHER)
