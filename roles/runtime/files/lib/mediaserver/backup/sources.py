# SPDX-License-Identifier: GPL-3.0-or-later
"""What a backup keeps: the services' files and databases from the registry, and what belongs to the project itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mediaserver._core.names import OVERRIDES
from mediaserver.backup.settings import Settings


class Kind(StrEnum):
    FILES = "files"  # a file, or a folder with all that is in it
    DATABASE = "database"  # SQLite, copied by its backup interface


@dataclass(frozen=True)
class Source:
    """``service`` is empty for what belongs to the project itself."""

    path: Path
    service: str
    kind: Kind


@dataclass(frozen=True)
class Plan:
    """``absent``: not there yet, as in no earlier backup. ``vanished``: it was in an earlier one, and is gone."""

    present: tuple[Source, ...]
    absent: tuple[Source, ...]
    vanished: tuple[Source, ...]


# Below the project folder: secrets and keys, the state of the VPN, and what compose reads. The host's programs are not
# kept, because the playbook installs them.
PROJECT = ("secrets", "gateway", "backup", "compose.yml", ".env", *OVERRIDES)
# What SQLite keeps beside a database. Copied as files they would not match it.
# Source: https://www.sqlite.org/tempfiles.html.
COMPANIONS = ("", "-wal", "-shm", "-journal")


def sources(settings: Settings) -> tuple[Source, ...]:
    """Return all sources. A path that is below another one is kept with it."""
    return tuple(_without_nested(listed(settings)))


def listed(settings: Settings) -> Iterator[Source]:
    """Yield what belongs to each service, also where a folder of the project holds it."""
    yield from (Source(settings.root / name, "", Kind.FILES) for name in PROJECT)
    # State files of the programs (import, VPN, health), and the household's inventory folder.
    yield Source(settings.state, "", Kind.FILES)
    for one in settings.services:
        yield from (Source(path, one.name, Kind.FILES) for path in one.files)
        yield from (Source(path, one.name, Kind.DATABASE) for path in one.databases)
    yield from (Source(path, "", Kind.FILES) for path in settings.media)


def _without_nested(found: Iterable[Source]) -> Iterator[Source]:
    every = list(dict.fromkeys(found))
    folders = {one.path for one in every if one.kind is Kind.FILES}
    seen: set[Path] = set()
    for one in every:
        if one.kind is Kind.FILES and (one.path in seen or folders.intersection(one.path.parents)):
            continue
        seen.add(one.path)
        yield one


def existing(found: Iterable[Source]) -> frozenset[Path]:
    """Return which of them are there. A link is not followed: restic would keep the link alone."""
    return frozenset(one.path for one in found if _is_there(one))


def _is_there(one: Source) -> bool:
    if one.path.is_symlink():
        return False
    return one.path.is_file() if one.kind is Kind.DATABASE else one.path.exists()


def plan(wanted: Iterable[Source], there: Collection[Path], seen: Collection[str]) -> Plan:
    """Divide the sources by whether they exist, and were in an earlier backup. Pure."""
    every = tuple(wanted)
    gone = [one for one in every if one.path not in there]
    return Plan(
        tuple(one for one in every if one.path in there),
        tuple(one for one in gone if str(one.path) not in seen),
        tuple(one for one in gone if str(one.path) in seen),
    )


def excluded(found: Iterable[Source]) -> list[str]:
    """Return the live files of databases, as restic's patterns: their copies are kept instead."""
    databases = [one.path for one in found if one.kind is Kind.DATABASE]
    return [pattern(f"{path}{companion}") for path in databases for companion in COMPANIONS]


def pattern(path: str) -> str:
    """Return a pattern of restic's that means this path alone. In an exclude file, $ begins a variable."""
    escaped = "".join(f"\\{one}" if one in "\\*?[]" else one for one in path)
    return escaped.replace("$", "$$")
