# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sources hold before a backup, and what the snapshot lacks of it afterwards."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from mediaserver.backup import manifest
from mediaserver.backup.databases import Copy
from mediaserver.backup.restic import Entry
from mediaserver.backup.sources import COMPANIONS, Kind, Source

# A problem names so many files; the rest are counted.
SHOWN = 5


def walk(sources: Iterable[Source], without: Collection[Path]) -> Iterator[str]:
    """Yield the files, links and folders of these sources, except what is left out of the backup on purpose."""
    skipped = {str(path) for path in without}
    for one in sources:
        if one.kind is Kind.FILES:
            yield from _below(str(one.path), skipped)


def _below(path: str, skipped: Collection[str]) -> Iterator[str]:
    if path in skipped:
        return
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return  # gone since its folder was read
    if stat.S_ISREG(mode) or stat.S_ISLNK(mode) or stat.S_ISDIR(mode):
        yield path
    if stat.S_ISDIR(mode):
        try:
            inside = sorted(Path(path).iterdir())
        except OSError:
            return  # restic names what it cannot read
        for one in inside:
            yield from _below(str(one), skipped)


def live_files(sources: Iterable[Source]) -> list[Path]:
    """Return the files of databases whose copies are kept instead."""
    return [
        one.path.with_name(one.path.name + end) for one in sources if one.kind is Kind.DATABASE for end in COMPANIONS
    ]


def lacking(
    sources: Iterable[Source],
    walked: Iterable[str],
    copies: Mapping[Path, Copy],
    entries: Iterable[Entry],
) -> list[str]:
    """Return what a snapshot lacks. A file that went away meanwhile is no loss, but a source that did is one."""
    found = {one.path: one for one in entries}
    required = {str(one.path) for one in sources if one.kind is Kind.FILES}
    missing = [path for path in (*sorted(required), *walked) if path not in found]
    lost = [path for path in dict.fromkeys(missing) if path in required or os.path.lexists(path)]
    for path, copy in copies.items():
        entry = found.get(manifest.copy_in(path))
        if entry is None or entry.size != copy.size:
            lost.append(str(path))
    return lost


def in_words(paths: Collection[str]) -> str:
    shown = sorted(paths)[:SHOWN]
    rest = len(paths) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")
