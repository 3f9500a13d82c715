# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Input and result of the planner: immutable values."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

KINDS = ("movies", "tv", "music", "books", "misc")

SAMPLE = "sample"
JUNK = "junk"
ARCHIVE = "archive"
NOT_WANTED = "not_wanted"
INCOMPLETE = "incomplete"
HIDDEN = "hidden"
UNSAFE_NAME = "unsafe_name"
UNSUPPORTED = "unsupported"
REASONS = {
    SAMPLE: "a short sample of the video",
    JUNK: "notes, check sums, advertising or pictures of the release",
    ARCHIVE: "archives are not unpacked; the file stays with the download",
    NOT_WANTED: "deselected in Transmission",
    INCOMPLETE: "not complete yet",
    HIDDEN: "hidden file",
    UNSAFE_NAME: "the name leaves the torrent's folder or hides the type of the file",
    UNSUPPORTED: "Jellyfin has no place for it in this library",
}

IGNORED = "ignored"
NOTHING_TO_PUBLISH = "nothing_to_publish"
LOCAL_ERROR = "local_error"

# Identifies a file's content: device and inode, or another value that the caller compares.
Identity = t.Hashable
# From a name to guessit's result.
Guess = t.Callable[[str], t.Mapping[str, t.Any]]


@dataclass(frozen=True)
class TorrentFile:
    """One file of a torrent: path as in Transmission's RPC, relative to the download folder; sizes in bytes."""

    path: str
    length: int
    completed: int
    wanted: bool = True
    identity: Identity | None = None

    @property
    def is_complete(self) -> bool:
        """Whether all bytes are downloaded."""
        return self.completed == self.length


@dataclass(frozen=True)
class Torrent:
    """A torrent; folder is its download folder relative to Transmission's root of finished downloads.

    error is the value of Transmission's RPC: 0 none, 1 tracker warning, 2 tracker error, 3 local error.
    """

    name: str
    files: tuple[TorrentFile, ...]
    labels: tuple[str, ...] = ()
    folder: str = ""
    error: int = 0
    error_text: str = ""


@dataclass(frozen=True)
class ExistingFiles:
    """Files below the media root: relative path to identity, None where it is unknown."""

    files: t.Mapping[str, Identity | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Link:
    """A file of the torrent (source) and its path below the media root (target)."""

    source: str
    target: str


@dataclass(frozen=True)
class LeftOut:
    """A file that is not published, with one of REASONS."""

    source: str
    reason: str

    @property
    def text(self) -> str:
        """The reason in words."""
        return REASONS[self.reason]


@dataclass(frozen=True)
class ImportPlan:
    """Each file of the torrent is in exactly one of links, left_out and present (in the library already)."""

    kind: str
    links: tuple[Link, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    present: tuple[Link, ...] = ()


@dataclass(frozen=True)
class Refusal:
    """The torrent is not imported."""

    reason: str
    text: str
