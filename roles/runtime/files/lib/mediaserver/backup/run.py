# SPDX-License-Identifier: GPL-3.0-or-later
"""One backup: check the sources, copy databases, make a snapshot, compare it with the sources, remove old ones.

Interrupted anywhere, it leaves the repository and the sources whole: what is half made is made again by the next run.
"""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from mediaserver import journal
from mediaserver._core import files, job_lock
from mediaserver._core.errors import FileProblem, MediaserverError, reason
from mediaserver._core.names import JOB_LOCK
from mediaserver.backup import databases, listing, manifest, repository, trusted_clock
from mediaserver.backup import sources as all_sources
from mediaserver.backup.databases import Copy
from mediaserver.backup.manifest import Manifest
from mediaserver.backup.repository import BackupOff, Repository
from mediaserver.backup.restic import HOUSEHOLD, INCOMPLETE, REASON, TAG, Fault, Restic, ResticError, Snapshot
from mediaserver.backup.settings import DATABASES, Settings
from mediaserver.backup.sources import Kind, Plan, Source
from mediaserver.backup.state import StateFile, moment

HOLDER = "mediaserver backup"
SCHEDULED, MANUAL, BEFORE_RESTORE, BEFORE_UPGRADE = "scheduled", "manual", "before-restore", "before-upgrade"
# A file that a service removes while restic reads its folder makes restic report an incomplete snapshot.
TRIES = 3
# Once a week; cron is never a full week apart.
CHECK_EVERY_S = 6.5 * 86400
PARTS = 10
# The copies of the databases need their size, and a disk that is full to the last byte stops the services.
RESERVE = 64 * 1024 * 1024
EXCLUDE_FILE = "exclude"


class OtherHousehold(MediaserverError):
    """The repository is not this household's."""


class BackupIncomplete(MediaserverError):
    """A snapshot was made and lacks something."""


@dataclass(frozen=True)
class Choice:
    """What the user has chosen: to go on without sources that are gone, to begin a new repository, to check now."""

    accept_missing: bool = False
    new_repository: bool = False
    check: bool = False


@dataclass
class Result:
    """``problems``: what is wrong although there is a backup; ``missing``: sources that it lacks."""

    snapshot: str
    where: str
    survives: str
    files: int = 0
    databases: int = 0
    absent: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    faults: list[dict[str, str]] = field(default_factory=list)
    removed: int = 0
    checked: str = ""
    problems: list[str] = field(default_factory=list)


