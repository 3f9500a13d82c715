# SPDX-License-Identifier: GPL-3.0-or-later
"""The import of one torrent into the library: from Transmission's answer to published links and a record of them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from mediaserver._core.errors import ProtocolError
from mediaserver._import.guess import load_guessit
from mediaserver._import.model import (
    IGNORED,
    INCOMPLETE,
    Guess,
    ImportPlan,
    Link,
    Refusal,
    Torrent,
)
from mediaserver._import.plan import plan, refusal
from mediaserver._import.rpc import torrent_from_rpc
from mediaserver._import.selection import is_safe_path
from mediaserver.importer.ledger import Ledger, Record
from mediaserver.importer.library import Library, disk_of
from mediaserver.importer.problem import ImportProblem, LibraryChanged, shown
from mediaserver.importer.publish import Publisher
from mediaserver.importer.settings import Settings
from mediaserver.importer.sources import Sources
from mediaserver.importer.transmission import FINISHED_FOLDER, host_folder

# Reasons beside the planner's.
SYMBOLIC_LINK = "not a regular file, but a symbolic link or a special file"
DELETED = "deleted from the library before; `mediaserver import --again HASH` imports it again"
EARLIER = "the file of an earlier download of this torrent is in the library already"
# Plans for one entry, when other programs change the library meanwhile.
PLANS = 3


@dataclass(frozen=True)
class Planned:
    """A torrent as planned: the links that are to be made, and the files of it that are in the library already."""

    torrent: Torrent
    size: int
    kind: str
    links: tuple[Link, ...]
    present: tuple[Link, ...]
    left_out: tuple[tuple[str, str], ...]  # source and reason in words
    sources: Sources
    disk: str
    incomplete: int = 0


@dataclass(frozen=True)
class Ignored:
    """A torrent of which nothing is imported, with the reason."""

    torrent: Torrent
    size: int
    text: str


@dataclass(frozen=True)
class Published:
    """What a torrent has in the library now. ``changed``: new folders and files, relative to the media root."""

    planned: Planned
    changed: tuple[str, ...]
    fresh: int  # files since the last arrival

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(link.target for link in (*self.planned.links, *self.planned.present))


@dataclass
class TorrentImport:
    """Plans and publishes. ``guess`` reads titles; by default Debian's guessit, loaded when it is first needed."""

    settings: Settings
    ledger: Ledger
    guess: Guess | None = None
    _loaded: bool = field(default=False)

    def plan(
        self, answer: Mapping[str, Any], *, kind: str = "", again: bool = False, named: bool = False, clean: bool = True
    ) -> Planned | Ignored:
        """Raises ImportProblem for a torrent that cannot be imported now, FileProblem.

        ``named``: a person has asked for this torrent, so it is imported although another program has labelled it.
        With ``clean``, what an interrupted run has left in the library is removed.
        """
        torrent, size = _read(answer)
        # Before its files: another program may have moved them, and after a local error they may be elsewhere.
        refused = refusal(torrent, () if named else self.settings.ignore)
        if refused and refused.reason == IGNORED:
            return Ignored(torrent, size, refused.text)
        if refused:
            raise ImportProblem(refused.text)
        disk = disk_of(self.settings.disk_id)
        torrent, sources = self._measured(torrent, str(answer["downloadDir"]))
        library = Library.scan(self.settings.media)
        if clean:
            library.clean()
        record = self.ledger.get(str(answer["hashString"]).lower())
        former = record.former_targets(disk)
        # A kind that a person has chosen for the earlier disk is not asked for again.
        made = self._planned(torrent, library, kind or (record.kind if former else ""))
        if former and not kind:
            made = with_former_targets(made, former, library)
        inodes = {one for one in library.files.values() if one is not None}
        before = {} if again else record.published_before(made.links, sources.identities, disk, inodes)
        left_out = [(entry.source, entry.text) for entry in made.left_out if entry.source not in sources.links]
        left_out += [(source, SYMBOLIC_LINK) for source in sources.links]
        left_out += [(source, EARLIER if there else DELETED) for source, there in before.items()]
        return Planned(
            torrent,
            size,
            made.kind,
            tuple(link for link in made.links if link.source not in before),
            made.present,
            tuple(sorted(left_out)),
            sources,
            disk,
            sum(1 for entry in made.left_out if entry.reason == INCOMPLETE),
        )

    def publish(
        self, answer: Mapping[str, Any], *, kind: str = "", again: bool = False, named: bool = False
    ) -> Published | Ignored:
        """Plan and publish, and plan again when another program changes the library meanwhile. Raises ImportProblem."""
        for _round in range(PLANS - 1):
            with suppress(LibraryChanged):
                return self._publish(answer, kind, again=again, named=named)
        return self._publish(answer, kind, again=again, named=named)

    def _publish(self, answer: Mapping[str, Any], kind: str, *, again: bool, named: bool) -> Published | Ignored:
        planned = self.plan(answer, kind=kind, again=again, named=named)
        torrent = str(answer["hashString"]).lower()
        if isinstance(planned, Ignored):
            known = self.ledger.get(torrent)
            self.ledger.put(replace(known, name=planned.torrent.name, size=planned.size, refused=planned.text))
            return planned
        publisher = Publisher(self.settings.media, planned.sources, torrent[:16])
        publisher.publish(planned.links)
        # The links are on the disk by now. A record of links that a power cut takes back would count as deleted.
        record = self._record(torrent, planned)
        self.ledger.put(record)
        return Published(planned, tuple(publisher.changed), record.fresh)

    def _record(self, torrent: str, planned: Planned) -> Record:
        """Return the record with what is published, and with what was before on this disk: it may be deleted since."""
        known = self.ledger.get(torrent)
        same = known.disk == planned.disk
        published = dict(known.files) if same else {}
        for link in (*planned.present, *planned.links):
            published[link.source] = (link.target, planned.sources.identities[link.source][1])
        # A file that comes back to its path of an earlier disk is no arrival.
        announced = known.announced if same else 0
        former = known.former_targets(planned.disk)
        announced += sum(former.get(source) == published[source][0] for source in former if source in published)
        former = {source: target for source, target in former.items() if source not in published}
        return Record(
            torrent, planned.torrent.name, planned.disk, planned.size, planned.kind, "", published, announced, former
        )

    def _measured(self, torrent: Torrent, folder: str) -> tuple[Torrent, Sources]:
        """Find the torrent's files on the disk. Raises ImportProblem."""
        sources = Sources(self.settings.downloads, host_folder(folder, self.settings.downloads))
        sources.find(file.path for file in torrent.files if file.wanted and file.is_complete)
        if sources.missing:
            first = shown(sources.missing[0])
            raise ImportProblem(
                f"{len(sources.missing)} of its files are not in {folder}, {first} among them. Transmission may still"
                " move them, or could not: see the torrent there"
            )
        # Transmission creates no symbolic link, so the planner does not get it.
        links = set(sources.links)
        files = tuple(
            replace(file, identity=sources.identities.get(file.path))
            for file in torrent.files
            if file.path not in links
        )
        return replace(torrent, files=files), sources

    def _planned(self, torrent: Torrent, library: Library, kind: str) -> ImportPlan:
        """Raises ImportProblem."""
        if not self._loaded and self.guess is None:
            self.guess, self._loaded = load_guessit(), True
        year = time.gmtime().tm_year
        made = plan(torrent, library.existing(), guess=self.guess, this_year=year, forced_kind=kind)
        if isinstance(made, Refusal):
            raise ImportProblem(made.text)
        return made


def with_former_targets(made: ImportPlan, former: Mapping[str, str], library: Library) -> ImportPlan:
    """Return a plan in which files have the paths that they had on an earlier disk, where these are free. Pure.

    Names depend on what else is in the library, and Jellyfin knows a file, and who has watched it, by its path.
    """
    taken = set(library.files) | {link.target for link in made.present}
    chosen: dict[str, str] = {}
    for link in made.links:
        target = former.get(link.source, "")
        if is_safe_path(target) and target not in taken:
            chosen[link.source] = target
            taken.add(target)
    # A file that is new on this disk gives way; the next plan finds another name for it.
    links = [
        Link(link.source, chosen.get(link.source, link.target))
        for link in made.links
        if link.source in chosen or link.target not in taken
    ]
    return replace(made, links=tuple(links))


def _read(answer: Mapping[str, Any]) -> tuple[Torrent, int]:
    """Return the torrent and the bytes of its wanted files. Raises ProtocolError."""
    try:
        return torrent_from_rpc(answer, root=str(answer[FINISHED_FOLDER])), int(answer["sizeWhenDone"])
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise ProtocolError(f"Transmission's answer about a torrent is incomplete: {error!r}") from error
