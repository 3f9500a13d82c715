# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What the planner reads and what it answers: values only, no behaviour that reads or writes anything."""

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

# What identifies one content on the disk: device and inode, or whatever the caller compares.
Identity = t.Hashable
# A name goes in, guessit's answer comes out.
Guess = t.Callable[[str], t.Mapping[str, t.Any]]


@dataclass(frozen=True)
class TorrentFile:
    """One file of a torrent; the path is the one of Transmission's RPC, relative to its download folder."""

    path: str
    length: int
    completed: int
    wanted: bool = True
    identity: Identity | None = None

    @property
    def whole(self) -> bool:
        """All bytes are there."""
        return self.completed == self.length


@dataclass(frozen=True)
class Torrent:
    """A torrent; folder is the part of its download folder below Transmission's root of finished downloads."""

    name: str
    files: tuple[TorrentFile, ...]
    labels: tuple[str, ...] = ()
    folder: str = ""
    error: int = 0
    error_text: str = ""


@dataclass(frozen=True)
class Library:
    """Files that the library holds: path below the media root to identity, None where it is not known."""

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
class Plan:
    """Each file of the torrent is in exactly one of the three; present files are in the library already."""

    kind: str
    links: tuple[Link, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    present: tuple[Link, ...] = ()


@dataclass(frozen=True)
class Refusal:
    """The torrent is not imported at all."""

    reason: str
    text: str