@dataclass
class BackupRun:
    """The fields after ``root`` are replaced by tests. ``locked``: the caller holds the lock of all jobs."""

    root: Path
    lock: Path = JOB_LOCK
    patience_s: float = job_lock.PATIENCE_S
    now: Callable[[], float] = time.time
    restic: Callable[[Repository, Path], Restic] = Restic
    state_lock: Path | None = None
    locked: bool = False

    def run(self, why: str = MANUAL, choice: Choice | None = None) -> Result:
        """Raises MediaserverError: BackupOff, job_lock.Busy, ResticError, FileProblem, BackupIncomplete."""
        settings = Settings.read(self.root)
        state = self._state(settings)
        with ExitStack() as held:
            if not self.locked:
                held.enter_context(job_lock.held(HOLDER, patience_s=self.patience_s, path=self.lock))
            # A full card hinders no backup that goes to another disk; what cannot be noted at the end is an error.
            with suppress(FileProblem):
                state.update(attempt=self.now())
            held.callback(_clear, settings.staging)
            try:
                return self._run(settings, state, why, choice or Choice())
            except BackupOff as error:
                state.update(off=str(error), error="")
                raise
            except MediaserverError as error:
                with suppress(FileProblem):
                    state.update(error=str(error))
                raise
            except OSError as error:
                with suppress(FileProblem):
                    state.update(error=reason(error))
                raise

    def _state(self, settings: Settings) -> StateFile:
        return StateFile(settings.state_file, self.state_lock) if self.state_lock else StateFile(settings.state_file)

    def _run(self, settings: Settings, state: StateFile, why: str, choice: Choice) -> Result:
        noted = state.read()
        if distrust := trusted_clock.distrust(self.now(), 0):
            raise MediaserverError(f"no backup is made: {distrust}")
        opened = repository.open_repository(settings)
        restic = self.restic(opened, settings.cache)
        where = repository.where(opened.location)
        household = repository.household(settings)
        self._open(restic, household, noted, where, choice)
        with suppress(FileProblem):
            state.update(
                off="",
                repository={
                    "where": where,
                    "kind": str(opened.kind),
                    "survives": repository.SURVIVES[opened.kind],
                },
            )
        result = Result("", where, repository.SURVIVES[opened.kind])
        self._snapshot(settings, state, restic, household, why, choice, result)
        # A restore has chosen one of the snapshots.
        if why != BEFORE_RESTORE:
            self._tidy(settings, state, restic, household, choice, result)
        return result

    def _open(self, restic: Restic, household: str, noted: dict[str, Any], where: str, choice: Choice) -> None:
        """Begin a repository where there never was one; refuse one that has vanished, or is another household's."""
        if not restic.exists():
            known = (noted.get("repository") or {}).get("where") == where and moment(noted.get("backup"))
            if known and not choice.new_repository:
                raise ResticError(
                    f"the repository at {where}, which had backups of this host, is not there. See whether its disk,"
                    " share or server is there. To begin another one: sudo mediaserver backup --new-repository",
                    Fault.NO_REPOSITORY,
                )
            restic.init()
            return
        require_own(restic.snapshots(), household, where)

    def _snapshot(
        self,
        settings: Settings,
        state: StateFile,
        restic: Restic,
        household: str,
        why: str,
        choice: Choice,
        result: Result,
    ) -> None:
        wanted = all_sources.sources(settings)
        seen = () if choice.accept_missing else state.read().get("seen") or ()
        plan = all_sources.plan(wanted, all_sources.existing(wanted), list(map(str, seen)))
        result.absent = [str(one.path) for one in plan.absent]
        result.missing = [str(one.path) for one in plan.vanished]
        copies = self._copy(settings, plan, result)
        result.databases = len(copies)
        self._write_manifest(settings, household, why, plan, copies)
        kept_out = self._kept_out(settings, plan)
        walked = list(listing.walk(plan.present, [*listing.live_files(plan.present), *kept_out]))
        result.files = len(walked)
        tags = (TAG, f"{HOUSEHOLD}{household}", f"{REASON}{why}")
        result.snapshot = self._make(settings, restic, plan, kept_out, tags, result)
        lost = listing.lacking(plan.present, walked, copies, restic.ls(result.snapshot))
        result.missing += [path for path in lost if path not in result.missing]
        self._judge(state, restic, plan, copies, result)

    def _copy(self, settings: Settings, plan: Plan, result: Result) -> dict[Path, Copy]:
        """Copy the databases; one that cannot be copied at all counts as missing."""
        found = manifest.databases(plan.present)
        folder = settings.staging / DATABASES
        try:
            _clear(settings.staging)
            folder.mkdir(mode=0o700, parents=True)
            settings.work.chmod(0o700)
            settings.staging.chmod(0o700)
            _require_room(found, settings.staging)
        except OSError as error:
            raise FileProblem(f"{settings.staging} cannot be made: {reason(error)}") from error
        made: dict[Path, Copy] = {}
        for one in found:
            try:
                copy = databases.copy(one.path, folder / one.path.relative_to(one.path.anchor))
            except FileProblem as error:
                result.missing.append(str(one.path))
                result.problems.append(str(error))
                continue
            made[one.path] = copy
            result.faults += [{"path": str(one.path), "service": one.service, "text": text} for text in copy.faults]
        return made

    def _write_manifest(
        self, settings: Settings, household: str, why: str, plan: Plan, copies: dict[Path, Copy]
    ) -> None:
        made = Manifest(
            household=household,
            made=self.now(),
            host=socket.gethostname(),
            root=str(settings.root),
            state=str(settings.state),
            data=str(settings.data),
            uid=settings.uid,
            gid=settings.gid,
            reason=why,
            sources=manifest.listed(dict.fromkeys(all_sources.listed(settings))),
            missing=tuple(str(one.path) for one in (*plan.absent, *plan.vanished)),
            databases=tuple(manifest.database(one, copies[one.path]) for one in plan.present if one.path in copies),
        )
        try:
            files.write(settings.staging / manifest.FILE, made.to_json(), mode=0o600)
        except OSError as error:
            raise FileProblem(f"{settings.staging / manifest.FILE} cannot be written: {reason(error)}") from error

    @staticmethod
    def _kept_out(settings: Settings, plan: Plan) -> list[Path]:
        """Return what lies in a source and must not be in its backup: the repository itself, and the copies."""
        inside = [settings.work, settings.default_repository]
        return [one for one in inside if any(one.is_relative_to(source.path) for source in plan.present)]

    def _make(
        self,
        settings: Settings,
        restic: Restic,
        plan: Plan,
        kept_out: Sequence[Path],
        tags: Sequence[str],
        result: Result,
    ) -> str:
        patterns = [*all_sources.excluded(plan.present), *(all_sources.pattern(str(one)) for one in kept_out)]
        exclude_file = settings.work / EXCLUDE_FILE
        files.write(exclude_file, "".join(f"{one}\n" for one in patterns), mode=0o600)
        paths = [DATABASES, manifest.FILE, *(str(one.path) for one in plan.present if one.kind is Kind.FILES)]
        for left in reversed(range(TRIES)):
            made = restic.backup(paths, folder=settings.staging, exclude_file=exclude_file, tags=tags)
            if not made.problem:
                break
            if left:
                mark(restic, made.snapshot)
            else:
                result.problems.append(made.problem)
        return made.snapshot

    def _judge(self, state: StateFile, restic: Restic, plan: Plan, copies: dict[Path, Copy], result: Result) -> None:
        """Note a backup that has everything; mark one that has not, and fail."""
        state.update(snapshot=result.snapshot, faults=result.faults)
        for one in result.faults:
            journal.warning(f"{one['path']}: {one['text']}; its copy is kept as it is")
        if not result.missing and not result.problems:
            kept = [str(one.path) for one in plan.present if one.kind is Kind.FILES or one.path in copies]
            state.update(backup=self.now(), seen=kept, error="")
            return
        mark(restic, result.snapshot)
        what = f"it lacks {listing.in_words(result.missing)}" if result.missing else "; ".join(result.problems)
        raise BackupIncomplete(
            f"the backup is not complete: {what}. What is there was kept (snapshot {result.snapshot[:8]}). If you have"
            " removed it yourself: sudo mediaserver backup --accept-missing"
        )

    def _tidy(
        self,
        settings: Settings,
        state: StateFile,
        restic: Restic,
        household: str,
        choice: Choice,
        result: Result,
    ) -> None:
        """Remove old snapshots; once a week free their space, and read a part of the repository."""
        others = [one.time for one in restic.snapshots(household) if one.id != result.snapshot]
        if distrust := trusted_clock.distrust(self.now(), max(others, default=0.0)):
            result.problems.append(f"no old snapshot is removed: {distrust}")
            return
        noted = state.read()
        if settings.keep:
            result.removed = _unlocking(restic, lambda: restic.forget(settings.keep, household))
        if not choice.check and 0 <= self.now() - moment(noted.get("check")) < CHECK_EVERY_S:
            return
        part = int(moment(noted.get("part"))) % PARTS + 1
        if settings.keep:
            _unlocking(restic, restic.prune)
        _unlocking(restic, lambda: restic.check(part, PARTS))
        result.checked = f"{part}/{PARTS}"
        state.update(check=self.now(), part=part)


