# SPDX-License-Identifier: GPL-3.0-or-later
"""Chooses the snapshot of a restore: one of this household, with sound databases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mediaserver._core.errors import FileProblem, InvalidValue, MediaserverError
from mediaserver.backup import trusted_clock
from mediaserver.backup.manifest import FILE, Manifest
from mediaserver.backup.restic import Entry, Fault, ResticError, Snapshot
from mediaserver.command import words
from mediaserver.restore import moments
from mediaserver.restore.staging import Archive

# Snapshots whose manifests are read in search for a sound one.
TRIES = 14


class Refused(MediaserverError):
    """The restore would be wrong on this host. Nothing was changed."""


@dataclass(frozen=True)
class Chosen:
    """``passed``: why younger snapshots were not taken, in words."""

    snapshot: Snapshot
    manifest: Manifest
    passed: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"{self.snapshot.id[:8]} of {words.moment(self.snapshot.time)}"

    def entries(self, archive: Archive) -> list[Entry]:
        return list(archive.ls(self.snapshot.id))


def own_snapshots(archive: Archive, household: str) -> list[Snapshot]:
    """Return the snapshots of a household. Raises Refused for a repository of another one, ResticError."""
    every = archive.snapshots()
    own = [one for one in every if one.household == household]
    if every and not own:
        number = len({one.household for one in every})
        raise Refused(
            f"the repository has {len(every)} snapshots of {number} other household{'s' * (number > 1)}, and none of"
            " this one. Nothing was changed. Check upkeep_backup_repository. To set up a blank Pi from a backup, follow"
            " docs/restore.md, A new Pi"
        )
    return own


def choose(
    archive: Archive, snapshots: Sequence[Snapshot], at: str, now: float, *, services: Sequence[str] = ()
) -> Chosen:
    """Return the first snapshot whose databases of these services are sound; of an id, that one.

    Raises InvalidValue, Refused, FileProblem for a manifest, ResticError.
    """
    if at == moments.YESTERDAY:
        # With a clock that is wrong, another snapshot would be yesterday's.
        why = trusted_clock.distrust(now, max((one.time for one in snapshots), default=0.0))
        if why:
            raise Refused(f"{why}. Or name the snapshot by its id: --at ID. Nothing was changed")
    passed: list[str] = []
    for snapshot in moments.candidates(snapshots, at, now)[:TRIES]:
        try:
            manifest = Manifest.from_json(archive.dump(snapshot.id, f"/{FILE}"))
        except (FileProblem, ResticError) as error:
            # What is wrong with the repository as a whole takes minutes for each snapshot.
            if isinstance(error, ResticError) and error.fault is not Fault.DAMAGED:
                raise
            passed.append(f"{snapshot.id[:8]}: {error}")
            continue
        faults = [
            f"{one.path}: {fault}"
            for one in manifest.databases
            for fault in one.faults
            if not services or one.service in services
        ]
        # A person who names one by its id has decided.
        if not faults or moments.ID.fullmatch(at):
            passed += faults
            return Chosen(snapshot, manifest, tuple(passed))
        passed.append(f"{snapshot.id[:8]} has a database that was damaged when it was made ({faults[0]})")
    raise InvalidValue(
        f"no snapshot for {at!r} can be used: {'; '.join(passed)}. Choose an older one with --at. Nothing was changed"
    )
