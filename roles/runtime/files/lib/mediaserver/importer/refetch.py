# SPDX-License-Identifier: GPL-3.0-or-later
"""Fills a new media disk after the death of the old one: the torrents download again, onto the same library paths.

Transmission starts no torrent whose data has disappeared, and verifies none ("To re-download, remove the torrent and
re-add it"). So each is removed and added again from its .torrent file. A note on the state's filesystem is written
first, with all that an interrupted run needs. The import then gives each file the path that its record names.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from mediaserver._core import files
from mediaserver._core.errors import FileProblem, ProtocolError, reason
from mediaserver._import.selection import is_safe_path
from mediaserver.importer.ledger import Record
from mediaserver.importer.library import Library, disk_of
from mediaserver.importer.problem import ImportProblem, LibraryProblem
from mediaserver.importer.refetch_notes import Note
from mediaserver.importer.runner import Runner
from mediaserver.importer.settings import Settings
from mediaserver.importer.sources import Sources
from mediaserver.importer.spool import HASH, MODE
from mediaserver.importer.transmission import host_folder

# Below the import's folder of state: what no torrent brings back.
MISSING = "refetch-missing.json"
LOCAL_ERROR = 3  # rpc-spec.md, section 3.3, "error"
# Where Transmission keeps what is not complete (roles/transmission), and the ending of such a file.
INCOMPLETE, PART = "incomplete", ".part"

LOST = "lost"  # nothing of it is on this disk
PARTIAL = "partial"  # a part of it was copied to this disk
NO_FILE = "no torrent file"  # lost, and Transmission has no .torrent file of it
DELETED = "deleted"  # was on this disk, and is removed since
COPIED = "copied"  # whole, on another disk than the import knows; it is imported again
PRESENT = "present"


@dataclass(frozen=True)
class Torrent:
    """One torrent of Transmission, and what of it is on the disk. ``missing``: bytes that have to be downloaded."""

    hash: str
    name: str
    state: str
    missing: int
    targets: tuple[str, ...]  # its files in the library, as the import's record has them


@dataclass(frozen=True)
class Plan:
    """``without``: files of the library, relative to the media root, that no torrent brings back."""

    torrents: tuple[Torrent, ...]
    without: tuple[str, ...]
    free: int
    notes: tuple[str, ...] = ()

    def of(self, *states: str) -> list[Torrent]:
        return [one for one in self.torrents if one.state in states]

    @property
    def needed(self) -> int:
        return sum(one.missing for one in self.of(LOST, PARTIAL))


def plan(run: Runner, listed: Iterable[str] = (), notes: tuple[str, ...] = ()) -> Plan:
    """Compare Transmission, the import's records and the disk. ``listed``: files of the library that Jellyfin lists.

    Raises NotNow for a Transmission that does not answer, ImportProblem, FileProblem.
    """
    disk = disk_of(run.settings.disk_id)
    answers = run.transmission_service.ask(run.torrents.whole, run.clock.monotonic())
    records = {one.hash: one for one in run.ledger.records()}
    found = []
    for answer in answers:
        torrent = str(answer.get("hashString", "")).lower()
        if HASH.fullmatch(torrent):
            found.append(classify(answer, records.get(torrent, Record(torrent)), disk, run.settings))
    library = Library.scan(run.settings.media)
    known = {path for one in records.values() for path in one.former_targets(disk).values()}
    remembered = read_missing(run.settings)
    covered = {path for one in found if one.state in (LOST, PARTIAL, COPIED, PRESENT) for path in one.targets}
    without = sorted((known | set(listed) | remembered) - covered - set(library.files))
    return Plan(tuple(found), tuple(without), shutil.disk_usage(run.settings.downloads).free, notes)


def classify(answer: Mapping[str, Any], record: Record, disk: str, settings: Settings) -> Torrent:
    """Return what is on the disk of a torrent. Raises ProtocolError."""
    try:
        name, error = str(answer["name"]), int(answer["error"])
        wanted = [
            (str(one["name"]), int(one["length"]))
            for one, stats in zip(answer["files"], answer["fileStats"], strict=True)
            if stats["wanted"]
        ]
        left, begun = int(answer["leftUntilDone"]), any(one["bytesCompleted"] for one in answer["fileStats"])
        folder = str(answer["downloadDir"])
    except (KeyError, ValueError, TypeError) as fault:
        raise ProtocolError(f"Transmission's answer about a torrent is incomplete: {fault!r}") from fault
    targets = tuple(record.former_targets(disk).values())
    there = _there(wanted, folder, settings)
    missing = sum(length for path, length in wanted if path not in there)

    def made(state: str) -> Torrent:
        return Torrent(record.hash, name, state, 0 if state in (PRESENT, COPIED) else missing, targets)

    if not wanted or not begun or not missing:
        return made(COPIED if targets and not missing and record.disk != disk else PRESENT)
    if left and (error != LOCAL_ERROR or there or _is_incomplete_there(wanted, settings)):
        return made(PRESENT)  # it downloads
    if record.disk == disk:
        return made(DELETED)
    if there:
        return made(PARTIAL)
    return made(LOST if metainfo_file(settings, record.hash) else NO_FILE)


def _there(wanted: Iterable[tuple[str, int]], folder: str, settings: Settings) -> set[str]:
    """Return the files that are on the disk in full length."""
    try:
        sources = Sources(settings.downloads, host_folder(folder, settings.downloads))
    except ImportProblem:
        return set()
    found = set()
    sources.find(path for path, _length in wanted)
    for path, length in wanted:
        if path in sources.identities:
            with suppress(OSError):
                status = settings.downloads.joinpath(*sources.folder, path).lstat()
                if status.st_size == length:
                    found.add(path)
    return found


def _is_incomplete_there(wanted: Iterable[tuple[str, int]], settings: Settings) -> bool:
    root = settings.downloads / INCOMPLETE
    safe = [path for path, _length in wanted if is_safe_path(path)]
    return any(os.path.lexists(root / f"{path}{ending}") for path in safe for ending in ("", PART))


def metainfo_file(settings: Settings, torrent: str) -> Path | None:
    """Return the .torrent file that Transmission keeps; version 3 names it by the first 16 digits of the hash."""
    named = settings.torrent_files / f"{torrent}.torrent"
    if named.exists():
        return named
    return next(iter(sorted(settings.torrent_files.glob(f"*.{torrent[:16]}.torrent"))), None)


def require_room(made: Plan) -> None:
    """Raises LibraryProblem."""
    if made.needed > made.free:
        raise LibraryProblem(
            f"{made.needed} bytes have to be downloaded, and {made.free} are free on the new media disk. Attach a"
            " larger disk, or remove torrents in Transmission first. Nothing was changed"
        )


def begin(run: Runner, made: Plan) -> list[str]:
    """Have Transmission download what is lost, and verify what is there in part; return the names of these torrents.

    What was copied as a whole is taken by the next run of the import.

    Raises NotNow, FileProblem.
    """
    write_missing(run.settings, made.without)
    begun = []
    for torrent in made.of(COPIED):
        _expect_again(run, torrent.hash)
    for torrent in made.of(LOST, PARTIAL):
        answer = run.transmission_service.ask(partial(run.torrents.whole_one, torrent.hash), run.clock.monotonic())
        if answer is None:
            continue
        _expect_again(run, torrent.hash)
        if torrent.state == LOST:
            note = _note(answer, run.settings)
            if note is None:
                continue
            run.transmission_service.ask(partial(run.notes.add_again, note), run.clock.monotonic())
        else:
            run.transmission_service.ask(partial(run.torrents.verify, torrent.hash), run.clock.monotonic())
        begun.append(torrent.name)
    return begun


def _expect_again(run: Runner, torrent: str) -> None:
    """Have the import take this torrent again when it is complete, also where Transmission's script did not run."""
    if run.ledger.known(torrent):
        run.ledger.put(replace(run.ledger.get(torrent), size=0))


