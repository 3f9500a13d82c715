# SPDX-License-Identifier: GPL-3.0-or-later
"""Restores a whole household onto a blank Pi, before the playbook sets up its services."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mediaserver._core.errors import FileProblem, InvalidValue
from mediaserver.backup.restic import Fault, ResticError, Snapshot
from mediaserver.command import words
from mediaserver.restore import staging, wanted
from mediaserver.restore.chosen import Chosen, Refused, choose
from mediaserver.restore.placing import Note, Places
from mediaserver.restore.staging import Archive

# What a Pi has on which the services were set up. The host's programs are there before a restore.
SIGNS = ("compose.yml", "config", "gateway/private.key")


@dataclass(frozen=True)
class Restored:
    snapshot: Snapshot
    household: str
    files: int
    size: int
    host: str  # the name of the old Pi


@dataclass
class WholeRestore:
    """``root`` and ``state``: folders of this Pi; ``owner``: ids of its account mediaserver."""

    root: Path
    state: Path
    owner: tuple[int, int]
    archive: Archive
    now: Callable[[], float]
    unlock: Callable[[], None] = lambda: None  # removes the locks of all machines
    old_pi_is_gone: bool = False
    say: Callable[[str], None] = lambda text: None

    @property
    def places(self) -> Places:
        return Places(self.root)

    def run(self, at: str, household: str = "") -> Restored:
        """Raises MediaserverError, with everything as it was."""
        self._complete()
        self._require_blank()
        try:
            return self._run(at, household)
        finally:
            self.places.clear()

    def _run(self, at: str, household: str) -> Restored:
        if self.old_pi_is_gone:
            self.unlock()
        try:
            snapshots = self._snapshots(household)
            chosen = choose(self.archive, snapshots, at, self.now())
            self._require_same_layout(chosen)
            content = wanted.whole(chosen.manifest, chosen.entries(self.archive))
            self.say(f"fetches snapshot {chosen.title} of {chosen.manifest.host} ({words.size(content.size)})")
            staging.fetch(self.archive, chosen.snapshot.id, content, self.places.new)
        except ResticError as error:
            if error.fault is Fault.LOCKED and not self.old_pi_is_gone:
                raise Refused(
                    f"{error}. If the old Pi is gone for good and no other machine works with this repository, run the"
                    " restore again with -e old_pi_is_gone=true, which removes its locks. Nothing was changed"
                ) from error
            raise
        self.say("puts the files in place")
        note = Note("", chosen.snapshot.id, self.places.moves(content))
        self.places.place(note, content.parents)
        try:
            self.places.end()
        except OSError as error:
            raise FileProblem(f"{self.places.folder} cannot be removed: {error}") from error
        return Restored(
            chosen.snapshot,
            chosen.manifest.household,
            sum(one.type == "file" for one in content.entries),
            content.size,
            chosen.manifest.host,
        )

    def _complete(self) -> None:
        note = self.places.note()
        if note is not None and note.service:
            raise Refused(
                f"the restore of {note.service} was interrupted on this Pi. Complete it first: sudo mediaserver restore"
                " --complete"
            )
        if note is not None:
            self.places.put_back(note)
        self.places.clear()

    def _require_blank(self) -> None:
        found = next((self.root / name for name in SIGNS if _has_content(self.root / name)), None)
        if found is not None:
            raise Refused(
                f"this Pi is not blank: {found} exists, so a household is set up here, which the restore would replace."
                " Nothing was changed. To restore one service, run on the Pi: sudo mediaserver restore SERVICE --at"
                " yesterday. To replace this household as a whole, remove it first (docs/operations.md, Uninstall)"
            )

    def _snapshots(self, household: str) -> list[Snapshot]:
        every = self.archive.snapshots()
        households = sorted({one.household for one in every if one.household})
        if not every or not households:
            raise Refused(
                "the repository has no snapshot of a household. Check repository and password on the recovery card."
                " Nothing was changed"
            )
        if household and household not in households:
            raise Refused(
                f"the repository has no snapshot of household {household}. It has those of: {', '.join(households)}."
                " Nothing was changed"
            )
        if not household and len(households) > 1:
            raise InvalidValue(
                f"the repository has snapshots of {len(households)} households: {', '.join(households)}. Name the one"
                " of the recovery card with -e restore_household=ID. Nothing was changed"
            )
        return [one for one in every if one.household == (household or households[0])]

    def _require_same_layout(self, chosen: Chosen) -> None:
        manifest = chosen.manifest
        pairs = (
            ("mediaserver_root", manifest.root, str(self.root)),
            ("mediaserver_state", manifest.state, str(self.state)),
            ("mediaserver_uid", str(manifest.uid), str(self.owner[0])),
            ("mediaserver_gid", str(manifest.gid), str(self.owner[1])),
        )
        wrong = [f"{name} was {before}, and is {here}" for name, before, here in pairs if before != here]
        if wrong:
            raise Refused(
                f"snapshot {chosen.title} was made with other settings: {'; '.join(wrong)}. Set them as before in the"
                " inventory. Nothing was changed"
            )


def _has_content(path: Path) -> bool:
    if not path.is_dir():
        return os.path.lexists(path)
    return any(name for _top, _folders, names in os.walk(path) for name in names)
