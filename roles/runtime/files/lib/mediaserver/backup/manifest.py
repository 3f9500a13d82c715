# SPDX-License-Identifier: GPL-3.0-or-later
"""What a snapshot says of itself: ``/manifest.json`` in it. Pure, but for the file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mediaserver._core.errors import FileProblem
from mediaserver.backup.databases import Copy
from mediaserver.backup.settings import DATABASES
from mediaserver.backup.sources import Kind, Source

FILE = "manifest.json"
VERSION = 1


@dataclass(frozen=True)
class Listed:
    """One source; ``service`` is empty for what belongs to the project itself."""

    path: str
    service: str
    kind: str


@dataclass(frozen=True)
class Database:
    """One database: where it was, its copy in the snapshot, and what the copy holds."""

    path: str
    service: str
    copy: str
    size: int
    sha256: str
    tables: dict[str, int]
    uid: int
    gid: int
    mode: int
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """``root``, ``state`` and ``data``: the folders of this household when the snapshot was made."""

    household: str
    made: float
    host: str
    root: str
    state: str
    data: str
    uid: int
    gid: int
    reason: str
    sources: tuple[Listed, ...]
    missing: tuple[str, ...]
    databases: tuple[Database, ...]
    version: int = VERSION

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Raises FileProblem."""
        try:
            data: dict[str, Any] = json.loads(text)
            if data["version"] != VERSION:
                raise FileProblem(
                    f"the snapshot has a manifest of version {data['version']}, and this collection knows {VERSION};"
                    " use the version of the collection that made it"
                )
            return cls(
                **{
                    **data,
                    "sources": tuple(Listed(**one) for one in data["sources"]),
                    "missing": tuple(data["missing"]),
                    "databases": tuple(
                        Database(**{**one, "faults": tuple(one["faults"])}) for one in data["databases"]
                    ),
                }
            )
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise FileProblem(f"the manifest of the snapshot cannot be read ({error!r}); choose another one") from error


def copy_in(source: Path) -> str:
    """Return where the copy of a database is in a snapshot."""
    return f"/{DATABASES}{source}"


def listed(found: Iterable[Source]) -> tuple[Listed, ...]:
    return tuple(Listed(str(one.path), one.service, str(one.kind)) for one in found)


def database(source: Source, made: Copy) -> Database:
    return Database(
        str(source.path),
        source.service,
        copy_in(source.path),
        made.size,
        made.sha256,
        made.tables,
        made.uid,
        made.gid,
        made.mode,
        made.faults,
    )


def databases(found: Iterable[Source]) -> list[Source]:
    return [one for one in found if one.kind is Kind.DATABASE]