def _note(answer: Mapping[str, Any], settings: Settings) -> Note | None:
    torrent = str(answer["hashString"]).lower()
    path = metainfo_file(settings, torrent)
    if path is None:
        return None
    try:
        metainfo = base64.b64encode(path.read_bytes()).decode()
    except OSError as error:
        raise FileProblem(f"{path} cannot be read: {reason(error)}") from error
    return Note(
        torrent,
        str(answer["name"]),
        str(answer["downloadDir"]),
        metainfo,
        tuple(index for index, one in enumerate(answer["fileStats"]) if not one["wanted"]),
        tuple(map(str, answer.get("labels") or ())),
        float(answer["seedRatioLimit"]),
        int(answer["seedRatioMode"]),
    )


def read_missing(settings: Settings) -> set[str]:
    """Return what had no torrent in an earlier run: Jellyfin has forgotten it since, if it has scanned the disk."""
    try:
        data = json.loads(files.read(settings.state / MISSING) or "{}")
        return set(map(str, data["files"])) if data.get("disk") == disk_of(settings.disk_id) else set()
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return set()


def write_missing(settings: Settings, paths: Iterable[str]) -> None:
    """Raises FileProblem, ImportProblem."""
    content = {"disk": disk_of(settings.disk_id), "files": sorted(paths)}
    _write(settings.state / MISSING, json.dumps(content, indent=1) + "\n")


def _write(path: Path, text: str) -> None:
    try:
        files.write(path, text, mode=MODE)
    except OSError as error:
        raise FileProblem(f"{path} cannot be written: {reason(error)}") from error
