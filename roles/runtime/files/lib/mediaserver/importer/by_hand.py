# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person asks of the import by hand: one torrent, those of before the import, or only the plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from mediaserver._core.errors import InvalidValue
from mediaserver._import.model import KINDS
from mediaserver.importer.problem import ImportProblem
from mediaserver.importer.runner import Runner
from mediaserver.importer.spool import HASH, NEW, Entry
from mediaserver.importer.torrent_import import Ignored, Planned


@dataclass(frozen=True)
class Proposal:
    """What the import would do with one torrent. ``problem``: why it cannot be done now."""

    hash: str
    name: str
    planned: Planned | None = None
    problem: str = ""


def checked_hash(text: str) -> str:
    """Raises InvalidValue."""
    found = text.strip().lower()
    if not HASH.fullmatch(found):
        raise InvalidValue(
            f"{text!r} is not the hash of a torrent, which has 40 hexadecimal digits. Transmission shows it among the"
            " details of a torrent"
        )
    return found


def checked_kind(kind: str) -> str:
    """Raises InvalidValue."""
    if kind and kind not in KINDS:
        raise InvalidValue(f"{kind!r} is not a kind; choose one of {', '.join(KINDS)}")
    return kind


def request(run: Runner, torrent: str, *, kind: str = "", again: bool = False) -> Entry:
    """Have the next run import a torrent, whatever was decided about it before. Raises InvalidValue, FileProblem."""
    wanted = checked_hash(torrent)
    now = run.clock.time()
    entry = run.pending.get(wanted) or Entry(wanted, now)
    entry = replace(
        entry, kind=checked_kind(kind), named=True, again=again, stage=NEW, tries=0, not_before=0.0, checks=0
    )
    # First the entry: a kill in between leaves a torrent that is imported, not one that is forgotten.
    run.pending.put(entry)
    baseline = run.ledger.baseline()
    if baseline and wanted in baseline:
        run.ledger.put_baseline(baseline - {wanted})
    return entry


def request_existing(run: Runner) -> int:
    """Have the next run import what was finished before the import existed; return the number of torrents."""
    baseline = run.ledger.baseline()
    if baseline is None:
        # No run has reached Transmission yet. With an empty list the next one takes all that is finished.
        run.ledger.put_baseline(())
        return 0
    now = run.clock.time()
    for torrent in sorted(baseline):
        if run.pending.get(torrent) is None:
            run.pending.put(Entry(torrent, now))
    run.ledger.put_baseline(())
    return len(baseline)


def propose(run: Runner, torrent: str = "", *, kind: str = "", again: bool = False) -> list[Proposal]:
    """Return the plan of one torrent, or of all that wait. Changes nothing.

    Raises NotNow for a Transmission that does not answer, InvalidValue.
    """
    now = run.clock.time()
    entries = [Entry(checked_hash(torrent), now, named=True)] if torrent else run.pending.entries(now)
    found = []
    for entry in entries:
        answer = run.transmission_service.ask(partial(run.torrents.by_hash, entry.hash), run.clock.monotonic())
        if answer is None:
            found.append(Proposal(entry.hash, entry.title, problem="Transmission does not have this torrent"))
            continue
        name = str(answer.get("name") or entry.hash)
        chosen, repeated = checked_kind(kind) or entry.kind, again or entry.again
        try:
            planned = run.importer.plan(answer, kind=chosen, again=repeated, named=entry.named, clean=False)
        except ImportProblem as error:
            found.append(Proposal(entry.hash, name, problem=str(error)))
            continue
        if isinstance(planned, Ignored):
            found.append(Proposal(entry.hash, name, problem=planned.text))
        else:
            found.append(Proposal(entry.hash, name, planned))
    return found