def require_own(found: Sequence[Snapshot], household: str, where: str) -> None:
    """Refuse a repository with snapshots, none of which is of this household. Raises OtherHousehold. Pure."""
    if not found or any(one.household == household for one in found):
        return
    raise OtherHousehold(
        f"the repository at {where} has {len(found)} snapshots, and none is of this household (id {household})."
        " To bring back the household whose backup it is, restore it with its recovery card (docs/restore.md); else"
        " choose another upkeep_backup_repository"
    )


Value = TypeVar("Value")


def _unlocking(restic: Restic, work: Callable[[], Value]) -> Value:
    """Do it; where a lock is in the way, remove the stale ones and do it once more.

    A backup that was killed leaves its lock, with which nothing could be removed for ever. This host's own processes
    cannot be the holder: the lock of all jobs is held, and the clock is trusted, by which restic judges a lock's age.
    """
    try:
        return work()
    except ResticError as error:
        if error.fault is not Fault.LOCKED:
            raise
    restic.unlock()
    return work()


def mark(restic: Restic, snapshot: str) -> None:
    """Have a restore see that something is missing. An append-only repository refuses this."""
    with suppress(ResticError):
        restic.tag(snapshot, INCOMPLETE)


def _require_room(found: Sequence[Source], folder: Path) -> None:
    """Raises FileProblem where the copies would fill the disk, and OSError."""
    needed = RESERVE
    for one in found:
        with suppress(OSError):
            needed += one.path.stat().st_size
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise FileProblem(
            f"{folder} has {free // 10**6} MB free, and the copies of the databases need {needed // 10**6} MB; make"
            " room (sudo mediaserver space), then run this again"
        )


def _clear(folder: Path) -> None:
    """Remove the copies of databases: they hold what the repository encrypts."""
    shutil.rmtree(folder, ignore_errors=True)
